/// Memory for what one worker computes on the way, handed out from front to back.
///
/// Taken from the pool before a region starts: workers that all ask the pool at once would wait for each other.
struct Scratch {
  private var next: UnsafeMutablePointer<Float>
  private let end: UnsafeMutablePointer<Float>

  /// The first `count` values at `pointer`, which must stay as long as anything taken from here is used.
  init(_ pointer: UnsafeMutablePointer<Float>, count: Int) {
    (next, end) = (pointer, pointer + count)
  }

  /// What `take` needs for so many values: whole lines of the cache.
  static func space(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  /// The next `count` values, uninitialised.
  mutating func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    let taken = next
    next += Self.space(count)
    precondition(next <= end, "A worker's scratch memory is too small by \(next - end) values.")
    return taken
  }
}
