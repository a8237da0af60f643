import Foundation

/// Reads whole files that a user named, and nothing else that a path can lead to.
package enum FileContents {
  /// The bytes of a regular file, or of a pipe that another program has open (`/dev/stdin`, `/dev/fd/63`).
  ///
  /// - Parameter waitsForPipes: Whether named pipes are read too, which waits until somebody writes into them.
  /// - Throws: `FormatError.cannotRead`, for folders, devices, sockets and named pipes too, of which some never end.
  package static func read(_ path: String, waitsForPipes: Bool = false) throws(FormatError) -> Data {
    if let reason = refusal(path, waitsForPipes: waitsForPipes) {
      throw .cannotRead(file: path, reason: reason)
    }
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw .cannotRead(file: path, reason: systemMessage())
    }
    do { return try handle.readToEnd() ?? Data() } catch {
      throw .cannotRead(file: path, reason: describeFileError(error))
    }
  }

  /// Why nothing is read from a path, nil where something may be.
  package static func refusal(_ path: String, waitsForPipes: Bool = false) -> String? {
    if path.isEmpty { return "the path is empty" }
    var status = stat()
    guard stat(path, &status) == 0 else { return systemMessage() }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return access(path, R_OK) == 0 ? nil : systemMessage()
    case S_IFIFO where waitsForPipes || isOpen(path): return nil
    case S_IFCHR where path == "/dev/null" || isOpen(path): return nil
    default: return "it is \(kind(status.st_mode)), expected a file"
    }
  }

  /// What a file that is no regular one is.
  static func kind(_ mode: mode_t) -> String {
    switch mode & S_IFMT {
    case S_IFDIR: "a folder"
    case S_IFIFO: "a named pipe"
    case S_IFSOCK: "a socket"
    default: "a device"
    }
  }

  /// Whether the path is that of something this process has open already, which can be read without waiting for a writer.
  private static func isOpen(_ path: String) -> Bool {
    path == "/dev/stdin" || ["/dev/fd/", "/proc/self/fd/"].contains { path.hasPrefix($0) }
  }
}

extension FileContents {
  /// What to say of a text file whose lines end in carriage returns alone, which would be one line; nil of any other.
  package static func lineEndFault(_ bytes: some Sequence<UInt8>) -> String? {
    var hasReturn = false
    var wasReturn = false
    for byte in bytes {
      if byte == 0x0A { return nil }
      // One at the very end is no line end of this kind.
      if wasReturn { hasReturn = true }
      wasReturn = byte == 0x0D
    }
    guard hasReturn else { return nil }
    return
      "its lines end in carriage returns (CR) alone, expected line feeds (LF or CRLF); convert it, for example with "
      + "tr '\\r' '\\n'"
  }
}
