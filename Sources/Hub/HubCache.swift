public import Foundation
import ModelFormats

/// Cache of the hub in the layout of `huggingface_hub`, which reads what is written here, and the reverse.
///
///     models--org--name/refs/main                    the commit that a branch or tag had when it was asked for
///     models--org--name/snapshots/COMMIT/config.json -> ../../blobs/ETAG
///     models--org--name/blobs/ETAG                   named by git's SHA-1, of large files by their SHA-256
///     models--org--name/blobs/ETAG.incomplete        the part of a download that is not whole yet
///     .locks/models--org--name/ETAG.lock             held while a blob is written
public struct HubCache: Sendable {
  /// The folder of the cache.
  public let folder: URL

  /// The cache in a folder.
  public init(_ folder: URL) { self.folder = folder }

  // MARK: Reading

  /// The folder of a model's files; nil where the cache does not have the revision.
  ///
  /// The folder of a download that was broken off holds a part of them.
  public func snapshot(of name: HubName) -> URL? {
    let files = FileManager.default
    var folders = [name.folder]
    if !name.repository.contains("/") {
      // The first models have moved to organisations since, such as google-bert.
      let moved = (try? files.contentsOfDirectory(atPath: folder.path))?.filter {
        $0.hasPrefix("models--") && $0.hasSuffix("--" + name.repository)
      }
      if let moved, moved.count == 1, moved != folders { folders += moved }
    }
    for model in folders.map({ folder.appending(path: $0) }) {
      let commit = Self.commit(of: name.revision, in: model) ?? name.revision
      let snapshot = model.appending(path: "snapshots/\(commit)", directoryHint: .isDirectory)
      if files.fileExists(atPath: snapshot.path) { return snapshot }
    }
    return nil
  }

  /// The id of the model whose snapshot in a cache a folder is; nil of any other folder.
  public static func repository(ofSnapshot url: URL) -> String? {
    let parts = url.absoluteURL.standardizedFileURL.pathComponents.suffix(3)
    guard parts.count == 3, let name = parts.first, name.hasPrefix("models--"),
      parts.dropFirst().first == "snapshots"
    else { return nil }
    return String(name.dropFirst("models--".count)).replacing("--", with: "/")
  }

  /// The commit that a branch or tag had when it was last asked for.
  private static func commit(of revision: String, in model: URL) -> String? {
    let text = try? String(contentsOf: model.appending(path: "refs/\(revision)"), encoding: .utf8)
    guard let commit = text?.trimmingCharacters(in: .whitespacesAndNewlines),
      HubName.isRelativePath(commit), !commit.contains("/")
    else { return nil }
    return commit
  }

  // MARK: Writing

  /// The folder of a commit's files, which is made, with the reference that leads to it.
  ///
  /// - Throws: `HubError` when something cannot be written.
  func prepare(_ name: HubName, commit: String) throws(HubError) -> URL {
    let model = folder.appending(path: name.folder)
    let snapshot = model.appending(path: "snapshots/\(commit)", directoryHint: .isDirectory)
    do {
      for made in [snapshot, model.appending(path: "blobs")] {
        try FileManager.default.createDirectory(at: made, withIntermediateDirectories: true)
      }
      let tag = folder.appending(path: "CACHEDIR.TAG")
      if !FileManager.default.fileExists(atPath: tag.path) {
        let text =
          "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of the Hugging Face hub, which can be "
          + "downloaded again. See https://bford.info/cachedir/\n"
        try AtomicFile.write(Array(text.utf8), to: tag)
      }
      // A reference to a commit without a folder would be a fault.
      if name.revision != commit, Self.commit(of: name.revision, in: model) != commit {
        let reference = model.appending(path: "refs/\(name.revision)")
        try FileManager.default.createDirectory(
          at: reference.deletingLastPathComponent(), withIntermediateDirectories: true)
        try AtomicFile.write(Array(commit.utf8), to: reference)
      }
    } catch {
      throw Self.unwritable(folder, error)
    }
    return snapshot
  }

  /// The place of a blob.
  func blob(_ etag: String, of name: HubName) -> URL {
    folder.appending(path: "\(name.folder)/blobs/\(etag)")
  }

  /// Locks a blob against other programs that write it, those in Python included.
  ///
  /// - Parameter waiting: Called once when another has the lock, which is then waited for.
  /// - Throws: `HubError` when the lock cannot be written.
  func lock(_ etag: String, of name: HubName, waiting: () -> Void) throws(HubError) -> SharedLock {
    let file = folder.appending(path: ".locks/\(name.folder)/\(etag).lock")
    do {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      return try SharedLock(file, waiting: waiting)
    } catch {
      throw Self.unwritable(folder, error)
    }
  }

  /// Gives a blob its name in a snapshot.
  ///
  /// - Parameter links: Whether by a link; else, and where the file system has none, the blob is moved.
  /// - Throws: `HubError` when the name cannot be written.
  func place(_ blob: URL, as file: String, in snapshot: URL, links: Bool) throws(HubError) {
    let target = snapshot.appending(path: file)
    let ascent = Array(repeating: "..", count: file.split(separator: "/").count + 1)
    do {
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try AtomicFile.place(
        blob, at: target,
        link: links ? (ascent + ["blobs", blob.lastPathComponent]).joined(separator: "/") : nil)
    } catch {
      throw Self.unwritable(target, error)
    }
  }

  /// Checks that the disk has room for so many more bytes.
  ///
  /// - Throws: `HubError`.
  func checkRoom(for bytes: Int) throws(HubError) {
    guard let free = DiskSpace.free(at: folder), free < bytes else { return }
    throw HubError(
      .disk,
      "the download takes \(Self.size(bytes)) and the disk of \(folder.path) has \(Self.size(free)) left; make room, or "
        + "choose another disk with HF_HOME")
  }

  /// A number of bytes for people.
  static func size(_ bytes: Int) -> String {
    bytes < 1_000_000 ? "\((bytes + 999) / 1000) kB" : "\((bytes + 999_999) / 1_000_000) MB"
  }

  /// The error of a file or folder of the cache that cannot be written.
  static func unwritable(_ url: URL, _ error: any Error) -> HubError {
    if let error = error as? HubError { return error }
    let reason = (error as? FormatError).map { "\($0)" } ?? (error as NSError).localizedDescription
    return HubError(
      .disk,
      "the cache of Hugging Face cannot be written (\(url.path): \(reason)); choose another place with HF_HOME"
    )
  }
}
