import Foundation

/// Writer of a whole file under a temporary name beside the target, then renamed, so no half-written file remains.
package final class AtomicFile {
  private let target: URL
  private let temporary: URL
  private var descriptor: Int32

  /// Opens the temporary file; nothing appears under `target` before `commit()`.
  package init(_ target: URL) throws(FormatError) {
    self.target = target
    temporary = TemporaryName.beside(target)
    descriptor = open(temporary.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw .cannotWrite(file: target.path, reason: systemMessage()) }
  }

  /// Appends bytes.
  package func write(_ bytes: UnsafeRawBufferPointer) throws(FormatError) {
    try ModelFormats.write(all: bytes, to: descriptor, of: target.path)
  }

  /// Appends bytes.
  package func write(_ bytes: [UInt8]) throws(FormatError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try write(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Appends numbers, little-endian.
  package func write<Number: FixedWidthInteger & BitwiseCopyable>(numbers: [Number]) throws(FormatError) {
    let numbers = numbers.map(\.littleEndian)
    try numbers.withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try write(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Gives the file its real name once all of it is on the disk, replacing what was there.
  package func commit() throws(FormatError) {
    let synced = fsync(descriptor)
    let reasonOfSync = systemMessage()
    let closed = close(descriptor)
    descriptor = -1
    guard synced == 0 else {
      unlink(temporary.path)
      throw .cannotWrite(file: target.path, reason: reasonOfSync)
    }
    guard closed == 0, rename(temporary.path, target.path) == 0 else {
      let reason = systemMessage()
      unlink(temporary.path)
      throw .cannotWrite(file: target.path, reason: reason)
    }
  }

  deinit {
    guard descriptor >= 0 else { return }
    close(descriptor)
    unlink(temporary.path)
  }

  /// Writes a whole file at once.
  package static func write(_ bytes: [UInt8], to url: URL) throws(FormatError) {
    let file = try AtomicFile(url)
    try file.write(bytes)
    try file.commit()
  }

  /// Gives a whole file a second name, replacing what had it.
  ///
  /// - Parameters:
  ///   - link: The path from the new name to the file, for a symbolic link; nil, and file systems without links, move the file.
  /// - Throws: `FormatError.cannotWrite`.
  package static func place(_ file: URL, at target: URL, link: String?) throws(FormatError) {
    var source = file
    if let link {
      let temporary = TemporaryName.beside(target)
      if symlink(link, temporary.path) == 0 {
        source = temporary
      } else if ![EPERM, EOPNOTSUPP, ENOSYS].contains(errno) {
        throw .cannotWrite(file: target.path, reason: systemMessage())
      }
    }
    guard rename(source.path, target.path) == 0 else {
      let reason = systemMessage()
      if source != file { unlink(source.path) }
      throw .cannotWrite(file: target.path, reason: reason)
    }
  }
}

/// Writes all bytes to an open file; `path` is for the message.
func write(
  all bytes: UnsafeRawBufferPointer, to descriptor: Int32, of path: String
) throws(FormatError) {
  var rest = bytes[...]
  while !rest.isEmpty {
    // Some systems refuse single writes of 2 GiB and more.
    let chunk = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
    let written = Foundation.write(descriptor, chunk.baseAddress, chunk.count)
    if written < 0 {
      if errno == EINTR { continue }
      throw .cannotWrite(file: path, reason: systemMessage())
    }
    rest = rest.dropFirst(written)
  }
}

/// The system's words for the current `errno`.
func systemMessage() -> String { String(cString: strerror(errno)) }

/// The short reason inside a Foundation file error, in the system's words where it has some.
package func describeFileError(_ error: any Error) -> String {
  let error = error as NSError
  if let cause = error.userInfo[NSUnderlyingErrorKey] as? NSError, cause.domain == NSPOSIXErrorDomain {
    return String(cString: strerror(Int32(cause.code)))
  }
  let numbers: [CocoaError.Code: Int32] = [
    .fileReadNoSuchFile: ENOENT, .fileNoSuchFile: ENOENT, .fileWriteVolumeReadOnly: EROFS,
    .fileWriteOutOfSpace: ENOSPC, .fileWriteNoPermission: EACCES, .fileReadNoPermission: EACCES,
    .fileWriteFileExists: EEXIST,
  ]
  guard error.domain == NSCocoaErrorDomain, let number = numbers[CocoaError.Code(rawValue: error.code)] else {
    return error.localizedDescription
  }
  return String(cString: strerror(number))
}

/// Room on a disk.
package enum DiskSpace {
  /// The bytes that are free where a file or folder is, or shall be; nil where the system does not say.
  package static func free(at url: URL) -> Int? {
    var folder = url
    while !FileManager.default.fileExists(atPath: folder.path), folder.pathComponents.count > 1 {
      folder.deleteLastPathComponent()
    }
    let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder.path)
    // Some network file systems say 0 of both.
    guard let size = (attributes?[.systemSize] as? NSNumber)?.intValue, size > 0 else { return nil }
    return (attributes?[.systemFreeSize] as? NSNumber)?.intValue
  }
}

/// A file that grows piece by piece, such as `metrics.jsonl`: whoever follows it sees whole lines, or whole records.
package final class AppendedFile {
  private let path: String
  private var descriptor: Int32

  /// Opens a file with the text that it begins with, which takes the place of what was there.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  package convenience init(_ url: URL, beginningWith text: String = "") throws(FormatError) {
    try self.init(url, beginningWith: Array(text.utf8))
  }

  /// Opens a file with the bytes that it begins with, which take the place of what was there.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  package init(_ url: URL, beginningWith bytes: [UInt8]) throws(FormatError) {
    path = url.path
    try AtomicFile.write(bytes, to: url)
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotWrite(file: path, reason: systemMessage()) }
  }

  /// Appends a line, in one write straight to the file.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  package func append(_ line: String) throws(FormatError) { try append(Array((line + "\n").utf8)) }

  /// Appends bytes, in one write straight to the file.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  package func append(_ bytes: [UInt8]) throws(FormatError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try write(all: UnsafeRawBufferPointer(buffer), to: descriptor, of: path)
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}
