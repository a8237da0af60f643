public import Foundation

/// How much disk a cache may take.
public struct CacheBudget: Sendable, Equatable {
  /// The most, in bytes.
  public let limit: Int
  /// Where the limit comes from, in words.
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

  /// Why a cache is too large: its size, what is large in it, what to do; nil if it fits.
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
