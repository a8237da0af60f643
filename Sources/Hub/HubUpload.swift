public import Foundation
import ModelFormats

/// Upload of files to a model's repository on the hub, as one commit.
///
/// Large files go first, to where the hub says; a commit that names them and holds the small ones makes all of them visible at
/// once.
public struct HubUpload {
  /// Commit that an upload has made.
  public struct Commit: Sendable, Equatable {
    /// The page of the commit.
    public let url: String
    /// The commit.
    public let commit: String
    /// The page of the pull request; nil of a commit on a branch.
    public let pullRequest: String?
  }

  /// The repository, and the branch that the commit goes to.
  public let name: HubName
  /// Whether a repository that is made is private.
  public var isPrivate = false
  /// First line of the commit's message.
  public var message = "Upload a model with potstill"
  /// Whether the commit is a pull request to the branch.
  public var createsPullRequest = false

  private let client: HubClient
  private let settings: HubSettings

  /// Seconds without a byte after which an upload has failed; a hub that takes a large commit needs some.
  private var patience: Int { max(120, settings.downloadTimeout) }

  /// An upload.
  ///
  /// - Throws: `HubError` without a token, when the network is switched off, or when the system has no libcurl.
  public init(to name: HubName, settings: HubSettings) throws(HubError) {
    guard settings.token != nil else {
      throw HubError(
        .token,
        "an upload needs a token that may write: make one on \(HubError.tokenPage) and set HF_TOKEN, or log in with 'hf auth "
          + "login'")
    }
    guard name.repository.contains("/") else {
      throw HubError(
        .settings,
        "found \"\(name.repository)\", expected the owner too, such as your-name/\(name.repository)")
    }
    (self.name, self.settings) = (name, settings)
    client = try HubClient(name, settings: settings, sendsToken: true)
  }

  /// Uploads files; the repository and the branch are made if need be.
  ///
  /// - Parameters:
  ///   - files: Their paths in the repository, and where they are.
  ///   - progress: Hears a piece of work, how much of it is done and how much it is, in 1,024 bytes.
  /// - Returns: The commit; nil when the repository holds the same files already.
  /// - Throws: `HubError`; `FormatError` for a file that cannot be read.
  public func run(
    _ files: [(path: String, url: URL)], progress: (String, Int, Int) -> Void = { _, _, _ in }
  ) throws -> Commit? {
    for (path, _) in files where !HubName.isRelativePath(path) || path.hasPrefix(".git/") {
      throw HubError(.settings, "\"\(path)\" is no path of a file in a repository")
    }
    try createRepository()
    try createBranch()
    var uploads = try files.map { try UploadedFile(path: $0.path, url: $0.url) }
    try askForModes(&uploads)
    try hash(&uploads, progress)
    uploads.removeAll { $0.isIgnored || $0.isThere }
    if uploads.isEmpty { return nil }
    try uploadLargeFiles(uploads.filter(\.isLarge), progress)
    return try commit(uploads)
  }

  // MARK: Repository and branch

  private func createRepository() throws {
    let parts = name.repository.split(separator: "/").map(String.init)
    var payload = JSONObject()
    (payload["name"], payload["organization"]) = (.string(parts[1]), .string(parts[0]))
    payload["type"] = "model"
    if isPrivate { payload["visibility"] = "private" }
    let (status, value) = try post("/api/repos/create", .object(payload)) {
      [401, 402, 403, 409].contains($0)
    }
    if status < 400 { return }
    // It is there already, or this token may write to it and make none.
    let path = "/api/models/\(name.repository)"
    let (found, repository) = try client.json(.get, path) { $0 >= 400 && $0 < 500 }
    guard found < 400 else {
      let words = value["error"]?.stringValue.map { ": \(printable($0, atMost: 300))" } ?? ""
      throw HubError(
        .token,
        "\(settings.host) makes no repository \(name.repository) with the token in \(settings.tokenSource ?? "use")\(words); "
          + "take one that may write there (\(HubError.tokenPage)), and look at the owner's name")
    }
    if isPrivate, repository["private"]?.boolValue == false {
      throw HubError(
        .settings,
        "\(name.repository) exists and is public, so nothing was uploaded; leave out --private, choose another name, or make "
          + "it private in its settings")
    }
  }

