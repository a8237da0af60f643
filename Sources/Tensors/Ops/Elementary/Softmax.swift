import CKernels
import Kernels

extension Tensor {
  /// Computes softmax over the last axis.
  ///
  /// dx = y (dy − Σ y dy).
  public func softmax() -> Tensor {
    let x = self
    let (rows, columns) = (x.shape.rowCount, x.shape.lastDimension)
    let y = Storage(uninitialized: x.count)
    RowBlocks.rows(rows, columns: columns) { range in
      let (start, c) = (range.lowerBound * columns, Int64(columns))
      ps_softmax(x.pointer + start, y.pointer + start, Int64(range.count), c, c, c, 1)
    }
    let result = Tensor.result(y, x.shape, from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        RowBlocks.rows(rows, columns: columns) { range in
          let (start, c) = (range.lowerBound * columns, Int64(columns))
          let dy = gradient.pointer + start
          ps_softmax_backward(y.pointer + start, dy, dy, Int64(range.count), c, c, c, c, 1)
        }
        x.slot?.add(gradient)
      }
    }
    return result
  }
}

extension Tensor {
  /// Computes log softmax over the last axis.
  ///
  /// dx = dy − softmax(x) Σ dy.
  public func logSoftmax() -> Tensor {
    let x = self
    let (rows, columns) = (x.shape.rowCount, x.shape.lastDimension)
    let y = Storage(uninitialized: x.count)
    RowBlocks.rows(rows, columns: columns) { range in
      let start = range.lowerBound * columns
      ps_log_softmax(x.pointer + start, y.pointer + start, Int64(range.count), Int64(columns), 1)
    }
    let result = Tensor.result(y, x.shape, from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let probabilities = Storage(uninitialized: x.count)
        RowBlocks.rows(rows, columns: columns) { range in
          let (first, length) = (range.lowerBound * columns, Int64(range.count * columns))
          ps_exp(y.pointer + first, probabilities.pointer + first, length)
          for row in range {
            let (dy, p) = (gradient.pointer + row * columns, probabilities.pointer + row * columns)
            ps_axpy(-Float(ps_sum(dy, Int64(columns))), p, dy, Int64(columns))
          }
        }
        x.slot?.add(gradient)
      }
    }
    return result
  }
}
