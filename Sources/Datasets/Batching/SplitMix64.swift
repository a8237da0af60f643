/// A small seeded generator whose sequence is fixed for good, unlike the standard library's shuffling.
///
/// SplitMix64 (Steele, Lea and Flood 2014): fast, and any two seeds give unrelated sequences.
package struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  /// A generator of one seed and any number of further coordinates (an epoch, a split).
  package init(_ seed: UInt64, _ coordinates: UInt64...) {
    state = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
    for coordinate in coordinates { state = Self.mix(state ^ Self.mix(coordinate &+ 0xD1B5_4A32_D192_ED03)) }
  }

  /// The next 64 bits.
  package mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    return Self.mix(state)
  }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

/// Draws whose results, unlike the standard library's, are fixed for good by the generator's bits.
extension RandomNumberGenerator {
  /// A whole number in 0 ..< bound, without bias.
  package mutating func below(_ bound: Int) -> Int {
    precondition(bound > 0, "A random number below \(bound) does not exist.")
    let bound = UInt64(bound)
    // Lemire 2019: the high half of a product, redrawn in the rare biased cases.
    var (high, low) = next().multipliedFullWidth(by: bound)
    if low < bound {
      let threshold = (0 &- bound) % bound
      while low < threshold { (high, low) = next().multipliedFullWidth(by: bound) }
    }
    return Int(high)
  }

  /// A number in 0 ..< 1.
  package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Whether an event of this probability happens.
  package mutating func chance(_ probability: Double) -> Bool { uniform() < probability }

  /// One element of a non-empty array.
  package mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }

  /// Puts the elements in random order (Fisher and Yates).
  package mutating func shuffle<Element>(_ elements: inout [Element]) {
    for last in stride(from: elements.count - 1, to: 0, by: -1) { elements.swapAt(last, below(last + 1)) }
  }
}
