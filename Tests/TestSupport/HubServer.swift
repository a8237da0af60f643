import Foundation
import ModelFormats
import Synchronization

/// Hugging Face hub on this machine for tests: repositories in memory, which it serves and takes as the hub does.
///
/// It is reached as 127.0.0.1, and keeps large files under another host, `localhost`.
public final class HubServer: Sendable {
  /// Access that a repository gives.
  public enum Access: Sendable {
    /// Everybody reads it.
    case open
    /// Those with the token read it.
    case restricted
    /// Nobody has accepted its conditions yet.
    case gated
  }

  private struct Repository {
    var access: Access
    var commits: [String: [String: [UInt8]]] = [:]
    var branches: [String: String] = [:]
    var pullRequests = 0
  }

  private struct State {
    var repositories: [String: Repository] = [:]
    var moved: [String: String] = [:]
    var large: [String: [UInt8]] = [:]
    var parts: [String: [UInt8]] = [:]
    var log: [ServedRequest] = []
    var partSize: Int?
    var change: (@Sendable (ServedRequest, ServedReply) -> ServedReply)?
  }

  /// The token that may do everything.
  public static let token = "hf_test"

  private let state = Mutex(State())
  private let server: Mutex<HTTPServer?> = Mutex(nil)
  /// The address.
  public let endpoint: String
  private let storage: String

  /// A hub without repositories.
  public init() throws {
    let holder = Holder()
    let server = try HTTPServer { holder.answer($0) }
    endpoint = "http://127.0.0.1:\(server.port)"
    storage = "http://localhost:\(server.port)"
    self.server.withLock { $0 = server }
    holder.set { [weak self] in self?.answer($0) ?? ServedReply(500) }
  }

  // MARK: What it holds

  /// Adds files to a repository, which is made if need be, and returns the commit.
  @discardableResult
  public func add(
    _ name: String, _ files: [String: [UInt8]], access: Access = .open, branch: String = "main"
  ) -> String {
    state.withLock { state in
      if state.repositories[name] == nil { state.repositories[name] = Repository(access: access) }
      for data in files.values where Self.isLarge(data.count) {
        state.large[Digest.text(of: data, by: .sha256)] = data
      }
      return Self.commit(files, to: branch, on: branch, of: name, &state)
    }
  }

  /// Makes one name of a repository lead to another, as for those that have moved to an organisation.
  public func move(_ name: String, to other: String) { state.withLock { $0.moved[name] = other } }

  /// The files of a branch; nil where there is none.
  public func files(of name: String, branch: String = "main") -> [String: [UInt8]]? {
    state.withLock { state in
      state.repositories[name].flatMap { repository in
        repository.branches[branch].flatMap { repository.commits[$0] }
      }
    }
  }

  /// The access that a repository gives; nil where there is none.
  public func access(of name: String) -> Access? { state.withLock { $0.repositories[name]?.access } }

  /// The requests so far.
  public var log: [ServedRequest] { state.withLock { $0.log } }

  /// Forgets the requests so far.
  public func clearLog() { state.withLock { $0.log = [] } }

  /// Changes answers, for faults; nil ends that.
  public func change(_ change: (@Sendable (ServedRequest, ServedReply) -> ServedReply)?) {
    state.withLock { $0.change = change }
  }

  /// Takes large files in parts of so many bytes.
  public func setPartSize(_ size: Int?) { state.withLock { $0.partSize = size } }

  private static func isLarge(_ size: Int) -> Bool { size > 2000 }

  private static func gitDigest(_ data: [UInt8]) -> String {
    Digest.text(of: Array("blob \(data.count)\0".utf8) + data, by: .sha1)
  }

  private static func commit(
    _ files: [String: [UInt8]], to branch: String, on parent: String, of name: String, _ state: inout State
  ) -> String {
    guard var repository = state.repositories[name] else { return "" }
    var tree = repository.branches[parent].flatMap { repository.commits[$0] } ?? [:]
    tree.merge(files) { $1 }
    let text = "\(name) \(branch) \(repository.commits.count)"
    let commit = Digest.text(of: Array(text.utf8), by: .sha1)
    repository.commits[commit] = tree
    repository.branches[branch] = commit
    state.repositories[name] = repository
    return commit
  }

