import Foundation

/// A counter-based source of randomness: every value is a function of (seed, stream, index) alone, so masks do not
/// depend on threads or on the order of evaluation.
///
/// What training draws for a sequence is a function of (seed, step, row of the global batch) alone: neither the sequences
/// beside it nor the number of micro-batches or processes that share a step changes a draw.
public struct RandomSource: Sendable, Equatable {
  /// The user's choice; two sources with one seed and stream are the same source.
  public let seed: UInt64
  /// The next stream that `Context` hands to an operation.
  public internal(set) var stream: UInt64

  /// The row of the global batch that the first sequence of the pass is.
  public let firstRow: Int

  /// A source that starts at the given stream; training gives each step a range of streams of its own.
  public init(seed: UInt64, stream: UInt64 = 0, firstRow: Int = 0) {
    self.seed = seed
    self.stream = stream
    self.firstRow = firstRow
  }

  /// The source of a micro-batch of a training step (counted from 0): 65,536 streams a step, one for each operation that draws.
  public static func training(seed: UInt64, step: Int, firstRow: Int) -> RandomSource {
    RandomSource(seed: seed, stream: UInt64(truncatingIfNeeded: step) << 16, firstRow: firstRow)
  }

  /// 64 well-mixed bits for one index (the finaliser of SplitMix64, Steele and others 2014).
  public func bits(at index: UInt64) -> UInt64 {
    var z = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15) ^ Self.mix(stream &+ 0xD1B5_4A32_D192_ED03)
    z = z &+ (index &+ 1) &* 0x9E37_79B9_7F4A_7C15
    return Self.mix(z)
  }

  /// A value in 0 ..< 1 for one index.
  public func uniform(at index: UInt64) -> Double { Double(bits(at: index) >> 11) * 0x1p-53 }

  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension Tensor {
  /// Independent draws from N(0, standardDeviation²) by the Box–Muller transform; a function of the source alone.
  public static func normal(shape: Shape, standardDeviation: Float, random: RandomSource) -> Tensor {
    var values = [Float](repeating: 0, count: shape.count)
    for index in stride(from: 0, to: values.count, by: 2) {
      // 1 − u lies in (0, 1], where the logarithm is finite.
      let radius = (-2 * Foundation.log(1 - random.uniform(at: UInt64(index)))).squareRoot()
      let angle = 2 * Double.pi * random.uniform(at: UInt64(index + 1))
      values[index] = Float(radius * cos(angle)) * standardDeviation
      if index + 1 < values.count { values[index + 1] = Float(radius * sin(angle)) * standardDeviation }
    }
    return Tensor(values, shape: shape)
  }

  /// Independent draws from the interval −bound ..< bound; a function of the source alone.
  public static func uniform(shape: Shape, bound: Float, random: RandomSource) -> Tensor {
    let values = (0..<shape.count).map { Float(random.uniform(at: UInt64($0)) * 2 - 1) * bound }
    return Tensor(values, shape: shape)
  }
}
