public import Foundation
import ModelFormats

/// Repository of a model on the hub: lists its files and downloads them into the cache.
///
/// Files are whole or not there: a blob gets its name when its size and checksum are what the hub said. What a download that
/// was broken off leaves is gone on with.
public final class HubRepository {
  /// Files of a commit.
  public struct Listing: Sendable, Equatable {
    /// The commit.
    public let commit: String
    /// The paths of its files.
    public let files: [String]
  }

  /// File of a commit, as the hub describes it before it is downloaded.
  struct Entry {
    let file: String
    /// The name of its blob: git's SHA-1, of large files the SHA-256.
    let etag: String
    /// The size in bytes; nil where the hub does not say.
    let size: Int?
  }

  /// The model.
  public let name: HubName
  private let client: HubClient
  private let settings: HubSettings
  private let cache: HubCache

  /// A repository.
  ///
  /// - Throws: `HubError` when the network is switched off, or the system has no libcurl.
  public init(_ name: HubName, settings: HubSettings) throws(HubError) {
    self.name = name
    self.settings = settings
    cache = HubCache(settings.cache)
    client = try HubClient(name, settings: settings, sendsToken: settings.sendsToken)
  }

  /// The commit of the revision, and its files.
  ///
  /// - Throws: `HubError`.
  public func listing() throws -> Listing {
    let path = "/api/models/\(name.repository)/revision/\(name.escapedRevision)"
    let answer = try client.json(.get, path, stalled: settings.etagTimeout).value
    guard let commit = answer["sha"]?.stringValue, HubName.isCommit(commit),
      let files = answer["siblings"]?.arrayValue
    else { throw notTheHub }
    return Listing(commit: commit, files: files.compactMap { $0["rfilename"]?.stringValue })
  }

  /// Downloads files that the cache does not have.
  ///
  /// - Parameters:
  ///   - files: Their paths in the repository.
  ///   - listing: The commit.
  ///   - progress: Hears the number of bytes that are there and of all bytes.
  ///   - waiting: Hears the file that another program is downloading, which is waited for.
  /// - Returns: The folder of the commit.
  /// - Throws: `HubError`.
  @discardableResult
  public func download(
    _ files: [String], of listing: Listing, progress: (Int, Int) -> Void = { _, _ in },
    waiting: (String) -> Void = { _ in }
  ) throws -> URL {
    let snapshot = try cache.prepare(name, commit: listing.commit)
    for file in files where !HubName.isRelativePath(file) {
      throw HubError(
        .server, "\(name.repository) names a file \"\(printable(file, atMost: 200))\", which is no path")
    }
    let missing = files.filter {
      !FileManager.default.fileExists(atPath: snapshot.appending(path: $0).path)
    }
    let entries = try missing.map { try entry($0, commit: listing.commit) }
    let total = entries.reduce(0) { $0 + ($1.size ?? 0) }
    try cache.checkRoom(for: total - entries.reduce(0) { $0 + present($1) })
    var before = 0
    for entry in entries {
      try download(entry, commit: listing.commit, into: snapshot, waiting: waiting) { done in
        progress(before + done, max(total, before + done))
      }
      before += entry.size ?? 0
    }
    return snapshot
  }

  // MARK: A file

  /// The bytes of a file that are in the cache already.
  private func present(_ entry: Entry) -> Int {
    let blob = cache.blob(entry.etag, of: name).path
    let size = [blob, blob + Self.ending].lazy.compactMap {
      (try? FileManager.default.attributesOfItem(atPath: $0))?[.size] as? NSNumber
    }.first
    return min(size?.intValue ?? 0, entry.size ?? 0)
  }

  /// Ending of the part of a download that is not whole, as earlier versions of `huggingface_hub` have it.
  static let ending = ".incomplete"

  /// Asks for size and checksum of a file.
  private func entry(_ file: String, commit: String) throws -> Entry {
    let url = address(of: file, commit: commit)
    return try client.repeating(url) {
      let request = client.request(
        .head, url, headers: [("Accept-Encoding", "identity")], stalled: settings.etagTimeout)
      let response = try client.send(request, leavesHub: false)
      try client.check(response, file: file)
      guard response.header("X-Repo-Commit") != nil else { throw notTheHub }
      let linked = response.header("X-Linked-Etag")
      let etag = (linked ?? response.header("ETag") ?? "").trimmingPrefix("W/").trimmingCharacters(
        in: ["\""])
      guard etag.wholeMatch(of: /[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}/) != nil else {
        throw HubError(
          .server,
          "\(settings.host) says no checksum (ETag) of \(file) in \(name.repository), without which it cannot be kept; look at "
            + "HF_ENDPOINT")
      }
      // A redirect has a length of its own.
      let size =
        response.header("X-Linked-Size")
        ?? (response.redirect == nil ? response.header("Content-Length") : nil)
      return Entry(file: file, etag: String(etag), size: size.flatMap { Int($0) })
    }
  }

  private func address(of file: String, commit: String) -> String {
    "\(settings.endpoint)/\(name.repository)/resolve/\(commit)/\(HubName.escaped(file, keeping: "/"))"
  }

  private func download(
    _ entry: Entry, commit: String, into snapshot: URL, waiting: (String) -> Void, progress: (Int) -> Void
  ) throws {
    let blob = cache.blob(entry.etag, of: name)
    let lock = try cache.lock(entry.etag, of: name) { waiting(entry.file) }
    defer { lock.release() }
    // Whoever had the lock may have downloaded it.
    if !FileManager.default.fileExists(atPath: blob.path) {
      let download = try BlobDownload(
        entry, to: blob, from: address(of: entry.file, commit: commit), client: client)
      try download.run(progress: progress)
    }
    progress(entry.size ?? 0)
    try cache.place(blob, as: entry.file, in: snapshot, links: settings.usesLinks)
  }

  private var notTheHub: HubError {
    HubError(
      .server,
      "\(settings.host) did not answer as the Hugging Face hub does; look at HF_ENDPOINT, and at proxies and logins of the "
        + "network")
  }
}
