import Foundation

/// How much memory this process has used.
public enum PeakMemory {
  /// The largest resident size so far in bytes; 0 when the system does not tell.
  public static var residentBytes: Int {
    var usage = rusage()
    #if os(Linux)
      guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return 0 }
      return usage.ru_maxrss * 1024  // Linux counts in KiB
    #else
      guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
      return usage.ru_maxrss
    #endif
  }
}

/// Memory that this process has freed and the allocator keeps for later.
package enum FreeMemory {
  /// Gives it back to the system, after work that took much in small pieces; a wish, which only glibc knows how to fulfil.
  package static func giveBack() {
    typealias Trim = @convention(c) (Int) -> Int32
    // RTLD_DEFAULT
    guard let symbol = dlsym(nil, "malloc_trim") else { return }
    _ = unsafeBitCast(symbol, to: Trim.self)(0)
  }
}
