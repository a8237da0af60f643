public import Foundation

/// A cache's file while it is written, under another name than the finished one and locked against other processes.
///
/// Each example's checksum is written after its rows, so what a crash leaves is recognised example by example and kept.
final class CacheWriter {
  let layout: CacheLayout
  private let target: URL
  private let partial: URL
  private var descriptor: Int32

  /// Opens the unfinished file that an interrupted run has left if it is of the same cache, or begins a new one.
  init(_ layout: CacheLayout, target: URL) throws(DistillationError) {
    self.layout = layout
    self.target = target
    partial = URL(filePath: target.path + ".partial")
    try? FileManager.default.createDirectory(
      at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    descriptor = open(partial.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure("cannot be made") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      throw .cache(
        file: target.path,
        message: "another process is building this cache; wait until it has finished, or choose another path")
    }
    guard hasItsName else {
      throw .cache(
        file: target.path,
        message: "another process has just now finished a cache here; start again to use it")
    }
    guard try read(0, layout.head.count) != layout.head else { return }
    guard ftruncate(descriptor, 0) == 0, ftruncate(descriptor, off_t(layout.fileSize)) == 0 else {
      throw failure("cannot be made so large")
    }
    try layout.head.withUnsafeBufferPointer { (bytes) throws(DistillationError) in
      try write(UnsafeRawBufferPointer(bytes), at: 0)
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The examples whose rows are not there, or not as they were written.
  func missingExamples() throws(DistillationError) -> [Int] {
    var missing: [Int] = []
    for example in layout.description.lengths.indices {
      let stored = try read(layout.checksumOffset(example), 8)
      let checksum = stored.withUnsafeBytes { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
      if checksum != 0 {
        let range = layout.record(example)
        let record = try read(range.lowerBound, range.count)
        if record.withUnsafeBytes(CacheLayout.checksum) == checksum { continue }
      }
      missing.append(example)
    }
    return missing
  }

  /// Writes the rows of an example, and then that they are there.
  func write(_ record: UnsafeRawBufferPointer, of example: Int) throws(DistillationError) {
    try write(record, at: layout.record(example).lowerBound)
    let checksum = CacheLayout.checksum(record).littleEndian
    try withUnsafeBytes(of: checksum) { (bytes) throws(DistillationError) in
      try write(bytes, at: layout.checksumOffset(example))
    }
  }

  /// Gives the file its name.
  func commit() throws(DistillationError) {
    guard fsync(descriptor) == 0, rename(partial.path, target.path) == 0 else {
      throw failure("cannot be finished")
    }
    close(descriptor)
    descriptor = -1
  }

  /// Whether the open file is still the unfinished one: before it was locked, another process may have renamed it.
  private var hasItsName: Bool {
    var (own, named) = (stat(), stat())
    return fstat(descriptor, &own) == 0 && stat(partial.path, &named) == 0 && own.st_ino == named.st_ino
      && own.st_dev == named.st_dev
  }

  // MARK: Bytes

  private func read(_ offset: Int, _ count: Int) throws(DistillationError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let step = bytes.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
      }
      if step < 0, errno == EINTR { continue }
      guard step >= 0 else { throw failure("cannot be read") }
      // A file that ends too early has nothing there.
      if step == 0 { break }
      done += step
    }
    return bytes
  }

  private func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DistillationError) {
    var done = 0
    while done < bytes.count {
      let step = pwrite(
        descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
      if step < 0, errno == EINTR { continue }
      guard step >= 0 else { throw failure("cannot be written") }
      done += step
    }
  }

  private func failure(_ what: String) -> DistillationError {
    .cache(file: target.path, message: "\(what): \(String(cString: strerror(errno)))")
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

  /// Half of what is free where a file shall be.
  public static func halfOfFreeSpace(at url: URL) -> CacheBudget {
    var folder = url.deletingLastPathComponent()
    while !FileManager.default.fileExists(atPath: folder.path), folder.pathComponents.count > 1 {
      folder.deleteLastPathComponent()
    }
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
    let free = (attributes?[.systemFreeSize] as? NSNumber)?.int64Value ?? 0
    return CacheBudget(limit: Int(free / 2), origin: "half of what is free at \(folder.path)")
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
