/// Reproducible test data and the comparison of results with a double-precision reference.
struct Samples {
  private var state: UInt64

  init(_ seed: UInt64) { state = seed &+ 0x9E37_79B9_7F4A_7C15 }

  /// A number in -1 ..< 1.
  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 33) >> 7) / Float(1 << 24) * 2 - 1
  }

  /// `count` numbers in -scale ..< scale.
  mutating func floats(_ count: Int, scale: Float = 1) -> [Float] { (0..<count).map { _ in next() * scale } }

  /// `count` numbers in 0 ..< bound.
  mutating func indices(_ count: Int, below bound: Int) -> [Int32] {
    (0..<count).map { _ in Int32((next() + 1) / 2 * Float(bound)) % Int32(bound) }
  }
}

/// The largest |found - expected| / max(1, |expected|); infinite when a count or a NaN differs.
func worstError(_ found: [Float], _ expected: [Double]) -> Double {
  guard found.count == expected.count else { return .infinity }
  var worst = 0.0
  for (f, e) in zip(found, expected) {
    if Double(f) == e || (f.isNaN && e.isNaN) { continue }
    let error = abs(Double(f) - e) / max(1, abs(e))
    worst = error.isNaN ? .infinity : max(worst, error)
  }
  return worst
}

/// Sizes around every vector width, its multiples and the ends.
let sizes = [0, 1, 2, 3, 7, 15, 16, 17, 31, 33, 64, 100, 257]
