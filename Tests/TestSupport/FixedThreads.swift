import Foundation
import Kernels

/// Keeps the number of threads as it is while a test compares bits, or changes it for one test alone.
///
/// Suites of all targets run side by side in one process, the number of threads is the process's, and the last bits of a
/// matrix product depend on it. Tests that change it and tests that two runs agree to the bit hold the same lock.
public enum FixedThreads {
  private static let lock = NSRecursiveLock()

  /// Runs `body` with `count` threads (nil leaves the number alone), restores the number and returns the result.
  public static func run<Result>(_ count: Int? = nil, _ body: () throws -> Result) rethrows -> Result {
    lock.lock()
    let before = Parallel.threadCount
    defer {
      Parallel.threadCount = before
      lock.unlock()
    }
    if let count { Parallel.threadCount = count }
    return try body()
  }
}
