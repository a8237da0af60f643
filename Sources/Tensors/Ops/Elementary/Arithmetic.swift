import CKernels
import Kernels

/// Computes a + b with broadcasting.
///
/// - Parameters:
///   - a: Any shape.
///   - b: A shape that broadcasts with a's by NumPy's rules.
///   - context: The pass this is part of.
public func add(_ a: Tensor, _ b: Tensor, in context: Context) -> Tensor {
  binary(a, b, in: context, kernel: ps_add, scalar: { $0 + $1 }, derivative: { _, _, g in (g, g) })
}

/// Computes a − b with broadcasting.
///
/// - Parameters:
///   - a: Any shape.
///   - b: A shape that broadcasts with a's by NumPy's rules.
///   - context: The pass this is part of.
public func subtract(_ a: Tensor, _ b: Tensor, in context: Context) -> Tensor {
  binary(a, b, in: context, kernel: ps_subtract, scalar: { $0 - $1 }, derivative: { _, _, g in (g, -g) })
}

/// Computes a · b element by element with broadcasting.
///
/// - Parameters:
///   - a: Any shape.
///   - b: A shape that broadcasts with a's by NumPy's rules.
///   - context: The pass this is part of.
public func multiply(_ a: Tensor, _ b: Tensor, in context: Context) -> Tensor {
  binary(
    a, b, in: context, kernel: ps_multiply, scalar: { $0 * $1 }, derivative: { x, y, g in (g * y, g * x) })
}

/// Computes a / b element by element with broadcasting.
///
/// - Parameters:
///   - a: Any shape.
///   - b: A shape that broadcasts with a's by NumPy's rules.
///   - context: The pass this is part of.
public func divide(_ a: Tensor, _ b: Tensor, in context: Context) -> Tensor {
  binary(
    a, b, in: context, kernel: ps_divide, scalar: { $0 / $1 },
    derivative: { x, y, g in (g / y, -g * x / (y * y)) })
}

/// Computes factor · x.
///
/// - Parameters:
///   - x: Any shape.
///   - factor: A constant.
///   - context: The pass this is part of.
public func scale(_ x: Tensor, by factor: Float, in context: Context) -> Tensor {
  let y = Storage(uninitialized: x.count)
  RowBlocks.elements(x.count) { ps_scale(x.pointer + $0, factor, y.pointer + $0, $1) }
  let result = context.result(y, x.shape, from: [x])
  if let slot = result.slot {
    context.tape?.record(slot) { gradient in
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
  _ a: Tensor, _ b: Tensor, in context: Context,
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
  let result = context.result(y, walk.shape, from: [a, b])
  if let slot = result.slot {
    context.tape?.record(slot) { gradient in
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
