import Foundation
import Synchronization

/// A file in memory, of which only the pages that are used take room; writing to them never reaches the file.
///
/// A file that another program cuts off meanwhile is an error of `check`, and what is read of it behind that ends the process
/// with a message (`TruncationGuard`). One that is written over in place is noticed too late for that: `rewritten` names it.
package final class MappedFile: @unchecked Sendable {
  // Sendable because the reading API only reads; `StoredTensors.floatsInPlace` documents who may write.

  /// The whole file.
  package let bytes: UnsafeMutableRawBufferPointer
  private let reader: FileReader
  private let guarded: TruncationGuard.Entry?

  /// Opens a file.
  ///
  /// - Throws: `FormatError.cannotRead`, also when it is no regular file.
  package init(path: String) throws(FormatError) {
    reader = try FileReader(path: path)
    let mapped = try reader.map()
    bytes = mapped ?? UnsafeMutableRawBufferPointer(start: nil, count: 0)
    guarded = mapped.map { TruncationGuard.protect($0, path: path) }
    Self.open.withLock { $0[ObjectIdentifier(reader)] = reader }
  }

  deinit {
    if let guarded { TruncationGuard.release(guarded) }
    if let address = bytes.baseAddress { munmap(address, bytes.count) }
    let isUnchanged = reader.isUnchanged
    Self.open.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(reader)) }
    if !isUnchanged { Self.closed.withLock { $0.append(reader.path) } }
  }

  /// Makes sure that the file still holds a range.
  ///
  /// - Throws: `FormatError.cannotRead` when it has become shorter since it was opened.
  package func check(_ range: Range<Int>) throws(FormatError) { try reader.check(range) }

  /// A range of the file, cut at its end.
  ///
  /// - Throws: `FormatError.cannotRead`, as `check`.
  package func slice(_ range: Range<Int>) throws(FormatError) -> UnsafeRawBufferPointer {
    let range = range.clamped(to: 0..<bytes.count)
    try check(range)
    return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range])
  }

  /// Reads a range piece by piece beside the mapping, whose pages would take room from then on; pieces end at multiples of
  /// 8 bytes from its beginning.
  ///
  /// - Throws: `FormatError.cannotRead`, as `check`.
  func forEachPiece(
    of range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(FormatError) {
    try reader.forEachPiece(of: range, body)
  }

  // MARK: Files that were written to

  private static let open = Mutex<[ObjectIdentifier: FileReader]>([:])
  private static let closed = Mutex<[String]>([])

  /// The paths of files that another program wrote to while they were mapped, so that what was read may be old and new,
  /// sorted; each is named once in the life of the process.
  package static func takeRewritten() -> [String] {
    let stillOpen = open.withLock { files in
      let changed = files.filter { !$1.isUnchanged }
      for key in changed.keys { files[key] = nil }
      return changed.values.map(\.path)
    }
    let before = closed.withLock { paths in
      defer { paths = [] }
      return paths
    }
    return Set(stillOpen + before).sorted()
  }
}
