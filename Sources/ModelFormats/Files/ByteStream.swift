import Foundation

/// Stream of the bytes of a file or of standard input, piece by piece; a file that is gzip or zstd comes decompressed.
package final class ByteStream {
  /// The path, or `standard input`.
  package let path: String
  private let descriptor: Int32
  private let compressed: (any CompressedStream)?
  private let lines: (() -> String?)?

  /// The size of a regular file as it is stored; 0 of anything else.
  package var size: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : 0
  }

  /// Bytes of a piece, unless the caller asks for less.
  private static let pieceSize = 1 << 18

  /// The stream of a regular file, or of a pipe that another program has open.
  ///
  /// - Parameter waitsForPipes: Whether named pipes are read too, which waits until somebody writes into them.
  /// - Throws: `FormatError.cannotRead`.
  package init(path: String, waitsForPipes: Bool = false) throws(FormatError) {
    if let reason = FileContents.refusal(path, waitsForPipes: waitsForPipes) {
      throw .cannotRead(file: path, reason: reason)
    }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
    guard descriptor >= 0 else { throw .cannotRead(file: path, reason: systemMessage()) }
    do throws(FormatError) {
      compressed = try FileCompression.of(descriptor)?.stream(descriptor, path: path)
    } catch {
      close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
    lines = nil
  }

  /// The stream of standard input.
  package init() {
    path = "standard input"
    descriptor = STDIN_FILENO
    (compressed, lines) = (nil, nil)
  }

  /// The stream of lines that come in, in the place of standard input.
  package init(lines: @escaping () -> String?) {
    path = "standard input"
    descriptor = STDIN_FILENO
    (compressed, self.lines) = (nil, lines)
  }

  deinit { if compressed == nil && descriptor != STDIN_FILENO { close(descriptor) } }

  /// The next bytes as soon as there are some; empty at the end.
  ///
  /// - Throws: `FormatError.cannotRead` when the system cannot read them, or the compressed file is broken or cut off.
  package func next(upTo limit: Int = pieceSize) throws(FormatError) -> [UInt8] {
    if let lines { return lines().map { Array(($0 + "\n").utf8) } ?? [] }
    if let compressed { return try compressed.next(upTo: limit, path: path) }
    var fault: FormatError?
    let piece = [UInt8](unsafeUninitializedCapacity: limit) { bytes, count in
      var found = read(descriptor, bytes.baseAddress, limit)
      while found < 0, errno == EINTR { found = read(descriptor, bytes.baseAddress, limit) }
      if found < 0 { fault = .cannotRead(file: path, reason: systemMessage()) }
      count = max(found, 0)
    }
    if let fault { throw fault }
    return piece
  }
}

/// Writer of bytes to an open file descriptor, such as that of standard output.
package struct ByteSink: Sendable {
  private let descriptor: Int32

  /// The writer to a descriptor, which stays open.
  package init(descriptor: Int32) { self.descriptor = descriptor }

  /// Writes all bytes.
  ///
  /// - Returns: The system's number of the failure that ended it, 0 when all are written.
  package func write(_ bytes: [UInt8]) -> Int32 {
    bytes.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count {
        let count = Foundation.write(descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
        if count >= 0 {
          sent += count
        } else if errno != EINTR {
          return errno
        }
      }
      return 0
    }
  }
}

extension Span<UInt8> {
  /// The first place of a byte from a place on; nil where there is none.
  package func firstIndex(of byte: UInt8, from start: Int) -> Int? {
    withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, start < bytes.count else { return nil }
      return memchr(base + start, Int32(byte), bytes.count - start).map { base.distance(to: $0) }
    }
  }
}

extension FileContents {
  /// The bytes of a file of rows, decompressed where it is gzip or zstd.
  ///
  /// - Throws: `FormatError.cannotRead`; also for a compressed file that holds more than 4 GB.
  package static func rows(_ path: String) throws(FormatError) -> [UInt8] {
    let stream = try ByteStream(path: path)
    // A file that is not compressed comes in one piece.
    var bytes = try stream.next(upTo: min(stream.size, 4 << 30) + 1)
    while true {
      let piece = try stream.next(upTo: 1 << 22)
      if piece.isEmpty { return bytes }
      bytes += piece
      guard bytes.count <= 4 << 30 else {
        throw .cannotRead(file: path, reason: "it holds more than 4 GB, expected less; split it")
      }
    }
  }
}
