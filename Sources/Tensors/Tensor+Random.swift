import Foundation

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
