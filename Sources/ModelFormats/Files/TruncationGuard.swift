import Foundation
import Synchronization

/// What makes an error out of SIGBUS, with which the system answers whoever reads a mapped page behind the end that its file
/// now has.
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
    /// What the handler writes, a C string.
    let message = Atomic<UnsafeMutablePointer<CChar>?>(nil)
    /// The place that was made before.
    let next: Entry?
  }

  typealias Entry = UnsafeMutablePointer<Place>

  private nonisolated(unsafe) static let head = Atomic<Entry?>(nil)
  private static let isInstalled = Mutex(false)
  /// What handled SIGBUS before.
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
