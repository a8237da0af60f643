import Kernels

extension Tensor {
  /// The rows of each packed sequence convolved with filters over neighbouring tokens, as many as before: `nn.Conv1d` with
  /// `padding="same"`.
  ///
  /// y[t] = b + Σ_j W[:, :, j] x[t + j − (k − 1)/2], where what lies outside the sequence is zero; for an even width k the
  /// missing rows are one more behind than before. With zeros between the sequences each place of the window is one product
  /// over all rows. Backward: dW and db as in a linear layer over the windows; dx is the same convolution of dy with the
  /// filters turned round.
  ///
  /// - Parameters:
  ///   - weight: The filters W, [filters, inputs, k].
  ///   - bias: The bias b, [filters].
  ///   - starts: The first row of each sequence, then the number of rows, [sequences + 1].
  /// - Returns: The result, [tokens, filters].
  public func convolution(weight: Tensor, bias: Tensor, starts: [Int32]) -> Tensor {
    precondition(
      weight.shape.rank == 3 && shape.rank == 2 && shape[1] == weight.shape[1]
        && bias.shape == [weight.shape[0]],
      "convolution cannot take rows \(shape) through filters \(weight.shape) and bias \(bias.shape).")
    precondition(
      Int(starts.last ?? 0) == shape[0],
      "convolution needs rows that end at \(starts.last ?? 0), found \(shape).")
    let (rows, filters) = (shape[0], weight.shape[0])
    let kernel = ConvolutionKernel(
      weight: weight.storage, filters: filters, inputs: weight.shape[1], width: weight.shape[2],
      starts: starts)
    let (y, padded) = kernel.forward(storage, bias: bias.storage)
    let result = Tensor.result(y, [rows, filters], from: self, weight, bias)
    if let tape = result.tape {
      tape.record(result) { dy in
        weight.slot?.accumulate { kernel.addWeightGradient(dy, padded: padded, to: $0) }
        bias.slot?.accumulate { Reductions.addColumnSums(dy, rows: rows, columns: filters, to: $0) }
        if let slot { slot.add(kernel.inputGradient(dy)) }
      }
    }
    return result
  }
}
