import Tensors
import Tokenization

/// An encoder of BERT's shape over packed rows: embeddings and a stack of layers.
public struct BertEncoder: Encoder {
  /// Its shape and hyper-parameters.
  public let config: EncoderConfig
  /// The word table, [vocabulary, features].
  var words: Parameter { embeddings.word }
  let family: BertFamily
  let embeddings: BertEmbeddings
  let layers: [BertLayer]

  /// Asks `scope` for the encoder's parameters (in BERT `embeddings…`, `encoder.layer.0…`).
  init(_ scope: ParameterScope, config: EncoderConfig, family: BertFamily) {
    (self.config, self.family) = (config, family)
    embeddings = BertEmbeddings(scope, config: config, family: family)
    let list = scope / family.layers
    layers = (0..<config.layerCount).map { BertLayer(list / $0, config: config, family: family) }
  }

  /// The encoder with other layers.
  private init(_ encoder: BertEncoder, layers: [BertLayer]) {
    (config, family) = (encoder.config, encoder.family)
    (embeddings, self.layers) = (encoder.embeddings, layers)
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
    var x = embeddings(batch, recorder: recorder, in: context)
    let trimsLast =
      firstRowsOnly && capture.isDisjoint(with: .wholeLastLayer)
      && !(recorder?.layer(family.layerName(layers.count - 1))
        .wantsEveryRow(or: family.layerNames.trimmedParts) ?? false)
    let keepsHidden = capture.contains(.innerHiddenStates)
    var hiddenStates: [Tensor] = keepsHidden ? [x] : []
    var (probabilities, scores): ([AttentionMaps], [AttentionMaps]) = ([], [])
    var vectors: [Int: SelfAttentionVectors] = [:]
    for (index, layer) in layers.enumerated() {
      let isLast = index == layers.count - 1
      let result = layer(
        x, starts: batch.starts, firstRowsOnly: isLast && trimsLast, capture: capture,
        capturesVectors: capture.wantsSelfAttention(ofLayer: index),
        recorder: recorder?.layer(family.layerName(index)), in: context)
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

  /// Takes layers of another encoder of its width.
  func keeping(_ blocks: [Range<Int>?], of other: any Encoder) -> (any Encoder)? {
    guard let other = other as? BertEncoder, blocks.count == layers.count,
      config.hiddenSize == other.config.hiddenSize
    else { return nil }
    return BertEncoder(
      self, layers: zip(layers, blocks).flatMap { layer, block in block.map { other.layers[$0] } ?? [layer] })
  }

  func factorised(columns size: Int) -> FactorisedEmbeddings? {
    family.canBeFactorised ? FactorisedEmbeddings(of: self, size: size) : nil
  }
}
