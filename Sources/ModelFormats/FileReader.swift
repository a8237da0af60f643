import Foundation
import Synchronization

/// A file that is read piece by piece; a piece that another process has cut off is an error.
package final class FileReader: Sendable {
  /// The path the file was opened under.
  package let path: String
  /// Its size in bytes when it was opened.
  package let count: Int
  private let descriptor: Int32

  /// Opens a regular file; a pipe, a socket, a device or a folder is refused at once.
  ///
  /// - Throws: `FormatError.cannotRead`.
  package init(path: String) throws(FormatError) {
    // Without O_NONBLOCK, opening a named pipe waits for its other end.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else {
      throw .cannotRead(
        file: path, reason: errno == ENXIO ? "it is a socket, expected a regular file" : systemMessage())
    }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let reason = systemMessage()
      close(descriptor)
      throw .cannotRead(file: path, reason: reason)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .cannotRead(
        file: path, reason: "it is \(FileContents.kind(status.st_mode)), expected a regular file")
    }
    self.path = path
    self.descriptor = descriptor
    count = Int(status.st_size)
  }

  /// All bytes of a regular file.
  ///
  /// - Throws: `FormatError.cannotRead`.
  package static func contents(of url: URL) throws(FormatError) -> [UInt8] {
    let reader = try FileReader(path: url.path)
    // Texts are small; what is larger is no text, and may be larger than memory.
    guard reader.count <= 1 << 30 else {
      throw .cannotRead(
        file: url.path, reason: "it has \(reader.count) bytes, expected a text of at most 1 GB")
    }
    return try reader.numbers(reader.count, at: 0)
  }

  deinit { close(descriptor) }

  /// Reads a range of the file.
  ///
  /// - Throws: `FormatError.cannotRead` when the file no longer reaches so far, or the system cannot read it.
  package func read(_ range: Range<Int>, into target: UnsafeMutableRawPointer) throws(FormatError) {
    var done = 0
    while done < range.count {
      // Some systems refuse single reads of 2 GiB and more.
      let wanted = min(range.count - done, 1 << 30)
      let found = pread(descriptor, target + done, wanted, off_t(range.lowerBound + done))
      if found < 0, errno == EINTR { continue }
      guard found >= 0 else { throw .cannotRead(file: path, reason: systemMessage()) }
      guard found > 0 else {
        throw .cannotRead(
          file: path,
          reason:
            "it had \(count) bytes when it was opened and has become shorter; another program writes to it")
      }
      done += found
    }
  }

  /// Reads little-endian numbers.
  ///
  /// - Throws: `FormatError.cannotRead`, as `read`.
  package func numbers<Number: FixedWidthInteger & BitwiseCopyable>(
    _ count: Int, at offset: Int
  ) throws(FormatError) -> [Number] {
    var numbers = [Number](repeating: 0, count: count)
    try numbers.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
      guard let base = buffer.baseAddress else { return }
      try read(offset..<offset + count * MemoryLayout<Number>.size, into: base)
    }
    if Number(1).littleEndian != 1 {
      for index in numbers.indices { numbers[index] = Number(littleEndian: numbers[index]) }
    }
    return numbers
  }

  /// Reads a range in pieces of a mebibyte, the last one shorter, into memory that is used again.
  ///
  /// - Throws: `FormatError.cannotRead`, as `read`.
  package func forEachPiece(
    of range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(FormatError) {
    let size = min(range.count, 1 << 20)
    guard size > 0 else { return }
    let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 8)
    defer { piece.deallocate() }
    guard let base = piece.baseAddress else { return }
    for start in stride(from: range.lowerBound, to: range.upperBound, by: size) {
      let part = start..<min(range.upperBound, start + size)
      try read(part, into: base)
      body(UnsafeRawBufferPointer(start: base, count: part.count))
    }
  }
}

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
    #if os(Linux)
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #else
      let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
    #endif
    let address = mmap(nil, reader.count, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let address, address != MAP_FAILED else { throw .cannotRead(file: path, reason: systemMessage()) }
    #if os(Linux)
      // Huge pages are cleared several times faster; without them everything works.
      madvise(address, reader.count, Int32(MADV_HUGEPAGE))
    #endif
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

  /// Reads a range piece by piece without keeping it; pieces end at multiples of 8 bytes from its beginning.
  func forEachPiece(
    of range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(FormatError) {
    try reader.forEachPiece(of: range, body)
  }

  /// A loaded range.
  package func loaded(_ range: Range<Int>) throws(FormatError) -> UnsafeRawBufferPointer {
    try load(range)
    return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range.clamped(to: 0..<bytes.count)])
  }
}
