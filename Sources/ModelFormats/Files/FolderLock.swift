import Foundation

/// A lock on a folder, so that two processes do not write one run into it.
///
/// The lock is the system's on the file `.potstill.lock`, so a killed process leaves none; the file that stays behind
/// then locks nothing.
package final class FolderLock {
  private let file: URL
  private var descriptor: Int32

  /// The name of the file in the folder.
  package static let fileName = ".potstill.lock"

  /// Locks a folder, which must exist.
  ///
  /// - Throws: `FormatError.cannotWrite` when another process holds the lock or the file cannot be made.
  package init(_ folder: URL) throws(FormatError) {
    file = folder.appending(path: Self.fileName)
    descriptor = -1
    while true {
      descriptor = open(file.path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
      guard descriptor >= 0 else { throw .cannotWrite(file: file.path, reason: systemMessage()) }
      guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
        // Some network file systems know no locks; there a run is not guarded.
        if errno == ENOLCK || errno == EOPNOTSUPP { return }
        let owner = Self.owner(descriptor)
        close(descriptor)
        descriptor = -1
        throw Self.isUsed(folder, by: owner)
      }
      // Between opening and locking, a run that ended may have removed the file.
      if Self.isNamed(descriptor, file.path) { break }
      close(descriptor)
    }
    _ = ftruncate(descriptor, 0)
    let text = Array("\(ProcessInfo.processInfo.processIdentifier)\n".utf8)
    _ = text.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
  }

  /// Makes sure that no other process has a lock on a folder, for what is written there at once.
  ///
  /// - Throws: `FormatError.cannotWrite` when one has.
  package static func checkIsFree(_ folder: URL) throws(FormatError) {
    let descriptor = open(
      folder.appending(path: fileName).path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    guard flock(descriptor, LOCK_SH | LOCK_NB) != 0, errno == EWOULDBLOCK else { return }
    let owner = owner(descriptor)
    // A run writes more than once into its own folder.
    if owner.map(Int32.init(truncatingIfNeeded:)) != getpid() { throw isUsed(folder, by: owner) }
  }

  private static func isUsed(_ folder: URL, by owner: Int?) -> FormatError {
    .cannotWrite(
      file: folder.path,
      reason:
        "another run\(owner.map { " (process \($0))" } ?? "") is writing into this folder; wait until it has finished, or "
        + "choose another folder")
  }

  /// Gives the folder free.
  package func release() {
    guard descriptor >= 0 else { return }
    unlink(file.path)
    close(descriptor)
    descriptor = -1
  }

  deinit { release() }

  private static func owner(_ descriptor: Int32) -> Int? {
    var bytes = [UInt8](repeating: 0, count: 24)
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
    guard count > 0 else { return nil }
    return Int(
      String(decoding: bytes.prefix(count), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// Whether an open file still has a name.
  private static func isNamed(_ descriptor: Int32, _ path: String) -> Bool {
    var (own, named) = (stat(), stat())
    return fstat(descriptor, &own) == 0 && stat(path, &named) == 0 && own.st_ino == named.st_ino
      && own.st_dev == named.st_dev
  }
}

/// A lock on a file that other programs lock too, which waits until they have finished.
///
/// The lock is the system's on the file, as `filelock` of Python has it; the file stays.
package final class SharedLock {
  private var descriptor: Int32

  /// Locks a file, which is made if need be.
  ///
  /// - Parameter waiting: Called once when another process has the lock.
  /// - Throws: `FormatError.cannotWrite` when the file cannot be made or locked.
  package init(_ file: URL, waiting: () -> Void) throws(FormatError) {
    descriptor = open(file.path, O_RDWR | O_CREAT | O_CLOEXEC, 0o664)
    guard descriptor >= 0 else { throw .cannotWrite(file: file.path, reason: systemMessage()) }
    var isTold = false
    while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
      // Some network file systems know no locks; there nothing is guarded.
      if [ENOLCK, EOPNOTSUPP, ENOSYS].contains(errno) { return }
      guard [EWOULDBLOCK, EACCES, EINTR].contains(errno) else {
        let reason = systemMessage()
        release()
        throw .cannotWrite(file: file.path, reason: reason)
      }
      if !isTold { waiting() }
      isTold = true
      usleep(100_000)
    }
  }

  /// Gives the lock free.
  package func release() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
  }

  deinit { release() }
}
