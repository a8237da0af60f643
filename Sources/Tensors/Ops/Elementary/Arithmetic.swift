import CKernels
import Kernels

/// Arithmetic, element by element, under NumPy's broadcasting rules; the tape is that of the operands.
extension Tensor {
  /// The sum a + b; shapes broadcast. da = dy, db = dy.
  public static func + (a: Tensor, b: Tensor) -> Tensor {
    binary(a, b, kernel: ps_add, scalar: { $0 + $1 }, derivative: { _, _, g in (g, g) })
  }

  /// The difference a − b; shapes broadcast. da = dy, db = −dy.
  public static func - (a: Tensor, b: Tensor) -> Tensor {
    binary(a, b, kernel: ps_subtract, scalar: { $0 - $1 }, derivative: { _, _, g in (g, -g) })
  }

  /// The product a · b of elements; shapes broadcast. da = dy b, db = dy a.
  public static func * (a: Tensor, b: Tensor) -> Tensor {
    binary(a, b, kernel: ps_multiply, scalar: { $0 * $1 }, derivative: { x, y, g in (g * y, g * x) })
  }

  /// The quotient a / b of elements; shapes broadcast. da = dy / b, db = −dy a / b².
  public static func / (a: Tensor, b: Tensor) -> Tensor {
    binary(a, b, kernel: ps_divide, scalar: { $0 / $1 }, derivative: { x, y, g in (g / y, -g * x / (y * y)) })
  }

  /// The sum x + s. dx = dy.
  public static func + (x: Tensor, s: Float) -> Tensor { affine(x, factor: 1, shift: s) }

  /// The sum s + x. dx = dy.
  public static func + (s: Float, x: Tensor) -> Tensor { affine(x, factor: 1, shift: s) }

  /// The difference x − s. dx = dy.
  public static func - (x: Tensor, s: Float) -> Tensor { affine(x, factor: 1, shift: -s) }

  /// The difference s − x. dx = −dy.
  public static func - (s: Float, x: Tensor) -> Tensor { affine(x, factor: -1, shift: s) }

  /// The negative −x. dx = −dy.
  public static prefix func - (x: Tensor) -> Tensor { affine(x, factor: -1, shift: 0) }

  /// The product x · s. dx = s dy.
  public static func * (x: Tensor, s: Float) -> Tensor { affine(x, factor: s, shift: 0) }

  /// The product s · x. dx = s dy.
  public static func * (s: Float, x: Tensor) -> Tensor { affine(x, factor: s, shift: 0) }

  /// The quotient x / s, computed as x · (1 / s). dx = dy / s.
  public static func / (x: Tensor, s: Float) -> Tensor { affine(x, factor: 1 / s, shift: 0) }
}

/// factor · x + shift, which a scalar operand comes to; one of factor and shift is trivial, so that nothing is rounded twice.
private func affine(_ x: Tensor, factor: Float, shift: Float) -> Tensor {
  let y = Storage(uninitialized: x.count)
  RowBlocks.elements(x.count) { offset, count in
    if shift == 0 {
      ps_scale(x.pointer + offset, factor, y.pointer + offset, count)
    } else {
      ps_affine(x.pointer + offset, factor, shift, y.pointer + offset, count)
    }
  }
  let result = Tensor.result(y, x.shape, from: x)
  if let tape = result.tape {
    tape.record(result) { gradient in
      x.slot?.contribute { target, isFirst in
        RowBlocks.elements(x.count) { offset, count in
          if isFirst {
            ps_scale(gradient.pointer + offset, factor, target + offset, count)
          } else {
            ps_axpy(factor, gradient.pointer + offset, target + offset, count)
          }
        }
      }
    }
  }
  return result
}

/// One element-wise operation of two operands: a kernel for equal shapes, an index walk for broadcasts.
private func binary(
  _ a: Tensor, _ b: Tensor,
  kernel: (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64) -> Void,
  scalar: (Float, Float) -> Float,
  derivative: @escaping (_ a: Float, _ b: Float, _ gradient: Float) -> (Float, Float)
) -> Tensor {
  let walk = Broadcast(a.shape, b.shape)
  let y = Storage(uninitialized: walk.shape.count)
  if a.shape == b.shape {
    RowBlocks.elements(a.count) { kernel(a.pointer + $0, b.pointer + $0, y.pointer + $0, $1) }
  } else {
    walk.forEach { index, i, j in y.pointer[index] = scalar(a.pointer[i], b.pointer[j]) }
  }
  let result = Tensor.result(y, walk.shape, from: a, b)
  if let tape = result.tape {
    tape.record(result) { gradient in
      a.slot?.accumulate { target in
        walk.forEach { index, i, j in
          target[i] += derivative(a.pointer[i], b.pointer[j], gradient.pointer[index]).0
        }
      }
      b.slot?.accumulate { target in
        walk.forEach { index, i, j in
          target[j] += derivative(a.pointer[i], b.pointer[j], gradient.pointer[index]).1
        }
      }
    }
  }
  return result
}
