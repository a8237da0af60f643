import CKernels
import Kernels

extension Tensor {
  /// Convolves each packed sequence with filters over neighbouring tokens, keeping its length: `nn.Conv1d` with
  /// `padding="same"`.
  ///
  /// y[t] = b + Σ_j W[:, :, j] x[t + j − (k − 1)/2], where what lies outside the sequence is zero; for an even width k the
  /// missing rows are one more behind than before. With zeros between the sequences each place of the window is one product
  /// over all rows. Backward: dW and db as in a linear layer over the windows; dx is the same convolution of dy with the
  /// filters turned round.
  ///
  /// - Parameters:
  ///   - weight: The filters, [filters, inputs, k].
  ///   - bias: The bias, [filters].
  ///   - starts: The first row of each sequence, then the number of rows, [sequences + 1].
  /// - Returns: The result, [tokens, filters].
  public func convolution(weight: Tensor, bias: Tensor, starts: [Int32]) -> Tensor {
    let x = self
    precondition(
      weight.shape.rank == 3 && x.shape.rank == 2 && x.shape[1] == weight.shape[1]
        && bias.shape == [weight.shape[0]],
      "convolve cannot take rows \(x.shape) through filters \(weight.shape) and bias \(bias.shape).")
    precondition(
      Int(starts.last ?? 0) == x.shape[0],
      "convolve needs rows that end at \(starts.last ?? 0), found \(x.shape).")
    let (filters, inputs, width) = (weight.shape[0], weight.shape[1], weight.shape[2])
    let windows = Windows(starts: starts, before: (width - 1) / 2, after: width / 2)
    let padded = windows.spread(x.pointer, columns: inputs)
    let y = windows.product(
      padded, columns: inputs, matrix: filterRows(weight, filters: filters, inputs: inputs, width: width),
      outputs: filters)
    RowBlocks.rows(x.shape[0], columns: filters) { range in
      let rows = y.pointer + range.lowerBound * filters
      ps_bias_activation(
        Activation.identity.kernelCode, rows, bias.pointer, rows, Int64(range.count), Int64(filters),
        Int64(filters), Int64(filters))
    }
    let result = Tensor.result(y, [x.shape[0], filters], from: x, weight, bias)
    if let tape = result.tape {
      tape.record(result) { gradient in
        weight.slot?.accumulate { target in
          let found = windows.weightGradient(gradient.pointer, outputs: filters, padded, columns: inputs)
          for filter in 0..<filters {
            for input in 0..<inputs {
              for j in 0..<width {
                target[(filter * inputs + input) * width + j] +=
                  found.pointer[(filter * width + j) * inputs + input]
              }
            }
          }
        }
        bias.slot?.accumulate {
          LinearKernel(rows: x.shape[0], inputs: inputs, outputs: filters)
            .biasGradient(gradient.pointer, into: $0)
        }
        if let slot = x.slot {
          // Seen from x the window reaches as far to the other side.
          let turned = Windows(starts: starts, before: width / 2, after: (width - 1) / 2)
          slot.add(
            turned.product(
              turned.spread(gradient.pointer, columns: filters), columns: filters,
              matrix: turnedRows(weight, filters: filters, inputs: inputs, width: width), outputs: inputs))
        }
      }
    }
    return result
  }
}

/// The filters as rows that meet a window as it lies, [filters, k · inputs].
private func filterRows(_ weight: Tensor, filters: Int, inputs: Int, width: Int) -> Storage {
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
private func turnedRows(_ weight: Tensor, filters: Int, inputs: Int, width: Int) -> Storage {
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
