import Foundation
import Kernels
import ModelFormats
import Tensors

/// Adafactor: Adam without a mean of gradients, whose mean squares are kept for the rows and columns of matrices alone
/// (Shazeer and Stern 2018; `Adafactor` of `transformers` with `relative_step=False`).
///
/// Its state is as large as a few rows, where AdamW's is twice the model. As in `transformers`' training, the rate is the run's;
/// `optim_args` has `scale_parameter=true`, by which each parameter's is multiplied by the root mean square of its weights,
/// `clip_threshold`, `decay_rate` and `beta1`, which keeps a mean of updates after all.
struct Adafactor: UpdateRule {
  static let name = "adafactor"
  var beta1: Double?
  var clippingThreshold = 1.0
  var decayRate = -0.8
  var scalesByWeights = false

  /// Added to squares, and the least root mean square of weights.
  private static let epsilon = (squares: 1e-30, weights: 1e-3)

  init(beta1: Double?, clippingThreshold: Double, decayRate: Double, scalesByWeights: Bool) {
    (self.beta1, self.clippingThreshold) = (beta1, clippingThreshold)
    (self.decayRate, self.scalesByWeights) = (decayRate, scalesByWeights)
  }

  init(_ constants: OptimizerConstants, arguments: inout FieldReader) {
    self.init(
      beta1: arguments.number("beta1", in: 0...0.999_999),
      clippingThreshold: arguments.number("clip_threshold", in: 1e-6...1e6) ?? 1,
      decayRate: arguments.number("decay_rate", in: -1...(-0.01)) ?? -0.8,
      scalesByWeights: arguments.truth("scale_parameter") ?? false)
  }

  var stateNames: [String] { beta1 == nil ? [] : ["exp_avg"] }

  func states(of shape: Shape) -> [(name: String, shape: Shape)] {
    let sides = shape.dimensions
    let squares: [(name: String, shape: Shape)] =
      sides.count < 2
      ? [("exp_avg_sq", shape)]
      : [
        ("exp_avg_sq_row", Shape(sides.dropLast())),
        ("exp_avg_sq_col", Shape(sides.dropLast(2) + sides.suffix(1))),
      ]
    return squares + stateNames.map { ($0, shape) }
  }

  func update(_ chunks: [UpdateChunk], factor: Double, gradientScale: Float) {
    var last: Int?
    for chunk in chunks where chunk.parameter != last {
      last = chunk.parameter
      WorkProfile.time(.optimizer) { update(chunk, factor: factor, gradientScale: gradientScale) }
    }
  }

  /// Updates the whole parameter of a chunk.
  private func update(_ chunk: UpdateChunk, factor: Double, gradientScale: Float) {
    let sides = chunk.shape.dimensions
    let isMatrix = sides.count > 1
    let columns = sides.last ?? 1
    let rows = isMatrix ? sides[sides.count - 2] : 1
    var rate = chunk.learningRate * factor
    if scalesByWeights {
      let square = Reductions.sumOfSquares(chunk.values) / Double(chunk.shape.count)
      rate *= max(Self.epsilon.weights, square.squareRoot())
    }
    AdafactorKernel(
      learningRate: rate, squaresKept: 1 - pow(Double(chunk.steps), decayRate), epsilon: Self.epsilon.squares,
      clippingThreshold: clippingThreshold, beta1: Float(beta1 ?? 0),
      kept: Float(1 - rate * chunk.weightDecay), gradientScale: gradientScale
    ).update(
      chunk.values, gradient: chunk.gradient, matrices: chunk.shape.count / max(1, rows * columns),
      rows: rows, columns: columns, rowSquares: isMatrix ? chunk.averages[0] : nil,
      columnSquares: chunk.averages[isMatrix ? 1 : 0], mean: beta1 == nil ? nil : chunk.averages.last)
  }
}

extension OptimizerName {
  /// `OptimizerConfig.adafactor`.
  public static let adafactor = OptimizerName(Adafactor.self)
}

extension OptimizerConfig {
  /// Adafactor with the run's learning rate (Shazeer and Stern 2018; `transformers.Adafactor` with `relative_step=False`).
  ///
  /// - Parameters:
  ///   - beta1: The decay of a running mean of updates; nil keeps none.
  ///   - clippingThreshold: The root mean square that updates are scaled down to.
  ///   - decayRate: The exponent of the steps in the decay of mean squares, 1 − stepsᵈ, below 0.
  ///   - scalesByWeights: Whether the rate is multiplied by the root mean square of a parameter's weights (`scale_parameter`).
  public static func adafactor(
    beta1: Double? = nil, clippingThreshold: Double = 1, decayRate: Double = -0.8,
    scalesByWeights: Bool = false
  ) -> OptimizerConfig {
    OptimizerConfig(
      Adafactor(
        beta1: beta1, clippingThreshold: clippingThreshold, decayRate: decayRate,
        scalesByWeights: scalesByWeights))
  }
}
