import Foundation

/// A file that is read piece by piece; a piece that another process has cut off is an error.
package final class FileReader: Sendable {
  /// The path the file was opened under.
  package let path: String
  /// The size in bytes when the file was opened.
  package let count: Int
  private let descriptor: Int32
  /// The state when the file was opened.
  private let opened: State

  /// State by which a file shows that it was written to: its size in bytes and the time of its last change in nanoseconds.
  struct State: Equatable {
    fileprivate let count: Int
    fileprivate let changed: Int

    fileprivate init(_ status: stat) {
      count = Int(status.st_size)
      #if os(Linux)
        let time = status.st_mtim
      #else
        let time = status.st_mtimespec
      #endif
      changed = time.tv_sec &* 1_000_000_000 &+ time.tv_nsec
    }
  }

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
    opened = State(status)
  }

  /// All bytes of a regular file of a folder; a link that leads out of the folder is refused, as `FolderLink` says.
  ///
  /// - Throws: `FormatError.cannotRead`.
  package static func contents(of url: URL) throws(FormatError) -> [UInt8] {
    try FolderLink.check(url, in: url.deletingLastPathComponent())
    let reader = try FileReader(path: url.path)
    // Texts are small; what is larger is no text, and may be larger than memory.
    guard reader.count <= 1 << 30 else {
      throw .cannotRead(
        file: url.path, reason: "it has \(reader.count) bytes, expected a text of at most 1 GB")
    }
    return try reader.numbers(reader.count, at: 0)
  }

  deinit { close(descriptor) }

  /// Calls `body` with the open file, for a library that reads it by itself.
  package func withDescriptor<Result>(_ body: (Int32) throws -> Result) rethrows -> Result {
    try body(descriptor)
  }

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
        throw hasBecomeShorter
      }
      done += found
    }
  }

  /// Makes sure that the file still reaches as far as the end of a range.
  ///
  /// - Throws: `FormatError.cannotRead` when it has become shorter.
  func check(_ range: Range<Int>) throws(FormatError) {
    var status = stat()
    guard fstat(descriptor, &status) != 0 || Int(status.st_size) >= range.upperBound else {
      throw hasBecomeShorter
    }
  }

  /// The state now; that of the opening where the system does not say.
  var state: State {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? State(status) : opened
  }

  /// Whether its contents are those that were opened, by size and time of the last change.
  var isUnchanged: Bool { state == opened }

  /// Maps the file into memory, nil for an empty file; what is written there stays private to this process.
  ///
  /// - Throws: `FormatError.cannotRead` with the system's reason.
  func map() throws(FormatError) -> UnsafeMutableRawBufferPointer? {
    guard count > 0 else { return nil }
    let address = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw .cannotRead(file: path, reason: systemMessage()) }
    return UnsafeMutableRawBufferPointer(start: address, count: count)
  }

  private var hasBecomeShorter: FormatError {
    .cannotRead(
      file: path,
      reason: "it had \(count) bytes when it was opened and has become shorter; another program writes to it")
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

  /// Reads a range in pieces of 128 KiB, the last one shorter, into memory that is used again.
  ///
  /// - Throws: `FormatError.cannotRead`, as `read`.
  package func forEachPiece(
    of range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(FormatError) {
    let size = min(range.count, 1 << 17)
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

/// Links in a folder that somebody else made, such as a model's: one that leads out of it could bring a file of the reader's own
/// into what is made of the folder.
///
/// Those into the blobs of a Hub cache (`models--OWNER--NAME/blobs`) lead where they should, in its snapshots and in the folders
/// that older versions of `huggingface_hub` made.
package enum FolderLink {
  /// Makes sure that a file lies in a folder once all links are followed.
  ///
  /// What is there, and of which kind, is left to whoever opens it.
  ///
  /// - Throws: `FormatError.cannotRead` with where the link leads.
  package static func check(_ file: URL, in folder: URL) throws(FormatError) {
    var status = stat()
    guard stat(file.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, let target = realPath(of: file),
      let folder = realPath(of: folder)
    else { return }
    if target.hasPrefix(folder == "/" ? folder : folder + "/") { return }
    let places = target.split(separator: "/").suffix(3)
    if places.count == 3, places.dropFirst().first == "blobs", places.first?.hasPrefix("models--") == true {
      return
    }
    throw .cannotRead(
      file: file.path,
      reason:
        "it is a link that leads out of the folder, to \(printable(target, atMost: 400)); copy that file here if you "
        + "trust whoever made the folder")
  }

  private static func realPath(of url: URL) -> String? {
    guard let path = realpath(url.path, nil) else { return nil }
    defer { free(path) }
    return String(cString: path)
  }
}

/// Contents of whole files that a user named, and of nothing else that a path can lead to.
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

  /// The reason why nothing is read from a path; nil where something may be.
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

  /// The kind of a file that is no regular one.
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
  /// The fault of a text file whose lines end in carriage returns alone, which would be one line; nil of any other.
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
