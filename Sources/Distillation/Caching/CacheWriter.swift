public import Foundation
import ModelFormats

/// Writer of a cache's file, whose errors are those of the cache.
final class CacheWriter {
  private let target: URL
  private let file: RecordWriter

  /// Opens the unfinished file that an interrupted run has left if it is of the same cache, or begins a new one.
  init(_ description: TeacherCacheDescription, target: URL) throws(DistillationError) {
    self.target = target
    file = try Self.naming(target) { () throws(PartialFileError) in
      try RecordWriter(description.layout(behind: description.head), target: target)
    }
  }

  /// The examples whose rows are not there, or not as they were written.
  func missingExamples() throws(DistillationError) -> [Int] {
    try Self.naming(target) { () throws(PartialFileError) in try file.missingRecords() }
  }

  /// Writes the rows of an example, and then that they are there.
  func write(_ record: RecordBytes, of example: Int) throws(DistillationError) {
    try Self.naming(target) { () throws(PartialFileError) in try file.write(record, at: example) }
  }

  /// Gives the file its name.
  func commit() throws(DistillationError) {
    try Self.naming(target) { () throws(PartialFileError) in try file.commit() }
  }

  /// The result of a step on the file, whose errors become those of the cache.
  private static func naming<Result>(
    _ target: URL, _ step: () throws(PartialFileError) -> Result
  ) throws(DistillationError) -> Result {
    do { return try step() } catch {
      let message =
        switch error {
        case .locked:
          "another process is building this cache; wait until it has finished, or choose another path"
        case .finished: "another process has just now finished a cache here; start again to use it"
        case .system(let reason): reason
        }
      throw .cache(file: target.path, message: message)
    }
  }
}

/// Budget of disk for a cache.
public struct CacheBudget: Sendable, Equatable {
  /// The most, in bytes.
  public let limit: Int
  /// Origin of the limit, in words.
  let origin: String

  /// A limit that somebody chose, in bytes.
  public init(bytes: Int) { self.init(limit: bytes, origin: "the limit that was set") }

  private init(limit: Int, origin: String) { (self.limit, self.origin) = (limit, origin) }

  /// Half of what is free where a file shall be; what an interrupted run has written of it counts as free.
  public static func halfOfFreeSpace(at url: URL) -> CacheBudget {
    let folder = url.deletingLastPathComponent()
    let written = [url.path, url.path + ".partial"].reduce(0) { $0 + Self.bytesOnDisk($1) }
    let free = (DiskSpace.free(at: folder) ?? .max / 2) + Int(written)
    return CacheBudget(limit: free / 2, origin: "half of what is free at \(folder.path)")
  }

  /// Size of a file on the disk, in bytes: less than its length while parts of it are not written, and 0 where there is none.
  private static func bytesOnDisk(_ path: String) -> Int64 {
    var status = stat()
    return stat(path, &status) == 0 ? Int64(status.st_blocks) * 512 : 0
  }

  /// Fault of a cache that is too large: its size, its largest parts, what to do; nil if it fits.
  ///
  /// - Parameters:
  ///   - parts: What would be kept of each example.
  ///   - lengths: The tokens of each example.
  public func fault(of parts: [CachedPart], lengths: [Int]) -> String? {
    let size = TeacherCacheDescription.byteCount(of: parts, lengths: lengths)
    guard size > limit else { return nil }
    let sizes = parts.map { part in (part, lengths.reduce(0) { $0 + part.byteCount(of: $1) }) }
    let largest = sizes.sorted { $0.1 > $1.1 }.prefix(3).map { "\($0.0.name) \(Self.text($0.1))" }
    return
      "would take \(Self.text(size)), more than \(Self.text(limit)), \(origin). \(lengths.count) examples of "
      + "\(lengths.reduce(0, +)) tokens need: \(largest.joined(separator: ", "))"
      + "\(parts.count > 3 ? ", and \(parts.count - 3) more" : ""). Keep fewer layers, cut the texts shorter "
      + "(--max-seq-length), or allow more (--max-cache-gb)"
  }

  /// Bytes as people read them, such as `1.2 GB`, in powers of 1000.
  package static func text(_ bytes: Int) -> String {
    let size = Double(bytes)
    if size >= 1e9 { return String(format: "%.1f GB", size / 1e9) }
    return size >= 1e5 ? String(format: "%.1f MB", size / 1e6) : String(format: "%.1f kB", size / 1e3)
  }
}
