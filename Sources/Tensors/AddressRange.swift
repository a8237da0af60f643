import Foundation

/// Addresses from the system whose pages exist, as zeros, only once they have been written to.
final class AddressRange: @unchecked Sendable {
  // Sendable because the addresses never change; who may write where is the pool's business.
  let base: UnsafeMutableRawPointer
  /// The number of addresses.
  let bytes: Int

  /// Reserves `bytes` addresses; nil when the system refuses.
  ///
  /// - Parameter largePages: Whether all of it will be written, so that the system may back it with large pages, which
  ///   take fewer faults and fewer look-ups.
  init?(bytes: Int, largePages: Bool) {
    #if os(Linux)
      let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    #else
      let flags = MAP_PRIVATE | MAP_ANON | MAP_NORESERVE
    #endif
    let mapped = mmap(nil, bytes, PROT_READ | PROT_WRITE, flags, -1, 0)
    guard let mapped, mapped != MAP_FAILED else { return nil }
    self.base = mapped
    self.bytes = bytes
    #if os(Linux)
      // A wish: without it everything works, with small pages.
      if largePages { madvise(mapped, bytes, Int32(MADV_HUGEPAGE)) }
    #endif
  }

  /// Gives the whole pages of a part back to the system; they read as zeros afterwards.
  func discard(_ part: Range<Int>) {
    let page = Int(sysconf(Int32(_SC_PAGESIZE)))
    let start = (part.lowerBound + page - 1) / page * page
    let end = part.upperBound / page * page
    if start < end { madvise(base + start, end - start, Int32(MADV_DONTNEED)) }
  }

  deinit { munmap(base, bytes) }
}
