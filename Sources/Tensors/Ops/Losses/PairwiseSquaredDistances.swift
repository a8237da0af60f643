import CKernels
import Kernels

extension Tensor {
  /// Computes ‖xᵢ − xⱼ‖² of all pairs of rows.
  ///
  /// With G the gradient, dxᵢ = 2 Σⱼ (Gᵢⱼ + Gⱼᵢ) (xᵢ − xⱼ).
  ///
  /// - Returns: The squares, [rows, rows].
  public func pairwiseSquaredDistances() -> Tensor {
    let x = self
    precondition(x.shape.rank == 2, "Distances need a matrix, found \(x.shape).")
    let (rows, columns) = (x.shape[0], x.shape[1])
    let width = Int64(columns)
    let y = Storage(uninitialized: rows * rows)
    // A row of memory for each row, so that workers share none.
    let differences = Storage(uninitialized: x.count)
    RowBlocks.rows(rows, columns: rows * columns, as: .loss) { range in
      for i in range {
        let difference = differences.pointer + i * columns
        for j in 0..<rows {
          ps_subtract(x.pointer + i * columns, x.pointer + j * columns, difference, width)
          y.pointer[i * rows + j] = Float(ps_sum_squares(difference, width))
        }
      }
    }
    let result = Tensor.result(y, [rows, rows], from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        x.slot?.accumulate { target in
          RowBlocks.rows(rows, columns: rows * columns, as: .loss) { range in
            for i in range {
              for j in 0..<rows where j != i {
                let factor = 2 * (gradient.pointer[i * rows + j] + gradient.pointer[j * rows + i])
                ps_axpy(factor, x.pointer + i * columns, target + i * columns, width)
                ps_axpy(-factor, x.pointer + j * columns, target + i * columns, width)
              }
            }
          }
        }
      }
    }
    return result
  }
}