  /// Makes the branch unless it is there; a pull request needs the branch that it is for.
  private func createBranch() throws {
    if name.revision == "main" || createsPullRequest || name.revision.hasPrefix("refs/") { return }
    let path = "/api/models/\(name.repository)/revision/\(name.escapedRevision)"
    if try client.json(.get, path, accepts: { $0 == 404 }).status < 400 { return }
    _ = try post("/api/models/\(name.repository)/branch/\(name.escapedRevision)", [:]) { $0 == 409 }
  }

  // MARK: Large and small files

  /// Asks which files are large, which are ignored, and which are there already.
  private func askForModes(_ uploads: inout [UploadedFile]) throws {
    for start in stride(from: 0, to: uploads.count, by: 256) {
      let range = start..<min(uploads.count, start + 256)
      let files = try uploads[range].map { file -> JSONValue in
        ["path": .string(file.path), "sample": .string(try file.sample()), "size": .integer(file.size)]
      }
      let answer = try post(
        "/api/models/\(name.repository)/preupload/\(name.escapedRevision)\(query)", ["files": .array(files)]
      ).value
      let modes = answer["files"]?.arrayValue ?? []
      for index in range {
        guard let mode = modes.first(where: { $0["path"]?.stringValue == uploads[index].path }),
          let kind = mode["uploadMode"]?.stringValue, ["lfs", "regular"].contains(kind)
        else { throw unexpected("how to upload \(uploads[index].path)") }
        // An empty file cannot be a large one.
        uploads[index].isLarge = kind == "lfs" && uploads[index].size > 0
        uploads[index].isIgnored = mode["shouldIgnore"]?.boolValue ?? false
        uploads[index].remoteDigest = mode["oid"]?.stringValue
      }
    }
  }

  private func hash(_ uploads: inout [UploadedFile], _ progress: (String, Int, Int) -> Void) throws {
    let total = uploads.reduce(0) { $0 + $1.size }
    var before = 0
    for index in uploads.indices {
      try uploads[index].hash { progress("Reading (kB)", (before + $0) >> 10, max(1, total >> 10)) }
      before += uploads[index].size
    }
  }

  // MARK: Large files

  private func uploadLargeFiles(
    _ uploads: [UploadedFile], _ progress: (String, Int, Int) -> Void
  ) throws {
    if uploads.isEmpty { return }
    let objects = uploads.map { file -> JSONValue in
      ["oid": .string(file.digest), "size": .integer(file.size)]
    }
    let answer = try post(
      "/\(name.repository).git/info/lfs/objects/batch",
      [
        "operation": "upload", "transfers": ["basic", "multipart"], "objects": .array(objects),
        "hash_algo": "sha256", "ref": ["name": .string(name.revision)],
      ], headers: Self.largeFileHeaders
    ).value
    guard let actions = answer["objects"]?.arrayValue else { throw unexpected("where large files go") }
    let total = uploads.reduce(0) { $0 + $1.size }
    var before = 0
    for file in uploads {
      guard let action = actions.first(where: { $0["oid"]?.stringValue == file.digest }) else {
        throw unexpected("where \(file.path) goes")
      }
      if let words = action["error"]?["message"]?.stringValue {
        throw HubError(
          .server, "\(settings.host) does not take \(file.path): \(printable(words, atMost: 300))")
      }
      // Without actions it has the bytes already.
      if let upload = action["actions"]?["upload"] {
        try send(file, upload) { progress("Uploading (kB)", (before + $0) >> 10, max(1, total >> 10)) }
      }
      if let verify = action["actions"]?["verify"]?["href"]?.stringValue {
        _ = try post(atHub(verify), ["oid": .string(file.digest), "size": .integer(file.size)])
      }
      before += file.size
    }
  }

