import Kernels

extension Tensor {
  /// Computes the matrix product op(a) op(b), where op may transpose.
  ///
  /// With C = A B: dA = dC Bᵀ, dB = Aᵀ dC.
  ///
  /// - Parameters:
  ///   - b: A matrix, [k, n], or [n, k] when it is transposed.
  ///   - transposeA: Whether to use aᵀ.
  ///   - transposeB: Whether to use bᵀ.
  /// - Returns: The product, [m, n].
  public func matmul(
    _ other: Tensor, transposingFirst transposeA: Bool = false, transposingSecond transposeB: Bool = false
  ) -> Tensor {
    let b = other
    let a = self
    precondition(
      a.shape.rank == 2 && b.shape.rank == 2, "matmul needs two matrices, found \(a.shape) and \(b.shape).")
    let (m, k) = transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
    let (n, inner) = transposeB ? (b.shape[0], b.shape[1]) : (b.shape[1], b.shape[0])
    precondition(
      k == inner,
      "matmul cannot multiply \(a.shape) by \(b.shape) (transposed: \(transposeA), \(transposeB)).")
    let left = MatrixOperand(pointer: a.pointer, stride: a.shape[1], isTransposed: transposeA)
    let right = MatrixOperand(pointer: b.pointer, stride: b.shape[1], isTransposed: transposeB)
    let c = Storage(uninitialized: m * n)
    multiply(left, right, m: m, n: n, k: k, into: c.pointer, isFirst: true)
    let result = Tensor.result(c, [m, n], from: a, b)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let dc = MatrixOperand(pointer: gradient.pointer, stride: n, isTransposed: false)
        a.slot?.contribute { target, isFirst in
          // A stored transposed wants op(B) dCᵀ, the transpose of dC op(B)ᵀ.
          if transposeA {
            multiply(right, dc.transposed, m: k, n: m, k: n, into: target, isFirst: isFirst)
          } else {
            multiply(dc, right.transposed, m: m, n: k, k: n, into: target, isFirst: isFirst)
          }
        }
        b.slot?.contribute { target, isFirst in
          if transposeB {
            multiply(dc.transposed, left, m: n, n: k, k: m, into: target, isFirst: isFirst)
          } else {
            multiply(left.transposed, dc, m: k, n: n, k: m, into: target, isFirst: isFirst)
          }
        }
      }
    }
    return result
  }
}

/// A matrix as stored, and whether a product takes its transpose.
private struct MatrixOperand {
  let pointer: UnsafeMutablePointer<Float>
  let stride: Int
  let isTransposed: Bool

  var transposed: MatrixOperand {
    MatrixOperand(pointer: pointer, stride: stride, isTransposed: !isTransposed)
  }
}

/// c[m, n] = op(a)[m, k] op(b)[k, n], added to what `c` holds unless `isFirst`; workers take rows of the product.
private func multiply(
  _ a: MatrixOperand, _ b: MatrixOperand, m: Int, n: Int, k: Int, into c: UnsafeMutablePointer<Float>,
  isFirst: Bool
) {
  Parallel.forEach(m, grain: max(16, RowBlocks.worthwhile / max(1, n * k))) { rows in
    // In a transposed operand the rows of the product are columns.
    let first = a.pointer + rows.lowerBound * (a.isTransposed ? 1 : a.stride)
    WorkProfile.time(.matrixProducts) {
      gemm(
        transposeA: a.isTransposed, transposeB: b.isTransposed, m: rows.count, n: n, k: k, a: first,
        lda: a.stride, b: b.pointer, ldb: b.stride, beta: isFirst ? 0 : 1, c: c + rows.lowerBound * n, ldc: n)
    }
  }
}
