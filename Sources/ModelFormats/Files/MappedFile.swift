import Foundation
import Synchronization

/// A file in memory, of which only the pages that are used take room; writing to them never reaches the file.
///
/// A file that another program cuts off meanwhile is an error of `check`, and what is read of it behind that ends the process
/// with a message (`TruncationGuard`). One that is written over in place is noticed too late for that: `rewritten` names it.
package final class MappedFile: @unchecked Sendable {
  // Sendable because the reading API only reads; `StoredTensors.floatsInPlace` documents who may write.

  /// The whole file.
  package let bytes: UnsafeMutableRawBufferPointer
  private let reader: FileReader
  private let guarded: TruncationGuard.Entry?

  /// Opens a file.
  ///
  /// - Throws: `FormatError.cannotRead`, also when it is no regular file.
  package init(path: String) throws(FormatError) {
    reader = try FileReader(path: path)
    let mapped = try reader.map()
    bytes = mapped ?? UnsafeMutableRawBufferPointer(start: nil, count: 0)
    guarded = mapped.map { TruncationGuard.protect($0, path: path) }
    Self.open.withLock { $0[ObjectIdentifier(reader)] = reader }
  }

  deinit {
    if let guarded { TruncationGuard.release(guarded) }
    if let address = bytes.baseAddress { munmap(address, bytes.count) }
    let isUnchanged = reader.isUnchanged
    Self.open.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(reader)) }
    if !isUnchanged { Self.closed.withLock { $0.append(reader.path) } }
  }

  /// Makes sure that the file still holds a range.
  ///
  /// - Throws: `FormatError.cannotRead` when it has become shorter since it was opened.
  package func check(_ range: Range<Int>) throws(FormatError) { try reader.check(range) }

  /// A range of the file, cut at its end.
  ///
  /// - Throws: `FormatError.cannotRead`, as `check`.
  package func slice(_ range: Range<Int>) throws(FormatError) -> UnsafeRawBufferPointer {
    let range = range.clamped(to: 0..<bytes.count)
    try check(range)
    return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range])
  }

  /// Reads a range piece by piece beside the mapping, whose pages would take room from then on; pieces end at multiples of
  /// 8 bytes from its beginning.
  ///
  /// - Throws: `FormatError.cannotRead`, as `check`.
  func forEachPiece(
    of range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(FormatError) {
    try reader.forEachPiece(of: range, body)
  }

  // MARK: Files that were written to

  private static let open = Mutex<[ObjectIdentifier: FileReader]>([:])
  private static let closed = Mutex<[String]>([])

  /// The paths of files that another program wrote to while they were mapped, so that what was read may be old and new,
  /// sorted; each is named once in the life of the process.
  package static func takeRewritten() -> [String] {
    let stillOpen = open.withLock { files in
      let changed = files.filter { !$1.isUnchanged }
      for key in changed.keys { files[key] = nil }
      return changed.values.map(\.path)
    }
    let before = closed.withLock { paths in
      defer { paths = [] }
      return paths
    }
    return Set(stillOpen + before).sorted()
  }
}

/// Guard against mapped files that others cut short: makes an error out of SIGBUS, with which the system answers
/// whoever reads a page behind the end that the file now has.
///
/// The handler writes a message with the file's name, made beforehand, and ends the process with exit code 1. A fault anywhere
/// else goes to whatever handled SIGBUS before.
enum TruncationGuard {
  /// A mapped range that the handler knows; entries are used again, and never freed, since a handler may look at them at any
  /// time.
  struct Place: ~Copyable {
    /// The first address; 0 for a place that is free.
    let start = Atomic<UInt>(0)
    /// The address behind the last one.
    let end = Atomic<UInt>(0)
    /// The message that the handler writes, a C string.
    let message = Atomic<UnsafeMutablePointer<CChar>?>(nil)
    /// The place that was made before.
    let next: Entry?
  }

  typealias Entry = UnsafeMutablePointer<Place>

  private nonisolated(unsafe) static let head = Atomic<Entry?>(nil)
  private static let isInstalled = Mutex(false)
  /// The handler of SIGBUS that was there before.
  private nonisolated(unsafe) static let previous = {
    let action = UnsafeMutablePointer<sigaction>.allocate(capacity: 1)
    action.initialize(to: sigaction())
    return action
  }()

  /// Adds a range.
  static func protect(_ bytes: UnsafeMutableRawBufferPointer, path: String) -> Entry {
    isInstalled.withLock { isInstalled in
      if !isInstalled {
        install()
        isInstalled = true
      }
      let entry = freeEntry() ?? newEntry()
      let start = UInt(bitPattern: bytes.baseAddress)
      let text =
        "potstill: error: \(printable(path)): it had \(bytes.count) bytes when it was opened and has become "
        + "shorter; another program writes to it\n"
      entry.pointee.message.store(strdup(text), ordering: .relaxed)
      entry.pointee.end.store(start + UInt(bytes.count), ordering: .relaxed)
      entry.pointee.start.store(start, ordering: .releasing)
      return entry
    }
  }

  /// Takes a range away, before it is unmapped.
  static func release(_ entry: Entry) {
    isInstalled.withLock { _ in
      free(entry.pointee.message.exchange(nil, ordering: .relaxed))
      entry.pointee.end.store(0, ordering: .relaxed)
      entry.pointee.start.store(0, ordering: .releasing)
    }
  }

  private static func freeEntry() -> Entry? {
    var entry = head.load(ordering: .acquiring)
    while let place = entry {
      if place.pointee.start.load(ordering: .acquiring) == 0 { return place }
      entry = place.pointee.next
    }
    return nil
  }

  private static func newEntry() -> Entry {
    let entry = Entry.allocate(capacity: 1)
    entry.initialize(to: Place(next: head.load(ordering: .relaxed)))
    head.store(entry, ordering: .releasing)
    return entry
  }

  private static func install() {
    _ = previous.pointee
    var action = sigaction()
    action.sa_flags = Int32(truncatingIfNeeded: SA_SIGINFO) | Int32(truncatingIfNeeded: SA_ONSTACK)
    sigemptyset(&action.sa_mask)
    #if os(Linux)
      action.__sigaction_handler.sa_sigaction = { _, info, _ in
        TruncationGuard.handle(info?.pointee._sifields._sigfault.si_addr)
      }
    #else
      action.__sigaction_u.__sa_sigaction = { _, info, _ in TruncationGuard.handle(info?.pointee.si_addr) }
    #endif
    sigaction(SIGBUS, &action, previous)
  }

  /// Runs in the handler: only what POSIX allows there.
  private static func handle(_ address: UnsafeMutableRawPointer?) {
    let address = UInt(bitPattern: address)
    var entry = head.load(ordering: .acquiring)
    while let place = entry {
      if place.pointee.start.load(ordering: .acquiring) <= address,
        address < place.pointee.end.load(ordering: .relaxed),
        let message = place.pointee.message.load(ordering: .relaxed)
      {
        _ = write(STDERR_FILENO, message, strlen(message))
        _exit(1)
      }
      entry = place.pointee.next
    }
    // Not ours: the access is tried again, and fails again, under the handler of before.
    sigaction(SIGBUS, previous, nil)
  }
}
