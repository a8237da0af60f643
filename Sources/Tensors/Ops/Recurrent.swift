import Kernels

/// The cell of a recurrent layer, computed from one token to the next, by the name it has in PyTorch, in lower case.
public enum RecurrentCell: String, Sendable, CaseIterable {
  /// Gated recurrent units (Cho and others 2014) in PyTorch's form, whose reset gate acts behind the product.
  case gru
  /// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers and others 2000).
  case lstm

  /// The gates that lie one after the other in its weights: of a GRU reset, update and new, of an LSTM input, forget, cell
  /// and output.
  public var gateCount: Int { kernel.gateCount }

  var kernel: RecurrentCellKernel {
    switch self {
    case .gru: .gru
    case .lstm: .lstm
    }
  }
}

/// The parameters of one direction of a recurrent layer, as `nn.GRU` and `nn.LSTM` hold them; G is the number of gates.
public struct RecurrentWeights: Sendable {
  /// `weight_ih`, [G · hidden, inputs], and `bias_ih`, [G · hidden].
  public let inputs: LinearWeights
  /// `weight_hh`, [G · hidden, hidden], and `bias_hh`, [G · hidden].
  public let hidden: LinearWeights

  /// Both in floats, the only form that recurrent layers have products for.
  fileprivate let dense: (inputs: DenseWeights, hidden: DenseWeights)

  /// The parameters of one direction, both in floats.
  public init(inputs: LinearWeights, hidden: LinearWeights) {
    guard let denseInputs = inputs.dense, let denseHidden = hidden.dense else {
      preconditionFailure("A recurrent layer takes weights in floats.")
    }
    (self.inputs, self.hidden) = (inputs, hidden)
    dense = (denseInputs, denseHidden)
  }

  var tensors: [Tensor?] { dense.inputs.tensors + dense.hidden.tensors }
}

extension Tensor {
  /// The states of a recurrent layer over packed sequences, in one direction or both: `nn.GRU` and `nn.LSTM` of PyTorch.
  ///
  /// GRU, with ⊙ the product of elements and h₀ = 0:
  ///
  ///     r = σ(W_ir x + b_ir + W_hr h + b_hr)        z = σ(W_iz x + b_iz + W_hz h + b_hz)
  ///     n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn))    h ← (1 − z) ⊙ n + z ⊙ h
  ///
  /// LSTM, with c₀ = h₀ = 0: i, f, o = σ(…), g = tanh(…) of W x + b + W_h h + b_h each; c ← f ⊙ c + i ⊙ g, h ← o ⊙ tanh(c).
  ///
  /// The inputs of all tokens go through their weights at once. Then every step is one product over the sequences that are
  /// still running, and workers share the units of both directions. Backward runs the steps in reverse and takes the weights'
  /// gradients in one product behind them.
  ///
  /// - Parameters:
  ///   - cell: What is computed from token to token.
  ///   - weights: The parameters of the direction from the first token on and, for a bidirectional layer, of the other one.
  ///   - starts: The first row of each sequence, then the number of rows, [sequences + 1].
  /// - Returns: h after each token, [tokens, directions · hidden], the first direction's columns first.
  public func recurrent(cell: RecurrentCell, weights: [RecurrentWeights], starts: [Int32]) -> Tensor {
    let (tokens, hidden) = (shape.rowCount, checkRecurrent(cell, weights, starts))
    let tape = Tensor.tape(of: [self] + weights.flatMap(\.tensors))
    let kernel = RecurrentKernel(
      cell.kernel, weights.map { ($0.dense.inputs.kernel, $0.dense.hidden.kernel) }, hidden: hidden,
      starts: starts,
      keeps: tape != nil)
    let width = weights.count * hidden
    let y = Storage(uninitialized: tokens * width)
    kernel.forward(storage, into: y)
    let result = Tensor.result(y, [tokens, width], on: tape)
    if let tape {
      tape.record(result) { dy in
        for (index, gates) in kernel.backward(dy).enumerated() {
          let (inputs, hidden) = weights[index].dense
          slot?.contribute {
            inputs.kernel.inputGradient(gates.inputGates, rows: tokens, into: $0, adding: $1)
          }
          inputs.addGradients(of: gates.inputGates, storage, rows: tokens)
          hidden.bias?.slot?.accumulate {
            hidden.kernel.addBiasGradient(gates.hiddenGates, rows: tokens, to: $0)
          }
          hidden.weight.slot?.contribute {
            kernel.hiddenWeightGradient(ofDirection: index, into: $0, adding: $1)
          }
        }
      }
    }
    return result
  }

  /// The hidden size, once every shape fits.
  private func checkRecurrent(
    _ cell: RecurrentCell, _ weights: [RecurrentWeights], _ starts: [Int32]
  ) -> Int {
    precondition(
      shape.rank == 2 && Int(starts.last ?? 0) == shape[0],
      "recurrent needs rows [tokens, inputs] that end at \(starts.last ?? 0), found \(shape).")
    precondition(
      weights.count == 1 || weights.count == 2,
      "recurrent needs the weights of one direction or two, found \(weights.count).")
    let (inputs, hidden) = (shape[1], weights[0].hidden.inputs)
    let width = cell.gateCount * hidden
    for direction in weights {
      precondition(
        direction.inputs.shape == [width, inputs] && direction.hidden.shape == [width, hidden]
          && direction.inputs.bias?.shape == [width] && direction.hidden.bias?.shape == [width],
        "A \(cell.rawValue) of \(hidden) units needs weights [\(width), \(inputs)] and [\(width), \(hidden)] and biases "
          + "[\(width)], found \(direction.tensors.map { $0.map { "\($0.shape)" } ?? "none" }.joined(separator: ", "))."
      )
    }
    return hidden
  }
}
