import Foundation

/// Network link of a machine: how much goes through it in each direction at once, and how long a message takes.
package struct NetworkLink: Sendable, Equatable {
  /// Bits a second, in each direction.
  package let bitsPerSecond: Double
  /// Seconds that a message of no length takes.
  package let latency: Double

  package init(bitsPerSecond: Double, latency: Double) {
    (self.bitsPerSecond, self.latency) = (bitsPerSecond, latency)
  }

  /// Bits a second as people write them: `25Gb`, `100Mbit`, `2.5 Gbit/s`; nil for what is none.
  package static func bitsPerSecond(_ text: String) -> Double? {
    guard
      let match = text.wholeMatch(of: /([0-9]+(?:\.[0-9]+)?) ?([kKmMgGtT]?)(?:b|bit|bits|bps)?(?:\/s)?/),
      let number = Double(match.1), number > 0
    else { return nil }
    let power =
      switch match.2.lowercased() {
      case "k": 3.0
      case "m": 6.0
      case "g": 9.0
      case "t": 12.0
      default: 0.0
      }
    return number * pow(10, power)
  }
}
