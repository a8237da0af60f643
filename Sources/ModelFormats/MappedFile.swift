import Foundation

/// A file in memory: private, writable pages, so that writing to them copies the page and never reaches the file; or
/// read-only ones, shared by all processes that read the file.
///
/// Truncating the file under a living map ends the process at the next access; writers that rename, as Potstill's do,
/// never truncate.
package final class MappedFile: @unchecked Sendable {
  // Sendable because the reading API only reads; nobody writes to the pages.
  package let bytes: UnsafeMutableRawBufferPointer

  /// - Parameter isReadOnly: Whether writing ends the process; a file larger than memory can be mapped only so.
  package init(path: String, isReadOnly: Bool = false) throws(FormatError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw .cannotRead(file: path, reason: systemMessage()) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .cannotRead(file: path, reason: systemMessage()) }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .cannotRead(file: path, reason: "it is not a regular file")
    }
    let count = Int(status.st_size)
    guard count > 0 else {
      bytes = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      return
    }
    let address =
      isReadOnly
      ? mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0)
      : mmap(nil, count, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0)
    guard let address, address != MAP_FAILED else { throw .cannotRead(file: path, reason: systemMessage()) }
    bytes = UnsafeMutableRawBufferPointer(start: address, count: count)
  }

  deinit {
    if let address = bytes.baseAddress { munmap(address, bytes.count) }
  }
}