  // MARK: Answers

  private func answer(_ request: ServedRequest) -> ServedReply {
    state.withLock { $0.log.append(request) }
    let given = state.withLock { reply(to: request, &$0) }
    return state.withLock { $0.change }.map { $0(request, given) } ?? given
  }

  private func reply(to request: ServedRequest, _ state: inout State) -> ServedReply {
    let parts = request.path.split(separator: "/").map { String($0.replacing("%2F", with: "/")) }
    if parts.first == "storage" { return stored(parts, request, &state) }
    switch (parts.first, parts.count) {
    case ("api", 3) where parts[1] == "repos": return create(request, &state)
    case ("api", 3...):
      var rest = Array(parts[2...])
      // A name has one part or two.
      let count = rest.count > 1 && !["revision", "preupload", "commit", "branch"].contains(rest[1]) ? 2 : 1
      let name = rest[..<count].joined(separator: "/")
      rest.removeFirst(count)
      if let moved = state.moved[name] {
        let path = (["", "api", "models", moved] + rest).joined(separator: "/")
        return ServedReply(307, ["Location": path])
      }
      return api(name, rest, request, &state)
    case ("complete", 2), ("verify", 1): return completed(parts, request, &state)
    case (_, _):
      if request.path.hasSuffix(".git/info/lfs/objects/batch") { return batch(request, state) }
      guard let place = parts.firstIndex(of: "resolve"), parts.count > place + 2 else {
        return ServedReply(404)
      }
      let name = parts[..<place].joined(separator: "/")
      if let moved = state.moved[name] {
        return ServedReply(307, ["Location": (["", moved] + parts[place...]).joined(separator: "/")])
      }
      return resolve(
        name, parts[place + 1], parts[(place + 2)...].joined(separator: "/"), request, state)
    }
  }

  private func isAllowed(_ request: ServedRequest) -> Bool {
    request.header("Authorization") == "Bearer \(Self.token)"
  }

