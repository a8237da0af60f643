import CKernels

/// A convolution over the rows of packed sequences, each between rows of zeros.
///
/// With the filters W [filters, inputs, k]: y[t] = b + Σ_j W[:, :, j] x[t + j − (k − 1)/2].
package struct ConvolutionKernel {
  private let weight: Storage
  private let filters: Int
  private let inputs: Int
  private let width: Int
  private let starts: [Int32]
  private let windows: Windows

  /// A kernel for filters [filters, inputs, width].
  package init(weight: Storage, filters: Int, inputs: Int, width: Int, starts: [Int32]) {
    (self.weight, self.filters, self.inputs, self.width, self.starts) = (
      weight, filters, inputs, width, starts
    )
    windows = Windows(starts: starts, before: (width - 1) / 2, after: width / 2)
  }

  /// Computes the result, and the rows with the zeros between them, which backward needs.
  package func forward(_ x: Storage, bias: Storage) -> (y: Storage, padded: Storage) {
    let padded = windows.spread(x, columns: inputs)
    let y = windows.product(padded, columns: inputs, matrix: filterRows(), outputs: filters)
    RowBlocks.rows(y.count / max(1, filters), columns: filters) { range in
      let rows = y.pointer + range.lowerBound * filters
      ps_bias_activation(
        ActivationKernel.identity.rawValue, rows, bias.pointer, rows, Int64(range.count), Int64(filters),
        Int64(filters), Int64(filters))
    }
    return (y, padded)
  }

  /// dW += Σ over windows of dyᵀ window.
  package func addWeightGradient(_ dy: Storage, padded: Storage, to dw: Storage) {
    let found = windows.weightGradient(dy, outputs: filters, padded, columns: inputs)
    for filter in 0..<filters {
      for input in 0..<inputs {
        for j in 0..<width {
          dw.pointer[(filter * inputs + input) * width + j] +=
            found.pointer[(filter * width + j) * inputs + input]
        }
      }
    }
  }

  /// dx, the same convolution of dy with the filters turned round: seen from x the window reaches as far to the other side.
  package func inputGradient(_ dy: Storage) -> Storage {
    let turned = Windows(starts: starts, before: width / 2, after: (width - 1) / 2)
    return turned.product(
      turned.spread(dy, columns: filters), columns: filters, matrix: turnedRows(), outputs: inputs)
  }

  /// The filters as rows that meet a window as it lies, [filters, k · inputs].
  private func filterRows() -> Storage {
    let result = Storage(uninitialized: weight.count)
    for filter in 0..<filters {
      for j in 0..<width {
        for input in 0..<inputs {
          result.pointer[(filter * width + j) * inputs + input] =
            weight.pointer[(filter * inputs + input) * width + j]
        }
      }
    }
    return result
  }

  /// The filters turned round, for the gradient of the rows, [inputs, k · filters].
  private func turnedRows() -> Storage {
    let result = Storage(uninitialized: weight.count)
    for input in 0..<inputs {
      for j in 0..<width {
        for filter in 0..<filters {
          result.pointer[(input * width + width - 1 - j) * filters + filter] =
            weight.pointer[(filter * inputs + input) * width + j]
        }
      }
    }
    return result
  }
}
