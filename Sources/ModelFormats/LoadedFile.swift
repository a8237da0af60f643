import Foundation
import Synchronization

/// A file's bytes in private memory, to which they are copied when they are first asked for.
///
/// Unlike a mapping it does not end the process when another program cuts the file off, and what was copied stays as it was.
/// Memory that nothing was copied to takes no room.
package final class LoadedFile: @unchecked Sendable {
  // Sendable because blocks are copied under a lock; `StoredTensors.floatsInPlace` documents who may write.

  /// Room for the whole file; only ranges that `load` was asked for hold its bytes.
  package let bytes: UnsafeMutableRawBufferPointer
  private let reader: FileReader
  private let isLoaded: Mutex<[Bool]>
  private static let blockSize = 1 << 18
  private static let pieceSize = 8 << 20

  /// Opens a file.
  ///
  /// - Throws: `FormatError.cannotRead`, also when it is no regular file.
  package init(path: String) throws(FormatError) {
    reader = try FileReader(path: path)
    isLoaded = Mutex([Bool](repeating: false, count: (reader.count + Self.blockSize - 1) / Self.blockSize))
    guard reader.count > 0 else {
      bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    let address = mmap(
      nil, reader.count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
    guard let address, address != MAP_FAILED else { throw .cannotRead(file: path, reason: systemMessage()) }
    // Huge pages are cleared several times faster; a system without them reads all the same.
    madvise(address, reader.count, MADV_HUGEPAGE)
    bytes = UnsafeMutableRawBufferPointer(start: address, count: reader.count)
  }

  deinit {
    if let address = bytes.baseAddress { munmap(address, bytes.count) }
  }

  /// Makes sure that a range holds the file's bytes, as far as the file reaches.
  ///
  /// - Throws: `FormatError.cannotRead` when the file has become shorter since it was opened.
  package func load(_ range: Range<Int>) throws(FormatError) {
    let range = range.clamped(to: 0..<bytes.count)
    guard !range.isEmpty, let base = bytes.baseAddress else { return }
    let blocks = range.lowerBound / Self.blockSize..<(range.upperBound - 1) / Self.blockSize + 1
    try isLoaded.withLock { (isLoaded: inout sending [Bool]) throws(FormatError) in
      var block = blocks.lowerBound
      while block < blocks.upperBound {
        if isLoaded[block] {
          block += 1
          continue
        }
        // Neighbouring blocks are read at once.
        let end = isLoaded[block..<blocks.upperBound].firstIndex(of: true) ?? blocks.upperBound
        let part = block * Self.blockSize..<min(bytes.count, end * Self.blockSize)
        try read(part, to: base)
        for block in block..<end { isLoaded[block] = true }
        block = end
      }
    }
  }

  /// Copies a range to its place; a large one on several processors, since clearing and copying memory takes most of the time.
  private func read(_ range: Range<Int>, to base: UnsafeMutableRawPointer) throws(FormatError) {
    let pieces = (range.count + Self.pieceSize - 1) / Self.pieceSize
    guard pieces > 1 else { return try reader.read(range, into: base + range.lowerBound) }
    let place = Place(base: base)
    let failure = Mutex<FormatError?>(nil)
    DispatchQueue.concurrentPerform(iterations: pieces) { piece in
      let start = range.lowerBound + piece * Self.pieceSize
      do throws(FormatError) {
        try reader.read(start..<min(range.upperBound, start + Self.pieceSize), into: place.base + start)
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if let error = failure.withLock(\.self) { throw error }
  }

  /// Memory of which each piece is written by one thread.
  private struct Place: @unchecked Sendable {
    let base: UnsafeMutableRawPointer
  }

  /// A loaded range.
  package func loaded(_ range: Range<Int>) throws(FormatError) -> UnsafeRawBufferPointer {
    try load(range)
    return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range.clamped(to: 0..<bytes.count)])
  }
}
