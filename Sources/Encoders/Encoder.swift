import Tensors
import Tokenization

/// What turns packed tokens into a hidden state for each, below the head of a `TaskModel`.
protocol Encoder {
  /// The word table, [vocabulary, features].
  var words: Parameter { get }

  /// Runs the encoder.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences.
  ///   - firstRowsOnly: Whether the caller reads only the first row of each sequence of the last layer, if the encoder can
  ///     save work by that.
  ///   - capture: What else the caller wants to see.
  ///   - recorder: Keeps what is wanted by name.
  ///   - context: The pass this is part of.
  func callAsFunction(
    _ batch: TokenBatch, firstRowsOnly: Bool, capture: Capture, recorder: IntermediateRecorder?,
    in context: Context
  ) -> EncoderOutput
}

extension Encoder {
  /// The output of layers over the words' embeddings, one after the other, with dropout before each as in `nn.GRU`.
  func stack(
    _ batch: TokenBatch, layers: [(Tensor) -> Tensor], names: ParameterNames, dropoutRate: Float,
    capture: Capture, recorder: IntermediateRecorder?, in context: Context
  ) -> EncoderOutput {
    let keepsHidden = capture.contains(.innerHiddenStates)
    var x = words.tensor(in: context).embedding(ids: batch.ids).dropout(
      probability: dropoutRate, starts: batch.starts, in: context)
    recorder?.keep(x, as: "embeddings")
    var hiddenStates = keepsHidden ? [x] : []
    for (index, layer) in layers.enumerated() {
      x = layer(index == 0 ? x : x.dropout(probability: dropoutRate, starts: batch.starts, in: context))
      recorder?.keep(x, as: names.layerModule(index))
      let isLast = index == layers.count - 1
      if keepsHidden, !isLast || capture.contains(.hiddenStates) { hiddenStates.append(x) }
    }
    return EncoderOutput(
      lastHiddenState: x, holdsFirstRowsOnly: false, hiddenStates: hiddenStates, attentionProbabilities: [],
      attentionScores: [], selfAttention: [:])
  }
}
