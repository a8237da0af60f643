import Foundation

/// Thread as the system's scheduler knows it: the processors it may run on, and how long it has run.
///
/// Linux alone lets a thread be kept in place. Elsewhere there is nothing to be had here.
package struct SystemThread: Sendable {
  private let id: pid_t
  private let clock: clockid_t

  /// The calling thread; nil where the system does not say which it is.
  package static var current: SystemThread? {
    #if os(Linux)
      guard let id = scheduler?.threadID() else { return nil }
      var clock = clockid_t()
      guard pthread_getcpuclockid(pthread_self(), &clock) == 0 else { return nil }
      return SystemThread(id: id, clock: clock)
    #else
      return nil
    #endif
  }

  /// The processor that the calling thread runs on now; nil where the system does not tell.
  package static var processor: Int? {
    scheduler.map { Int($0.processor()) }.flatMap { $0 >= 0 ? $0 : nil }
  }

  /// The processors that the calling thread may run on, in ascending order; empty where the system does not tell.
  package static var processors: [Int] {
    guard let scheduler else { return [] }
    for count in maskSizes {
      var mask = [UInt8](repeating: 0, count: count)
      if scheduler.readMask(0, count, &mask) == 0 {
        return (0..<count * 8).filter { mask[$0 / 8] >> ($0 % 8) & 1 == 1 }
      }
    }
    return []
  }

  /// Keeps the thread on one processor from now on, if the system allows it; a thread that waits for another one moves at once.
  package func keep(on processor: Int) {
    guard let scheduler = Self.scheduler, let count = Self.maskSizes.first(where: { $0 * 8 > processor })
    else { return }
    var mask = [UInt8](repeating: 0, count: count)
    mask[processor / 8] = 1 << (processor % 8)
    _ = scheduler.writeMask(id, count, &mask)
  }

  /// The time for which the thread has run, in nanoseconds: it stands still while the thread has no processor.
  package var runTime: Int {
    var time = timespec()
    clock_gettime(clock, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  /// Sizes of a mask in bytes that are tried: as glibc's own type, and as the largest kernels need.
  private static let maskSizes = [128, 1_024]

  /// Functions of the system, looked up since Swift does not see what only glibc declares.
  private struct Scheduler {
    typealias Mask = @convention(c) (pid_t, Int, UnsafeMutableRawPointer) -> Int32
    let readMask: Mask
    let writeMask: Mask
    let threadID: @convention(c) () -> pid_t
    let processor: @convention(c) () -> Int32
  }

  private static let scheduler: Scheduler? = {
    #if os(Linux)
      // The handle 0 stands for all that is loaded.
      guard let read = dlsym(nil, "sched_getaffinity"), let write = dlsym(nil, "sched_setaffinity"),
        let id = dlsym(nil, "gettid"), let processor = dlsym(nil, "sched_getcpu")
      else { return nil }
      return Scheduler(
        readMask: unsafeBitCast(read, to: Scheduler.Mask.self),
        writeMask: unsafeBitCast(write, to: Scheduler.Mask.self),
        threadID: unsafeBitCast(id, to: (@convention(c) () -> pid_t).self),
        processor: unsafeBitCast(processor, to: (@convention(c) () -> Int32).self))
    #else
      return nil
    #endif
  }()
}
