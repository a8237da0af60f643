import Kernels

/// Computes the matrix product op(a) op(b), where op may transpose.
///
/// With C = A B: dA = dC Bᵀ, dB = Aᵀ dC.
///
/// - Parameters:
///   - a: A matrix, [m, k], or [k, m] when it is transposed.
///   - b: A matrix, [k, n], or [n, k] when it is transposed.
///   - transposeA: Whether to use aᵀ.
///   - transposeB: Whether to use bᵀ.
///   - context: The pass this is part of.
/// - Returns: The product, [m, n].
public func matmul(
  _ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false, in context: Context
) -> Tensor {
  precondition(
    a.shape.rank == 2 && b.shape.rank == 2, "matmul needs two matrices, found \(a.shape) and \(b.shape).")
  let (m, k) = transposeA ? (a.shape[1], a.shape[0]) : (a.shape[0], a.shape[1])
  let (n, inner) = transposeB ? (b.shape[0], b.shape[1]) : (b.shape[1], b.shape[0])
  precondition(
    k == inner, "matmul cannot multiply \(a.shape) by \(b.shape) (transposed: \(transposeA), \(transposeB)).")
  let (lda, ldb) = (a.shape[1], b.shape[1])
  let c = Storage(uninitialized: m * n)
  // Workers take rows of the product; in a transposed operand those are columns.
  splitRows(m, work: n * k) { rows in
    gemm(
      transposeA: transposeA, transposeB: transposeB, m: rows.count, n: n, k: k,
      a: a.pointer + rows.lowerBound * (transposeA ? 1 : lda), lda: lda, b: b.pointer, ldb: ldb,
      c: c.pointer + rows.lowerBound * n, ldc: n)
  }
  let result = context.result(c, [m, n], from: [a, b])
  if let slot = result.slot {
    context.tape?.record(slot) { gradient in
      a.slot?.contribute { target, isFirst in
        let beta: Float = isFirst ? 0 : 1
        if transposeA {
          // d(A as stored)[k, m] = op(B)[k, n] dCᵀ[n, m]
          gemm(
            transposeA: transposeB, transposeB: true, m: k, n: m, k: n, a: b.pointer, lda: ldb,
            b: gradient.pointer,
            ldb: n, beta: beta, c: target, ldc: m)
        } else {
          gemm(
            transposeB: !transposeB, m: m, n: k, k: n, a: gradient.pointer, lda: n, b: b.pointer, ldb: ldb,
            beta: beta,
            c: target, ldc: k)
        }
      }
      b.slot?.contribute { target, isFirst in
        let beta: Float = isFirst ? 0 : 1
        if transposeB {
          // d(B as stored)[n, k] = dCᵀ[n, m] op(A)[m, k]
          gemm(
            transposeA: true, transposeB: transposeA, m: n, n: k, k: m, a: gradient.pointer, lda: n,
            b: a.pointer,
            ldb: lda, beta: beta, c: target, ldc: k)
        } else {
          gemm(
            transposeA: !transposeA, m: k, n: n, k: m, a: a.pointer, lda: lda, b: gradient.pointer, ldb: n,
            beta: beta,
            c: target, ldc: n)
        }
      }
    }
  }
  return result
}

private func splitRows(_ rows: Int, work: Int, _ body: (Range<Int>) -> Void) {
  Parallel.forEach(rows, grain: max(16, RowBlocks.worthwhile / max(1, work)), body)
}
