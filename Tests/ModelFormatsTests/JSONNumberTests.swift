import Foundation
import ModelFormats
import Testing

@Suite struct JSONNumberTests {
  /// The Float64 that the parser makes of a number.
  private func read(_ text: String) throws -> Double? { try JSONValue(parsing: "[\(text)]")[0]?.doubleValue }

  /// Numbers of many lengths, points at each place, and Float64 values as they are written.
  @Test func numbersBecomeTheNearestFloat64() throws {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<20_000 {
      let value = Double.random(in: -20...20, using: &random)
      #expect(try read("\(value)") == value)
      var digits = String(
        UInt64.random(in: 1...UInt64.max, using: &random).description.prefix(.random(in: 1...20)))
      let places = Int.random(in: 1...25, using: &random)
      digits = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
      let whole = String(digits.dropLast(places).drop { $0 == "0" })
      let text = "\(whole.isEmpty ? "0" : whole).\(digits.suffix(places))"
      #expect(try read(text) == Double(text), "\(text)")
    }
  }

  @Test(arguments: [
    // Halfway between two: the even one; and the next digit that decides.
    "9007199254740993.0", "9007199254740995.0", "9007199254740993.0001", "4503599627370497.5",
    "4503599627370496.5", "1.00000000000000011102230246251565404", "1.0000000000000001110",
    // The ends of what 64 bits hold.
    "18446744073709551615.0", "18446744073709551616.0", "1844674407370955161.5", "0.18446744073709551615",
    "0.0000000000000000001", "0.9999999999999999999", "1.8446744073709551615", "0.00000000000000000001",
    "99999999999999999999.9", "0.1", "123.456e-7", "1E22", "2.2250738585072011e-308",
  ])
  func numbersAtTheEdgeAreRoundedRight(_ text: String) throws {
    #expect(try read(text) == Double(text))
    #expect(try read("-" + text) == Double("-" + text))
  }

  @Test func zeroKeepsItsSign() throws {
    #expect(try read("-0.0")?.sign == .minus)
    #expect(try read("0.000")?.sign == .plus)
  }
}
