import CKernels

/// LayerNorm of rows behind dropout and a residual, forward and backward.
///
/// z = residual + dropout(x), n = (z − mean z) · r with r = 1 / √(var z + ε), y = n gamma + beta.
package struct LayerNormKernel {
  private let rows: Int
  private let columns: Int
  private let epsilon: Float
  private let mask: DropoutMask

  /// A kernel for rows of so many columns.
  package init(rows: Int, columns: Int, epsilon: Float, mask: DropoutMask) {
    (self.rows, self.columns, self.epsilon, self.mask) = (rows, columns, epsilon, mask)
  }

  /// Values that backward needs: n, [rows, columns], and r, [rows].
  package struct Saved {
    let normalized: Storage
    let inverseDeviation: Storage
  }

  /// Computes y, and what backward needs where it will run.
  package func forward(
    _ x: Storage, residual: Storage?, gamma: Storage, beta: Storage, into y: Storage, saving: Bool
  ) -> Saved? {
    let saved =
      saving
      ? Saved(
        normalized: Storage(uninitialized: rows * columns), inverseDeviation: Storage(uninitialized: rows))
      : nil
    RowBlocks.rows(rows, columns: columns, as: .normalization) { range in
      mask.forEachRun(of: range, columns: columns) { range, counter in
        let start = range.lowerBound * columns
        ps_residual_layer_norm(
          x.pointer + start, residual.map { $0.pointer + start }, gamma.pointer, beta.pointer,
          y.pointer + start, saved.map { $0.normalized.pointer + start },
          saved.map { $0.inverseDeviation.pointer + range.lowerBound }, Int64(range.count), Int64(columns),
          epsilon, mask.seed, mask.stream, counter, mask.probability)
      }
    }
    return saved
  }

  /// A gradient to write, or to add to.
  package typealias Target = (storage: Storage, adding: Bool)

  /// With g = dy gamma: dz = r (g − mean g − n mean(g n)); dresidual = dz, dx = dz through the dropout mask.
  ///
  /// - Returns: dgamma = Σ dy n and dbeta = Σ dy over rows, side by side, [2 · columns].
  package func backward(
    dy: Storage, _ saved: Saved, gamma: Storage, dx: Target?, dresidual: Target?
  ) -> Storage {
    // gamma's and beta's partial sums side by side in one buffer: the reduction adds both at once.
    let sums = Storage.filled(0, count: 2 * columns)
    RowBlocks.reducingRows(
      rows, columns: columns, partialCount: 2 * columns, as: .normalization, into: sums.pointer
    ) { range, partial in
      mask.forEachRun(of: range, columns: columns) { range, counter in
        let start = range.lowerBound * columns
        ps_residual_layer_norm_backward(
          dy.pointer + start, saved.normalized.pointer + start,
          saved.inverseDeviation.pointer + range.lowerBound, gamma.pointer,
          dx.map { $0.storage.pointer + start }, dx?.adding == true ? 1 : 0,
          dresidual.map { $0.storage.pointer + start }, dresidual?.adding == true ? 1 : 0, partial,
          partial + columns, Int64(range.count), Int64(columns), mask.seed, mask.stream, counter,
          mask.probability)
      }
    }
    return sums
  }
}
