import Tensors
import Tokenization

/// An encoder of BERT's shape over packed rows: embeddings and a stack of layers.
public struct BertEncoder: Encoder {
  /// Its shape and hyper-parameters.
  public let config: EncoderConfig
  /// The word table, [vocabulary, features].
  var words: Parameter { embeddings.word }
  let embeddings: Embeddings
  let layers: [BertLayer]

  /// Asks `scope` for the encoder's parameters (in BERT `embeddings…`, `encoder.layer.0…`).
  init(_ scope: ParameterScope, config: EncoderConfig) {
    self.config = config
    embeddings = Embeddings(scope, config: config)
    let list = scope / config.architecture.names.layers
    layers = (0..<config.layerCount).map { BertLayer(list / $0, config: config) }
  }

  /// Runs the encoder.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences; ids below the vocabulary size, lengths up to `config.maxPositions`.
  ///   - firstRowsOnly: Whether the caller reads only the first row of each sequence of the last layer; ignored when
  ///     `capture` asks for more.
  ///   - capture: What else the caller wants to see.
  ///   - context: The pass this is part of.
  public func callAsFunction(
    _ batch: TokenBatch, firstRowsOnly: Bool = false, capture: Capture = [], in context: Context
  ) -> EncoderOutput {
    self(batch, firstRowsOnly: firstRowsOnly, capture: capture, recorder: nil, in: context)
  }

  /// Runs the encoder and lets a recorder keep what it wants; layers are then told to compute what that needs.
  func callAsFunction(
    _ batch: TokenBatch, firstRowsOnly: Bool, capture: Capture, recorder: IntermediateRecorder?,
    in context: Context
  ) -> EncoderOutput {
    self(
      batch, through: layers, firstRowsOnly: firstRowsOnly, capture: capture, recorder: recorder, in: context)
  }

  /// Runs the encoder through other layers than its own.
  func callAsFunction(
    _ batch: TokenBatch, through layers: [BertLayer], firstRowsOnly: Bool, capture: Capture,
    recorder: IntermediateRecorder?, in context: Context
  ) -> EncoderOutput {
    let names = config.architecture.names
    var x = embeddings(batch, recorder: recorder, in: context)
    let trimsLast =
      firstRowsOnly && capture.isDisjoint(with: .wholeLastLayer)
      && !(recorder?.layer(layers.count - 1, names).wantsEveryRow ?? false)
    let keepsHidden = capture.contains(.innerHiddenStates)
    var hiddenStates: [Tensor] = keepsHidden ? [x] : []
    var (probabilities, scores): ([AttentionMaps], [AttentionMaps]) = ([], [])
    var vectors: [Int: SelfAttentionVectors] = [:]
    for (index, layer) in layers.enumerated() {
      let isLast = index == layers.count - 1
      let result = layer(
        x, starts: batch.starts, firstRowsOnly: isLast && trimsLast, capture: capture,
        capturesVectors: capture.wantsSelfAttention(ofLayer: index),
        recorder: recorder?.layer(index, names), in: context)
      x = result.output
      if keepsHidden, !isLast || capture.contains(.hiddenStates) { hiddenStates.append(x) }
      if let maps = result.attention?.probabilities { probabilities.append(maps) }
      if let maps = result.attention?.scores { scores.append(maps) }
      vectors[index] = result.vectors
    }
    return EncoderOutput(
      lastHiddenState: x, holdsFirstRowsOnly: trimsLast, hiddenStates: hiddenStates,
      attentionProbabilities: probabilities, attentionScores: scores, selfAttention: vectors)
  }
}
