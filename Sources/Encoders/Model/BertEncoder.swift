import Tensors
import Tokenization

/// A BERT encoder over packed rows: embeddings and a stack of layers.
public struct BertEncoder {
  /// Its shape and hyper-parameters.
  public let config: EncoderConfig
  private let word: Parameter
  private let position: Parameter
  private let segment: Parameter
  private let norm: LayerNormLayer
  private let layers: [BertLayer]

  /// Asks `scope` for the encoder's parameters (`embeddings…`, `encoder.layer.0…`).
  init(_ scope: ParameterScope, config: EncoderConfig) {
    self.config = config
    let embeddings = scope / "embeddings"
    let initial = InitialValue.normal(standardDeviation: config.initializerRange)
    let hidden = config.hiddenSize
    word = embeddings.parameter("word_embeddings.weight", [config.vocabularySize, hidden], initial: initial)
    position = embeddings.parameter(
      "position_embeddings.weight", [config.maxPositions, hidden], initial: initial)
    segment = embeddings.parameter(
      "token_type_embeddings.weight", [config.segmentCount, hidden], initial: initial)
    norm = LayerNormLayer(embeddings / "LayerNorm", features: hidden, epsilon: config.layerNormEpsilon)
    layers = (0..<config.layerCount).map { BertLayer(scope / "encoder" / "layer" / $0, config: config) }
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
    let sum = embed(
      word: word.tensor, position: position.tensor, segment: segment.tensor, ids: batch.ids,
      positions: batch.positions, segments: batch.segments, in: context)
    var x = dropout(norm(sum, in: context), probability: config.hiddenDropout, in: context)

    let trimsLast = firstRowsOnly && capture.isDisjoint(with: .wholeLastLayer)
    let keepsHidden = capture.contains(.innerHiddenStates)
    var hiddenStates: [Tensor] = keepsHidden ? [x] : []
    var (probabilities, scores): ([AttentionMaps], [AttentionMaps]) = ([], [])
    for (index, layer) in layers.enumerated() {
      let isLast = index == layers.count - 1
      let result = layer(
        x, starts: batch.starts, firstRowsOnly: isLast && trimsLast, capture: capture, in: context)
      x = result.output
      if keepsHidden, !isLast || capture.contains(.hiddenStates) { hiddenStates.append(x) }
      if let maps = result.attention.probabilities { probabilities.append(maps) }
      if let maps = result.attention.scores { scores.append(maps) }
    }
    return EncoderOutput(
      lastHiddenState: x, holdsFirstRowsOnly: trimsLast, hiddenStates: hiddenStates,
      attentionProbabilities: probabilities, attentionScores: scores)
  }
}
