import CKernels
import Kernels

extension Tensor {
  /// Computes f(x) element by element.
  ///
  /// - Parameters:
  ///   - x: Any shape.
  ///   - activation: The function f.
  public func applying(_ activation: Activation) -> Tensor {
    unary(
      self, forward: { ps_activation(activation.kernelCode, $0, $1, $2) },
      backward: { x, _, dy, dx, count in ps_activation_backward(activation.kernelCode, x, dy, dx, count) })
  }
}

extension Tensor {
  /// Computes eˣ element by element.
  ///
  /// - Parameters:
  ///   - x: Any shape.
  public func exp() -> Tensor {
    unary(self, forward: ps_exp, backward: { _, y, dy, dx, count in ps_multiply(y, dy, dx, count) })
  }
}

extension Tensor {
  /// Computes the natural logarithm element by element.
  ///
  /// - Parameters:
  ///   - x: Any shape; positive values.
  public func log() -> Tensor {
    unary(self, forward: ps_log, backward: { x, _, dy, dx, count in ps_divide(dy, x, dx, count) })
  }
}

extension Tensor {
  /// Computes the square root element by element; d√x = 1 / (2 √x).
  ///
  /// - Parameters:
  ///   - x: Any shape; values of at least 0.
  public func sqrt() -> Tensor {
    unary(
      self, forward: ps_sqrt,
      backward: { _, y, dy, dx, count in
        ps_divide(dy, y, dx, count)
        ps_scale(dx, 0.5, dx, count)
      })
  }
}

extension Tensor {
  /// Drops elements with a probability and scales the rest by 1 / (1 − probability), in training only.
  ///
  /// Whether an element is kept depends on the seed, the operation's place in the pass, the row of the global batch that its
  /// sequence is, and its place inside the sequence alone.
  ///
  /// - Parameters:
  ///   - probability: The probability of dropping an element, 0 ..< 1.
  ///   - starts: Where the rows of each sequence begin, and their number, [sequences + 1]; nil takes x as one sequence.
  ///   - context: The pass this is part of.
  public func dropout(probability: Float, starts: [Int32]? = nil, in context: Context) -> Tensor {
    let x = self
    let mask = context.nextDropout(probability, starts: starts)
    guard mask.probability > 0 else { return x }
    let y = Storage(uninitialized: x.count)
    let apply = { (from: UnsafeMutablePointer<Float>, to: UnsafeMutablePointer<Float>) in
      let columns = x.shape.lastDimension
      RowBlocks.rows(x.shape.rowCount, columns: columns) { rows in
        mask.forEachRun(of: rows, columns: columns) { rows, counter in
          let offset = rows.lowerBound * columns
          ps_dropout(
            from + offset, to + offset, Int64(rows.count * columns), mask.seed, mask.stream, counter,
            mask.probability)
        }
      }
    }
    apply(x.pointer, y.pointer)
    let result = Tensor.result(y, x.shape, from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        apply(gradient.pointer, gradient.pointer)
        x.slot?.add(gradient)
      }
    }
    return result
  }
}

private func unary(
  _ x: Tensor,
  forward: (UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64) -> Void,
  backward:
    @escaping (
      _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
      _ dx: UnsafeMutablePointer<Float>, _ count: Int64
    ) -> Void
) -> Tensor {
  let y = Storage(uninitialized: x.count)
  RowBlocks.elements(x.count) { forward(x.pointer + $0, y.pointer + $0, $1) }
  let result = Tensor.result(y, x.shape, from: x)
  if let tape = result.tape {
    tape.record(result) { gradient in
      // The output's gradient is ours once its slot has been released: it becomes the input's contribution in place.
      RowBlocks.elements(x.count) { offset, count in
        backward(
          x.pointer + offset, y.pointer + offset, gradient.pointer + offset, gradient.pointer + offset, count)
      }
      x.slot?.add(gradient)
    }
  }
  return result
}
