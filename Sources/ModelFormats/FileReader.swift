import Foundation

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
        file: path, reason: "it is \(Self.kind(status.st_mode & S_IFMT)), expected a regular file")
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
    var bytes = [UInt8](repeating: 0, count: reader.count)
    try bytes.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
      if let base = buffer.baseAddress { try reader.read(0..<reader.count, into: base) }
    }
    return bytes
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

  private static func kind(_ mode: mode_t) -> String {
    switch mode {
    case S_IFDIR: "a folder"
    case S_IFIFO: "a named pipe"
    case S_IFSOCK: "a socket"
    case S_IFCHR, S_IFBLK: "a device"
    default: "no regular file"
    }
  }
}
