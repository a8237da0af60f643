import Kernels
import ModelFormats
import Tensors

/// LAMB: Adam with each parameter's update scaled to the norm of its weights (You and others 2020, algorithm 2).
///
/// m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; r = m̂ / (√v̂ + ε) + λ w; w ← w − η ‖w‖ / ‖r‖ · r, where the ratio of the
/// norms is 1 if either is 0. Biases and normalisation weights, whose group turns decay off, take λ = 0 and a ratio of 1,
/// as `lamb_optimizer.py` of google-research/albert excludes them. m̂ and v̂ are corrected for their bias, as in the paper
/// and NVIDIA's `FusedLAMB`; `optim_args` `bias_correction=false` takes m and v themselves, as google-research/albert does.
/// Both of these use ε = 1e-6.
struct LAMB: UpdateRule {
  static let name = "lamb"
  let beta1: Float
  let beta2: Float
  let epsilon: Float
  let correctsBias: Bool

  init(beta1: Double, beta2: Double, epsilon: Double, correctsBias: Bool) {
    (self.beta1, self.beta2, self.epsilon) = (Float(beta1), Float(beta2), Float(epsilon))
    self.correctsBias = correctsBias
  }

  init(_ constants: OptimizerConstants, arguments: inout FieldReader) {
    self.init(
      beta1: constants.beta1, beta2: constants.beta2, epsilon: constants.epsilon,
      correctsBias: arguments.truth("bias_correction") ?? true)
  }

  var stateNames: [String] { ["exp_avg", "exp_avg_sq"] }

  func update(_ chunks: [UpdateChunk], factor: Double, gradientScale: Float) {
    var squares = [(weights: Double, update: Double)](repeating: (0, 0), count: chunks.count)
    Parallel.fill(&squares) { index in
      WorkProfile.time(.optimizer) {
        let chunk = chunks[index]
        remember(chunk.part(of: chunk.gradient) * gradientScale, in: chunk)
        if chunk.isExempt { return (0, 0) }
        return (
          Reductions.sumOfSquares(chunk.values, chunk.range),
          Reductions.sumOfSquares(direction(of: chunk).storage)
        )
      }
    }
    // Summed in the order of the chunks, so that the ratios do not depend on the number of threads.
    var sums: [Int: (weights: Double, update: Double)] = [:]
    for (chunk, square) in zip(chunks, squares) {
      let sum = sums[chunk.parameter] ?? (0, 0)
      sums[chunk.parameter] = (sum.weights + square.weights, sum.update + square.update)
    }
    let ratios = sums.mapValues { sum in
      sum.weights > 0 && sum.update > 0 ? (sum.weights / sum.update).squareRoot() : 1
    }
    chunks.updateEach { chunk in
      let rate = Float(chunk.learningRate * factor * (ratios[chunk.parameter] ?? 1))
      let weights = chunk.part(of: chunk.values)
      weights.storage.assign((weights - rate * direction(of: chunk)).storage)
    }
  }

  /// Takes a gradient into the averages of a chunk.
  private func remember(_ gradient: Tensor, in chunk: UpdateChunk) {
    let (mean, square) = (chunk.part(of: chunk.averages[0]), chunk.part(of: chunk.averages[1]))
    mean.storage.assign((mean + (1 - beta1) * (gradient - mean)).storage)
    square.storage.assign((beta2 * square + (1 - beta2) * (gradient * gradient)).storage)
  }

  /// r = m̂ / (√v̂ + ε) + λ w of a chunk.
  private func direction(of chunk: UpdateChunk) -> Tensor {
    let bias1 = correctsBias ? Float(1 - power(Double(beta1), chunk.steps)) : 1
    let bias2 = correctsBias ? Float(1 - power(Double(beta2), chunk.steps)) : 1
    let mean = chunk.part(of: chunk.averages[0]) / bias1
    let root = (chunk.part(of: chunk.averages[1]) / bias2).sqrt()
    let update = mean / (root + epsilon)
    return chunk.weightDecay == 0
      ? update : update + Float(chunk.weightDecay) * chunk.part(of: chunk.values)
  }
}

extension UpdateChunk {
  /// The chunk's values of a storage of the whole parameter, sharing its memory.
  fileprivate func part(of storage: Storage) -> Tensor {
    Tensor(storage: storage.slice(range.lowerBound, range.count), shape: [range.count])
  }
}

extension OptimizerName {
  /// `OptimizerConfig.lamb`.
  public static let lamb = OptimizerName(LAMB.self)
}

extension OptimizerConfig {
  /// Adam with each parameter's update scaled to the norm of its weights (You and others 2020).
  ///
  /// - Parameter correctsBias: Whether the averages are corrected for their bias, as in the paper.
  public static func lamb(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-6, correctsBias: Bool = true
  ) -> OptimizerConfig {
    OptimizerConfig(LAMB(beta1: beta1, beta2: beta2, epsilon: epsilon, correctsBias: correctsBias))
  }
}
