/// What a recurrent layer computes from one token to the next, by the name it has in PyTorch, in lower case.
public enum RecurrentCell: String, Sendable, CaseIterable {
  /// Gated recurrent units (Cho and others 2014) in PyTorch's form, whose reset gate acts behind the product.
  case gru
  /// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers and others 2000).
  case lstm

  /// The gates that lie one after the other in its weights: of a GRU reset, update and new, of an LSTM input, forget, cell
  /// and output.
  public var gateCount: Int { self == .gru ? 3 : 4 }
}

/// The parameters of one direction of a recurrent layer, as `nn.GRU` and `nn.LSTM` hold them; G is the number of gates.
public struct RecurrentWeights: Sendable {
  /// `weight_ih`, [G · hidden, inputs].
  public let inputs: Tensor
  /// `weight_hh`, [G · hidden, hidden].
  public let hidden: Tensor
  /// `bias_ih`, [G · hidden].
  public let inputBias: Tensor
  /// `bias_hh`, [G · hidden].
  public let hiddenBias: Tensor

  /// The parameters of one direction.
  public init(inputs: Tensor, hidden: Tensor, inputBias: Tensor, hiddenBias: Tensor) {
    self.inputs = inputs
    self.hidden = hidden
    self.inputBias = inputBias
    self.hiddenBias = hiddenBias
  }

  var all: [Tensor] { [inputs, hidden, inputBias, hiddenBias] }
}