  /// Sends the bytes of a large file in one piece, or in parts where the hub wants them.
  private func send(_ file: UploadedFile, _ upload: JSONValue, _ progress: (Int) -> Void) throws {
    guard let address = upload["href"]?.stringValue else { throw unexpected("where \(file.path) goes") }
    let header = upload["header"]
    let wanted = header?["chunk_size"].flatMap { $0.intValue ?? $0.stringValue.flatMap { Int($0) } }
    guard let size = wanted else {
      _ = try put(file, 0..<file.size, to: atHub(address), progress)
      return
    }
    let addresses = (header?.objectValue ?? JSONObject()).compactMap { key, value in
      Int(key).flatMap { number in value.stringValue.map { (number: number, url: $0) } }
    }.sorted { $0.number < $1.number }
    guard size > 0, addresses.count == (file.size + size - 1) / size else {
      throw unexpected("the parts of \(file.path)")
    }
    var parts: [JSONValue] = []
    for (index, part) in addresses.enumerated() {
      let range = index * size..<min(file.size, (index + 1) * size)
      let response = try put(file, range, to: part.url) { progress(range.lowerBound + $0) }
      guard let etag = response.header("ETag") else { throw unexpected("part \(index + 1) of \(file.path)") }
      parts.append(["partNumber": .integer(index + 1), "etag": .string(etag)])
    }
    _ = try post(
      atHub(address), ["oid": .string(file.digest), "parts": .array(parts)], headers: Self.largeFileHeaders)
  }

  private func put(
    _ file: UploadedFile, _ range: Range<Int>, to address: String, _ progress: (Int) -> Void
  ) throws -> HTTPResponse {
    try client.repeating(address, isPatient: range.lowerBound > 0) {
      try file.withDescriptor { descriptor in
        let response = try client.send(
          client.request(
            .put, address, body: .file(descriptor: descriptor, range: range), stalled: patience),
          leavesHub: true, sent: progress)
        try client.check(response, file: file.path)
        return response
      }
    }
  }

  private static let largeFileHeaders = [
    ("Accept", "application/vnd.git-lfs+json"), ("Content-Type", "application/vnd.git-lfs+json"),
  ]

  /// An address of the hub as the mirror has it that `HF_ENDPOINT` names.
  private func atHub(_ address: String) -> String {
    address.hasPrefix("https://huggingface.co/")
      ? settings.endpoint + address.dropFirst("https://huggingface.co".count) : address
  }

  // MARK: The commit

  private func commit(_ uploads: [UploadedFile]) throws -> Commit {
    var lines: [JSONValue] = [
      ["key": "header", "value": ["summary": .string(message), "description": ""]]
    ]
    for file in uploads {
      lines.append(
        file.isLarge
          ? [
            "key": "lfsFile",
            "value": [
              "path": .string(file.path), "algo": "sha256", "oid": .string(file.digest),
              "size": .integer(file.size),
            ],
          ]
          : [
            "key": "file",
            "value": [
              "content": .string(try file.base64()), "path": .string(file.path), "encoding": "base64",
            ],
          ])
    }
    let body = lines.map { $0.compactText + "\n" }.joined()
    let answer = try client.json(
      .post, "/api/models/\(name.repository)/commit/\(name.escapedRevision)\(query)",
      headers: [("Content-Type", "application/x-ndjson")], body: .bytes(Array(body.utf8)), stalled: patience
    ).value
    guard let url = answer["commitUrl"]?.stringValue, let commit = answer["commitOid"]?.stringValue else {
      throw unexpected("the commit")
    }
    return Commit(url: url, commit: commit, pullRequest: answer["pullRequestUrl"]?.stringValue)
  }

  private var query: String { createsPullRequest ? "?create_pr=1" : "" }

  private func post(
    _ path: String, _ payload: JSONValue,
    headers: [(String, String)] = [("Content-Type", "application/json")],
    accepts: (Int) -> Bool = { _ in false }
  ) throws -> (status: Int, value: JSONValue) {
    try client.json(
      .post, path, headers: headers, body: .bytes(Array(payload.compactText.utf8)), stalled: patience,
      accepts: accepts)
  }

  private func unexpected(_ what: String) -> HubError {
    HubError(
      .server,
      "\(settings.host) did not say \(what) as the Hugging Face hub does; look at HF_ENDPOINT, or try again")
  }
}
