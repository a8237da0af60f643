import Foundation

/// Thread as the system's scheduler knows it: the processors it may run on, and how long it has run.
///
/// Linux alone lets a thread be kept in place. Elsewhere there is nothing to be had here. A thread must live while it is asked for.
package struct SystemThread: Sendable {
  private let handle: pthread_t

  /// The calling thread.
  package static var current: SystemThread { SystemThread(handle: pthread_self()) }

  /// The processor that the calling thread runs on now; nil where the system does not tell.
  package static var processor: Int? {
    scheduler.map { Int($0.processor()) }.flatMap { $0 >= 0 ? $0 : nil }
  }

  /// The processors that the thread may run on, in ascending order; empty where the system does not tell.
  package var processors: [Int] {
    guard let mask else { return [] }
    return (0..<mask.count * 8).filter { mask[$0 / 8] >> ($0 % 8) & 1 == 1 }
  }

  /// Keeps the thread on one processor from now on, if the system allows it; one that waits for another processor moves at once.
  package func keep(on processor: Int) {
    guard let count = Self.maskSizes.first(where: { $0 * 8 > processor }) else { return }
    var mask = [UInt8](repeating: 0, count: count)
    mask[processor / 8] = 1 << (processor % 8)
    _ = Self.scheduler?.writeMask(handle, count, &mask)
  }

  /// Moves the thread to one of the processors that it may run on, from which the system may move it again.
  package func move(to processor: Int) {
    guard var mask, mask.count * 8 > processor, mask[processor / 8] >> (processor % 8) & 1 == 1 else {
      return
    }
    keep(on: processor)
    _ = Self.scheduler?.writeMask(handle, mask.count, &mask)
  }

  /// The time for which the thread has run, in nanoseconds: it stands still while the thread has no processor.
  package var runTime: Int {
    #if os(Linux)
      var clock = clockid_t()
      var time = timespec()
      guard pthread_getcpuclockid(handle, &clock) == 0, clock_gettime(clock, &time) == 0 else { return 0 }
      return time.tv_sec * 1_000_000_000 + time.tv_nsec
    #else
      return 0
    #endif
  }

  /// The processors as bits, in bytes.
  private var mask: [UInt8]? {
    guard let scheduler = Self.scheduler else { return nil }
    for count in Self.maskSizes {
      var mask = [UInt8](repeating: 0, count: count)
      if scheduler.readMask(handle, count, &mask) == 0 { return mask }
    }
    return nil
  }

  /// Sizes of a mask in bytes that are tried: as glibc's own type, and as the largest kernels need.
  private static let maskSizes = [128, 1_024]

  /// Functions of the system, looked up since Swift does not see what only glibc declares.
  private struct Scheduler {
    typealias Mask = @convention(c) (pthread_t, Int, UnsafeMutableRawPointer) -> Int32
    let readMask: Mask
    let writeMask: Mask
    let processor: @convention(c) () -> Int32
  }

  private static let scheduler: Scheduler? = {
    #if os(Linux)
      // The handle nil stands for all that is loaded.
      guard let read = dlsym(nil, "pthread_getaffinity_np"), let write = dlsym(nil, "pthread_setaffinity_np"),
        let processor = dlsym(nil, "sched_getcpu")
      else { return nil }
      return Scheduler(
        readMask: unsafeBitCast(read, to: Scheduler.Mask.self),
        writeMask: unsafeBitCast(write, to: Scheduler.Mask.self),
        processor: unsafeBitCast(processor, to: (@convention(c) () -> Int32).self))
    #else
      return nil
    #endif
  }()
}
