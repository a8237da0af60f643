import CKernels
import Kernels

extension Tensor {
  /// Computes LayerNorm(residual + dropout(x)) in one pass over each row (Ba, Kiros and Hinton 2016).
  ///
  /// With z = residual + dropout(x): y = (z − mean z) / √(var z + ε) · gamma + beta, the biased variance as in PyTorch.
  ///
  /// - Parameters:
  ///   - residual: What is added to them, the same shape; nil adds nothing.
  ///   - gamma: The scale, [features].
  ///   - beta: The shift, [features].
  ///   - epsilon: The number under the root.
  ///   - dropout: The probability of dropping an element of x, 0 ..< 1; only in training.
  ///   - starts: Where the rows of each sequence begin, and their number, [sequences + 1], by which dropout draws; nil takes x
  ///     as one sequence.
  ///   - context: The pass this is part of.
  /// - Returns: The normalised rows, [..., features].
  public func layerNorm(
    residual: Tensor? = nil, gamma: Tensor, beta: Tensor, epsilon: Float, dropout: Float = 0,
    starts: [Int32]? = nil, in context: Context
  ) -> Tensor {
    let x = self
    let (rows, columns) = (x.shape.rowCount, x.shape.lastDimension)
    precondition(
      residual == nil || residual?.shape == x.shape, "The residual must have the shape of x, \(x.shape).")
    precondition(
      gamma.count == columns && beta.count == columns, "LayerNorm's gamma and beta need \(columns) values.")
    let mask = context.nextDropout(dropout, starts: starts)
    let tape = Tensor.tape(of: [x, gamma, beta, residual])
    let y = Storage(uninitialized: rows * columns)
    let normalized = tape != nil ? Storage(uninitialized: rows * columns) : nil
    let inverseDeviation = tape != nil ? Storage(uninitialized: rows) : nil

    RowBlocks.rows(rows, columns: columns, as: .normalization) { range in
      mask.forEachRun(of: range, columns: columns) { range, counter in
        let start = range.lowerBound * columns
        ps_residual_layer_norm(
          x.pointer + start, residual.map { $0.pointer + start }, gamma.pointer, beta.pointer,
          y.pointer + start, normalized.map { $0.pointer + start },
          inverseDeviation.map { $0.pointer + range.lowerBound }, Int64(range.count), Int64(columns), epsilon,
          mask.seed, mask.stream, counter, mask.probability)
      }
    }

    let result = Tensor.result(y, x.shape, on: tape)
    if let tape, let normalized, let inverseDeviation {
      // The slots alone, since backward needs neither x nor the residual: their buffers are free for the next layer.
      let (xSlot, residualSlot) = (x.slot, residual?.slot)
      tape.record(result) { gradient in
        // gamma's and beta's partial sums side by side in one buffer: the reduction adds both at once.
        let sums = Storage.filled(0, count: 2 * columns)
        let run = {
          (dx: UnsafeMutablePointer<Float>?, addX: Bool, dr: UnsafeMutablePointer<Float>?, addR: Bool) in
          RowBlocks.reducingRows(
            rows, columns: columns, partialCount: 2 * columns, as: .normalization, into: sums.pointer
          ) {
            range, partial in
            mask.forEachRun(of: range, columns: columns) { range, counter in
              let start = range.lowerBound * columns
              ps_residual_layer_norm_backward(
                gradient.pointer + start, normalized.pointer + start,
                inverseDeviation.pointer + range.lowerBound, gamma.pointer, dx.map { $0 + start },
                addX ? 1 : 0,
                dr.map { $0 + start }, addR ? 1 : 0, partial, partial + columns, Int64(range.count),
                Int64(columns), mask.seed, mask.stream, counter, mask.probability)
            }
          }
        }
        withContributions(xSlot, residualSlot, run)
        gamma.slot?.accumulate { ps_add($0, sums.pointer, $0, Int64(columns)) }
        beta.slot?.accumulate { ps_add($0, sums.pointer + columns, $0, Int64(columns)) }
      }
    }
    return result
  }
}

/// Opens both slots (either may be missing) for one kernel that writes two gradients.
private func withContributions(
  _ first: GradientSlot?, _ second: GradientSlot?,
  _ body: (UnsafeMutablePointer<Float>?, Bool, UnsafeMutablePointer<Float>?, Bool) -> Void
) {
  switch (first, second) {
  case (nil, nil): body(nil, false, nil, false)
  case (let first?, nil): first.contribute { body($0, !$1, nil, false) }
  case (nil, let second?): second.contribute { body(nil, false, $0, !$1) }
  case (let first?, let second?) where first === second:
    // One tensor on both sides: its second contribution goes through a buffer of its own.
    let other = Storage(uninitialized: second.count)
    first.contribute { body($0, !$1, other.pointer, false) }
    second.add(other)
  case (let first?, let second?):
    first.contribute { dx, isFirstX in second.contribute { body(dx, !isFirstX, $0, !$1) } }
  }
}
