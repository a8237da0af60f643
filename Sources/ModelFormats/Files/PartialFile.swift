import Foundation

/// Reason why a file in parts cannot be written.
package enum PartialFileError: Error, Equatable {
  /// Another process is writing it.
  case locked
  /// Another process has just now given it its name.
  case finished
  /// A step failed, such as `cannot be written: No space left on device`.
  case system(String)
}

/// Writer of a large file in parts at any place, under another name such as `NAME.partial` until it is whole, locked against
/// other processes.
///
/// Unlike those of `AtomicFile`, the parts that an interrupted process has written stay and are read again.
package final class PartialFile {
  private let target: URL
  private let partial: URL
  private var descriptor: Int32

  /// Opens the unfinished file that an interrupted process has left, or an empty one; its folder is made if need be.
  ///
  /// - Parameter ending: Ending of the name that it has until it is whole.
  package init(_ target: URL, ending: String = ".partial") throws(PartialFileError) {
    self.target = target
    partial = URL(filePath: target.path + ending)
    var reason: String?
    do {
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
    } catch {
      reason = describeFileError(error)
    }
    descriptor = open(partial.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      if errno == ENOENT, let reason { throw .system("its folder cannot be made: \(reason)") }
      throw Self.failure("cannot be made")
    }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw .locked }
    guard hasItsName else { throw .finished }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// Whether the open file is still the unfinished one: before it was locked, another process may have renamed it.
  private var hasItsName: Bool {
    var (own, named) = (stat(), stat())
    return fstat(descriptor, &own) == 0 && stat(partial.path, &named) == 0 && own.st_ino == named.st_ino
      && own.st_dev == named.st_dev
  }

  /// The number of bytes that are there.
  package var byteCount: Int {
    var status = stat()
    return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
  }

  /// Removes the file, of which nothing is wanted any more.
  package func discard() {
    guard descriptor >= 0 else { return }
    unlink(partial.path)
    close(descriptor)
    descriptor = -1
  }

  /// Throws away what is there; the file is then so many zero bytes long.
  package func reset(byteCount: Int) throws(PartialFileError) {
    guard ftruncate(descriptor, 0) == 0, ftruncate(descriptor, off_t(byteCount)) == 0 else {
      throw Self.failure("cannot be made so large")
    }
  }

  /// Bytes at a place; zeros where the file ends too early.
  package func read(_ offset: Int, _ count: Int) throws(PartialFileError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let step = bytes.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress.map { $0 + done }, count - done, off_t(offset + done))
      }
      if step < 0, errno == EINTR { continue }
      guard step >= 0 else { throw Self.failure("cannot be read") }
      if step == 0 { break }
      done += step
    }
    return bytes
  }

  /// Writes bytes at a place.
  package func write(_ bytes: [UInt8], at offset: Int) throws(PartialFileError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(PartialFileError) in
      var done = 0
      while done < bytes.count {
        let step = pwrite(
          descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done, off_t(offset + done))
        if step < 0, errno == EINTR { continue }
        guard step >= 0 else { throw Self.failure("cannot be written") }
        done += step
      }
    }
  }

  /// Gives the file its name once all of it is on the disk, replacing what was there.
  package func commit() throws(PartialFileError) {
    guard fsync(descriptor) == 0, rename(partial.path, target.path) == 0 else {
      throw Self.failure("cannot be finished")
    }
    close(descriptor)
    descriptor = -1
  }

  private static func failure(_ what: String) -> PartialFileError { .system("\(what): \(systemMessage())") }
}
