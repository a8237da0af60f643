/// Number in decimal digits, digits × 10^-places, that becomes the nearest Float64 by one division.
struct DecimalNumber {
  /// The digits before and behind the point as one integer; nil once they need more than 64 bits.
  private var digits: UInt64? = 0
  /// The number of digits behind the point.
  private(set) var places = 0

  /// Takes one more digit, of 0 to 9.
  mutating func append(_ digit: UInt8, behindPoint: Bool) {
    if behindPoint { places += 1 }
    guard let known = digits else { return }
    let (tens, overflows) = known.multipliedReportingOverflow(by: 10)
    let (sum, carries) = tens.addingReportingOverflow(UInt64(digit))
    digits = overflows || carries ? nil : sum
  }

  /// The digits as a whole number; nil where there are places or too many digits.
  var integer: Int? { places == 0 ? digits.flatMap { Int(exactly: $0) } : nil }

  /// The nearest Float64, of two as near the even one (IEEE 754); nil where digits or the power of ten need more than 64 bits.
  ///
  /// Both are shifted until they begin with a 1, so that the 128-bit quotient has 63 bits or more. The last of these stands
  /// for everything behind it, which is enough to round to 53.
  var nearestDouble: Double? {
    guard let digits, places < Self.powers.count else { return nil }
    if digits == 0 { return 0 }
    let power = Self.powers[places]
    let (digitsShift, powerShift) = (digits.leadingZeroBitCount, power.leadingZeroBitCount)
    let shifted = digits << digitsShift
    var (quotient, remainder) = (power << powerShift).dividingFullWidth((shifted >> 1, shifted << 63))
    if remainder != 0 { quotient |= 1 }
    return Double(sign: .plus, exponent: powerShift - digitsShift - 63, significand: Double(quotient))
  }

  /// 10^0 to 10^19.
  private static let powers = (0..<19).reduce(into: [UInt64(1)]) { powers, _ in
    powers.append(powers[powers.count - 1] * 10)
  }
}