  private func fault(_ status: Int, _ code: String, _ words: String = "") -> ServedReply {
    ServedReply(status, ["X-Error-Code": code], Array(#"{"error": "\#(words)"}"#.utf8))
  }

  private func json(_ value: JSONValue) -> ServedReply {
    ServedReply(200, ["Content-Type": "application/json"], Array(value.compactText.utf8))
  }

  private func api(
    _ name: String, _ rest: [String], _ request: ServedRequest, _ state: inout State
  ) -> ServedReply {
    if let header = request.header("Authorization"), header != "Bearer \(Self.token)" {
      return ServedReply(
        401, ["X-Error-Message": "Invalid credentials in Authorization header"], [])
    }
    guard let repository = state.repositories[name], repository.access != .restricted || isAllowed(request)
    else { return fault(401, "RepoNotFound", "Repository not found") }
    let revision = rest.count > 1 ? rest[1] : "main"
    if rest.first == "branch" {
      state.repositories[name]?.branches[revision] = repository.branches["main"]
      return json([:])
    }
    let commit = repository.branches[revision] ?? revision
    guard let files = repository.commits[commit] else {
      return fault(404, "RevisionNotFound", "Invalid rev id")
    }
    switch rest.first {
    case "preupload":
      guard isAllowed(request) else { return fault(401, "", "Invalid username or password.") }
      return preupload(request, files)
    case "commit":
      guard isAllowed(request) else { return fault(401, "", "Invalid username or password.") }
      return take(request, name, revision, &state)
    default:
      return json([
        "id": .string(name), "sha": .string(commit), "private": .bool(repository.access == .restricted),
        "siblings": .array(files.keys.sorted().map { ["rfilename": .string($0)] }),
      ])
    }
  }

  private func resolve(
    _ name: String, _ revision: String, _ file: String, _ request: ServedRequest, _ state: State
  ) -> ServedReply {
    guard let repository = state.repositories[name], repository.access != .restricted || isAllowed(request)
    else { return fault(401, "RepoNotFound", "Repository not found") }
    if repository.access == .gated {
      return fault(isAllowed(request) ? 403 : 401, "GatedRepo", "Access is gated")
    }
    let commit = repository.branches[revision] ?? revision
    guard let files = repository.commits[commit] else { return fault(404, "RevisionNotFound") }
    guard let data = files[file] else { return fault(404, "EntryNotFound") }
    if Self.isLarge(data.count) {
      let digest = Digest.text(of: data, by: .sha256)
      return ServedReply(
        302,
        [
          "X-Repo-Commit": commit, "X-Linked-Etag": "\"\(digest)\"", "X-Linked-Size": "\(data.count)",
          "Location": "\(storage)/storage/\(digest)",
        ])
    }
    var reply = part(of: data, request)
    reply.headers["X-Repo-Commit"] = commit
    reply.headers["ETag"] = "W/\"\(Self.gitDigest(data))\""
    if request.method == "HEAD" { reply.headers["Content-Length"] = "\(data.count)" }
    return reply
  }

  private func part(of data: [UInt8], _ request: ServedRequest) -> ServedReply {
    guard let range = request.header("Range")?.wholeMatch(of: /bytes=(\d+)-/), let start = Int(range.1) else {
      return ServedReply(200, [:], data)
    }
    guard start < data.count else { return ServedReply(416) }
    return ServedReply(
      206, ["Content-Range": "bytes \(start)-\(data.count - 1)/\(data.count)"], Array(data[start...]))
  }

  // MARK: The other host

  private func stored(
    _ parts: [String], _ request: ServedRequest, _ state: inout State
  ) -> ServedReply {
    // As storage that is reached by signed addresses does it.
    if request.header("Authorization") != nil { return ServedReply(400) }
    if request.method == "PUT" {
      if parts.count == 2 {
        keep(request.body, as: parts[1], &state)
      } else {
        state.parts[parts[1...].joined(separator: "/")] = request.body
      }
      return ServedReply(200, ["ETag": "\"\(Digest.text(of: request.body, by: .sha1))\""])
    }
    guard let data = state.large[parts[1]] else { return ServedReply(404) }
    return part(of: data, request)
  }

  private func keep(_ data: [UInt8], as digest: String, _ state: inout State) {
    if Digest.text(of: data, by: .sha256) == digest { state.large[digest] = data }
  }

  // MARK: Uploads

  private func value(_ request: ServedRequest) -> JSONValue {
    (try? JSONValue(parsing: request.body)) ?? .null
  }

  private func create(_ request: ServedRequest, _ state: inout State) -> ServedReply {
    guard isAllowed(request) else {
      return ServedReply(401, ["X-Error-Message": "Invalid credentials in Authorization header"])
    }
    let wanted = value(request)
    let owner = wanted["organization"]?.stringValue ?? ""
    if owner == "others" { return fault(403, "", "You don't have the rights to create a model here") }
    let name = "\(owner)/\(wanted["name"]?.stringValue ?? "")"
    if state.repositories[name] != nil { return fault(409, "", "You already created this model repo") }
    state.repositories[name] = Repository(
      access: wanted["visibility"]?.stringValue == "private" ? .restricted : .open)
    _ = Self.commit([".gitattributes": []], to: "main", on: "main", of: name, &state)
    return json(["url": .string("\(endpoint)/\(name)")])
  }

  private func preupload(_ request: ServedRequest, _ known: [String: [UInt8]]) -> ServedReply {
    let files = (value(request)["files"]?.arrayValue ?? []).map { file -> JSONValue in
      let path = file["path"]?.stringValue ?? ""
      let isLarge = Self.isLarge(file["size"]?.intValue ?? 0)
      var answer = JSONObject()
      answer["path"] = .string(path)
      answer["uploadMode"] = isLarge ? "lfs" : "regular"
      answer["shouldIgnore"] = .bool(path == "ignored.txt")
      answer["oid"] = known[path].map {
        .string(isLarge ? Digest.text(of: $0, by: .sha256) : Self.gitDigest($0))
      }
      return .object(answer)
    }
    return json(["files": .array(files)])
  }

  private func batch(_ request: ServedRequest, _ state: State) -> ServedReply {
    guard isAllowed(request) else { return ServedReply(401) }
    let objects = (value(request)["objects"]?.arrayValue ?? []).map { object -> JSONValue in
      let (digest, size) = (object["oid"]?.stringValue ?? "", object["size"]?.intValue ?? 0)
      if state.large[digest] != nil { return object }
      var upload: JSONValue = ["href": .string("\(storage)/storage/\(digest)")]
      if let part = state.partSize, size > part {
        var header = JSONObject()
        header["chunk_size"] = .string(String(part))
        for number in 1...(size + part - 1) / part {
          header[String(number)] = .string("\(storage)/storage/\(digest)/\(number)")
        }
        upload = ["href": .string("\(endpoint)/complete/\(digest)"), "header": .object(header)]
      }
      return [
        "oid": .string(digest), "size": .integer(size),
        "actions": ["upload": upload, "verify": ["href": .string("\(endpoint)/verify")]],
      ]
    }
    return json(["transfer": "multipart", "objects": .array(objects)])
  }

  private func completed(
    _ parts: [String], _ request: ServedRequest, _ state: inout State
  ) -> ServedReply {
    guard let digest = value(request)["oid"]?.stringValue else { return ServedReply(400) }
    for part in value(request)["parts"]?.arrayValue ?? [] {
      guard part["etag"]?.stringValue?.isEmpty == false else { return ServedReply(400) }
    }
    if parts[0] == "complete" {
      let numbers = (value(request)["parts"]?.arrayValue ?? []).compactMap { $0["partNumber"]?.intValue }
      keep(numbers.flatMap { state.parts["\(digest)/\($0)"] ?? [] }, as: digest, &state)
    }
    return ServedReply(state.large[digest] == nil ? 404 : 200)
  }

  private func take(
    _ request: ServedRequest, _ name: String, _ revision: String, _ state: inout State
  ) -> ServedReply {
    var files: [String: [UInt8]] = [:]
    for line in String(decoding: request.body, as: UTF8.self).split(separator: "\n") {
      guard let item = try? JSONValue(parsing: String(line)), let path = item["value"]?["path"]?.stringValue
      else { continue }
      if item["key"]?.stringValue == "lfsFile" {
        guard let data = state.large[item["value"]?["oid"]?.stringValue ?? ""] else {
          return fault(400, "", "LFS pointer pointed to a file that does not exist")
        }
        files[path] = data
      } else {
        files[path] = Data(base64Encoded: item["value"]?["content"]?.stringValue ?? "").map(Array.init)
      }
    }
    var (branch, answer) = (revision, JSONObject())
    if request.query == "create_pr=1" {
      state.repositories[name]?.pullRequests += 1
      let number = state.repositories[name]?.pullRequests ?? 0
      branch = "refs/pr/\(number)"
      answer["pullRequestUrl"] = .string("\(endpoint)/\(name)/discussions/\(number)")
    }
    let commit = Self.commit(files, to: branch, on: revision, of: name, &state)
    answer["commitUrl"] = .string("\(endpoint)/\(name)/commit/\(commit)")
    answer["commitOid"] = .string(commit)
    return json(.object(answer))
  }
}

/// Holder of what a server answers with, which is made after the server.
private final class Holder: Sendable {
  private let value = Mutex<(@Sendable (ServedRequest) -> ServedReply)?>(nil)
  func set(_ answer: @escaping @Sendable (ServedRequest) -> ServedReply) { value.withLock { $0 = answer } }
  func answer(_ request: ServedRequest) -> ServedReply { value.withLock { $0 }?(request) ?? ServedReply(500) }
}
