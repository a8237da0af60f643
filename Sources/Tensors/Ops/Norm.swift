import Kernels

extension Tensor {
  /// The rows LayerNorm(residual + dropout(x)), computed in one pass over each row (Ba, Kiros and Hinton 2016).
  ///
  /// With z = residual + dropout(x), r = 1 / √(var z + ε) and n = (z − mean z) r: y = n gamma + beta, the biased variance as
  /// in PyTorch. Backward: with g = dy gamma, dz = r (g − mean g − n mean(g n)); dresidual = dz, dx = dz through the dropout
  /// mask, dgamma = Σ rows of dy n, dbeta = Σ rows of dy.
  ///
  /// - Parameters:
  ///   - residual: What is added to the rows x, the same shape; nil adds nothing.
  ///   - gamma: The scale, [features].
  ///   - beta: The shift, [features].
  ///   - epsilon: The number under the root.
  ///   - dropout: The probability of dropping an element of x, 0 ..< 1; only in training.
  ///   - starts: Where the rows of each sequence begin, and their number, [sequences + 1], by which dropout draws; nil takes x
  ///     as one sequence.
  ///   - kept: The features that count, ascending: mean and variance are taken over them alone, and y is zero at the others;
  ///     nil counts all.
  ///   - context: The pass that dropout draws its bits for.
  /// - Returns: The normalised rows, [..., features].
  public func layerNorm(
    residual: Tensor? = nil, gamma: Tensor, beta: Tensor, epsilon: Float, dropout: Float = 0,
    starts: [Int32]? = nil, kept: [Int32]? = nil, in context: Context
  ) -> Tensor {
    let (rows, columns) = (shape.rowCount, shape.lastDimension)
    if let kept {
      return self.columns(at: kept).layerNorm(
        residual: residual?.columns(at: kept), gamma: gamma.columns(at: kept), beta: beta.columns(at: kept),
        epsilon: epsilon, dropout: dropout, starts: starts, in: context
      ).spread(to: kept, of: columns)
    }
    precondition(
      residual == nil || residual?.shape == shape, "The residual must have the shape of x, \(shape).")
    precondition(
      gamma.count == columns && beta.count == columns, "LayerNorm's gamma and beta need \(columns) values.")
    let tape = Tensor.tape(of: [self, gamma, beta, residual])
    let kernel = LayerNormKernel(
      rows: rows, columns: columns, epsilon: epsilon, mask: context.nextDropout(dropout, starts: starts))
    let y = Storage(uninitialized: rows * columns)
    let saved = kernel.forward(
      storage, residual: residual?.storage, gamma: gamma.storage, beta: beta.storage, into: y,
      saving: tape != nil)
    let result = Tensor.result(y, shape, on: tape)
    if let tape, let saved {
      // The slots alone, since backward needs neither x nor the residual: their buffers are free for the next layer.
      let slots = [slot, residual?.slot]
      tape.record(result) { dy in
        var sums: Storage?
        GradientSlot.contribute(to: slots) { targets in
          sums = kernel.backward(
            dy: dy, saved, gamma: gamma.storage, dx: targets[0], dresidual: targets[1])
        }
        guard let sums else { return }
        gamma.slot?.accumulate { Elementwise.add(sums.slice(0, columns), to: $0) }
        beta.slot?.accumulate { Elementwise.add(sums.slice(columns, columns), to: $0) }
      }
    }
    return result
  }
}
