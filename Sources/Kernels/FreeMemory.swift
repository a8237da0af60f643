import Foundation

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
