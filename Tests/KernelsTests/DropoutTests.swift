import CKernels
import Foundation
import Testing

@Suite struct DropoutTests {
  /// The mask as bits: 1 where an element is kept.
  static func mask(_ n: Int, seed: UInt64, stream: UInt64, first: UInt64 = 0, probability: Float) -> [Bool] {
    let ones = [Float](repeating: 1, count: n)
    var y = ones
    ps_dropout(ones, &y, Int64(n), seed, stream, first, probability)
    return y.map { $0 != 0 }
  }

  /// How many standard deviations a count of `hits` in `n` trials of probability `p` lies from its mean.
  static func deviations(_ hits: Int, _ n: Int, _ p: Double) -> Double {
    abs(Double(hits) - Double(n) * p) / (Double(n) * p * (1 - p)).squareRoot()
  }

  @Test(arguments: [Float(0.1), 0.5, 0.9, 0.01])
  func keepsTheRightShareAndScalesIt(probability: Float) {
    var samples = Samples(1)
    let x = samples.floats(200_000).map { $0 + 3 }
    var y = x
    ps_dropout(x, &y, Int64(x.count), 42, 7, 0, probability)
    let kept = y.count { $0 != 0 }
    #expect(Self.deviations(kept, x.count, Double(1 - probability)) < 4)
    let scale = 1 / (1 - probability)
    #expect(zip(x, y).allSatisfy { $1 == 0 || abs($1 - $0 * scale) <= 1e-6 * abs($1) })
  }

  @Test func theEndsAreExact() {
    let x: [Float] = [1, -2, .infinity, 4]
    var y = x
    ps_dropout(x, &y, 4, 1, 2, 3, 0)
    #expect(y == x)
    ps_dropout(x, &y, 4, 1, 2, 3, 1)
    #expect(y == [0, 0, 0, 0])
  }

  @Test(arguments: [0, 12_345, 0xffff_ff80, 0xffff_ffff, 0x7_ffff_fff0] as [UInt64])
  func aSplitCallGivesTheSameMask(first: UInt64) {
    let n = 300
    let whole = Self.mask(n, seed: 9, stream: 4, first: first, probability: 0.3)
    for cut in [0, 1, 17, 128, 299, 300] {
      let left = Self.mask(cut, seed: 9, stream: 4, first: first, probability: 0.3)
      let right = Self.mask(n - cut, seed: 9, stream: 4, first: first + UInt64(cut), probability: 0.3)
      #expect(left + right == whole, "first \(first), cut \(cut)")
    }
  }

  @Test func streamsAndSeedsAreIndependent() {
    let n = 100_000
    let reference = Self.mask(n, seed: 1, stream: 1, probability: 0.5)
    let others: [(UInt64, UInt64, UInt64)] = [
      (1, 2, 0), (2, 1, 0), (2, 2, 0), (1, 1 << 32, 0), (1 << 32, 1, 0), (0, 0, 0), (1, 0, 0), (0, 1, 0),
      (1, 1, 1), (1, 1, 2), (1, 1, 768), (1, 1, 1 << 20), (1, 1, 1 << 32), (1, 1, 3 << 32),
    ]
    for (seed, stream, first) in others {
      let other = Self.mask(n, seed: seed, stream: stream, first: first, probability: 0.5)
      let equal = zip(reference, other).count { $0 == $1 }
      #expect(Self.deviations(equal, n, 0.5) < 4.5, "seed \(seed), stream \(stream), first \(first)")
      // One mask must not be a rearrangement of the other by a small exclusive or of the index.
      for flip in 1..<16 where first == 0 || first >= 1 << 20 {
        let equal = (0..<n - 16).count { reference[$0] == other[$0 ^ flip] }
        #expect(Self.deviations(equal, n - 16, 0.5) < 5, "seed \(seed), stream \(stream), flip \(flip)")
      }
    }
  }

  @Test func neighboursAreIndependent() {
    let n = 400_000
    let mask = Self.mask(n, seed: 3, stream: 11, probability: 0.1)
    for lag in Array(1...40) + [64, 128, 312, 384, 768, 1024, 3072, 65_536] {
      let both = (0..<n - lag).count { !mask[$0] && !mask[$0 + lag] }
      #expect(Self.deviations(both, n - lag, 0.01) < 4.5, "lag \(lag)")
    }
    // Every residue of the index is dropped equally often.
    for modulus in [2, 16, 26, 768] {
      var dropped = [Int](repeating: 0, count: modulus)
      for (index, kept) in mask.enumerated() where !kept { dropped[index % modulus] += 1 }
      let expected = Double(n) / Double(modulus) * 0.1
      let chiSquare = dropped.reduce(0) { $0 + pow(Double($1) - expected, 2) / (expected * 0.9) }
      let freedom = Double(modulus - 1)
      #expect(abs(chiSquare - freedom) < 5 * (2 * freedom).squareRoot(), "modulus \(modulus)")
    }
  }

  @Test func runLengthsAreGeometric() {
    let mask = Self.mask(500_000, seed: 77, stream: 5, probability: 0.5)
    var runs = [Int](repeating: 0, count: 12)
    var length = 1
    for index in 1..<mask.count {
      if mask[index] == mask[index - 1] {
        length += 1
      } else {
        runs[min(length, 12) - 1] += 1
        length = 1
      }
    }
    let total = runs.reduce(0, +)
    for length in 1...11 {
      let deviations = Self.deviations(runs[length - 1], total, pow(0.5, Double(length)))
      #expect(deviations < 4.5, "runs of \(length)")
    }
  }

  @Test func consecutiveStreamsHaveUncorrelatedMeans() {
    // Thousands of short masks, as a training run draws them: their sums must scatter like a binomial.
    let (streams, n) = (4_000, 256)
    let sums = (0..<streams).map { stream in
      Self.mask(n, seed: 42, stream: UInt64(stream), probability: 0.1).count { !$0 }
    }
    let mean = Double(sums.reduce(0, +)) / Double(streams)
    let variance = sums.reduce(0.0) { $0 + pow(Double($1) - mean, 2) } / Double(streams - 1)
    let expected = Double(n) * 0.1 * 0.9
    #expect(abs(mean - Double(n) * 0.1) < 4 * (expected / Double(streams)).squareRoot())
    #expect(abs(variance / expected - 1) < 4 * (2 / Double(streams)).squareRoot())
  }
}
