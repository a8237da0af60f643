import CKernels

/// Softmax of rows, shared among workers.
package enum SoftmaxKernel {
  /// y = softmax(x) per row.
  package static func softmax(_ x: Storage, rows: Int, columns: Int, into y: Storage) {
    RowBlocks.rows(rows, columns: columns) { range in
      let (start, c) = (range.lowerBound * columns, Int64(columns))
      ps_softmax(x.pointer + start, y.pointer + start, Int64(range.count), c, c, c, 1)
    }
  }

  /// dx = y (dy − Σ y dy) per row, in the place of dy.
  package static func softmaxGradient(_ y: Storage, replacing dy: Storage, rows: Int, columns: Int) {
    RowBlocks.rows(rows, columns: columns) { range in
      let (start, c) = (range.lowerBound * columns, Int64(columns))
      let dy = dy.pointer + start
      ps_softmax_backward(y.pointer + start, dy, dy, Int64(range.count), c, c, c, c, 1)
    }
  }

  /// y = log softmax(x) per row.
  package static func logSoftmax(
    _ x: Storage, rows: Int, columns: Int, into y: Storage, as kind: WorkKind = .elementwise
  ) {
    RowBlocks.rows(rows, columns: columns, as: kind) { range in
      let start = range.lowerBound * columns
      ps_log_softmax(x.pointer + start, y.pointer + start, Int64(range.count), Int64(columns), 1)
    }
  }

  /// dx = dy − eʸ Σ dy per row, in the place of dy.
  package static func logSoftmaxGradient(_ y: Storage, replacing dy: Storage, rows: Int, columns: Int) {
    let probabilities = Storage(uninitialized: y.count)
    RowBlocks.rows(rows, columns: columns) { range in
      let (first, length) = (range.lowerBound * columns, Int64(range.count * columns))
      ps_exp(y.pointer + first, probabilities.pointer + first, length)
      for row in range {
        let (dy, p) = (dy.pointer + row * columns, probabilities.pointer + row * columns)
        ps_axpy(-Float(ps_sum(dy, Int64(columns))), p, dy, Int64(columns))
      }
    }
  }
}
