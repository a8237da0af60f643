import Encoders
import Tensors
import Tokenization

/// Groups of taps: what `transformers` gives with `output_hidden_states` and `output_attentions`, and the like.
enum Seen {
  case hiddenStates, innerHiddenStates, attentionProbabilities, attentionScores
  case selfAttention(ofLayer: Int)

  func names(in config: EncoderConfig) -> [String] {
    let attention = (0..<config.layerCount).compactMap { config.attentionNames(inLayer: $0) }
    return switch self {
    case .hiddenStates: config.hiddenStateNames
    case .innerHiddenStates: config.hiddenStateNames.dropLast()
    case .attentionProbabilities: attention.map(\.probabilities)
    case .attentionScores: attention.map(\.scores)
    case .selfAttention(let layer):
      config.attentionNames(inLayer: layer).map { [$0.queries, $0.keys, $0.values] } ?? []
    }
  }
}

/// Output of a model with the seen values as lists.
@dynamicMemberLookup struct SeenOutput {
  let output: ModelOutput
  let config: EncoderConfig

  subscript<Value>(dynamicMember path: KeyPath<ModelOutput, Value>) -> Value { output[keyPath: path] }

  var hiddenStates: [Tensor] { config.hiddenStateNames.compactMap { output.values[$0] } }
  var attentionProbabilities: [AttentionMaps] { attention.compactMap { output.maps[$0.names.probabilities] } }
  var attentionScores: [AttentionMaps] { attention.compactMap { output.maps[$0.names.scores] } }
  var selfAttention: [Int: SelfAttentionVectors] {
    attention.reduce(into: [:]) { found, layer in
      guard let queries = output.values[layer.names.queries], let keys = output.values[layer.names.keys],
        let values = output.values[layer.names.values]
      else { return }
      found[layer.index] = SelfAttentionVectors(queries: queries, keys: keys, values: values)
    }
  }

  private var attention: [(index: Int, names: AttentionNames)] {
    (0..<config.layerCount).compactMap { layer in config.attentionNames(inLayer: layer).map { (layer, $0) } }
  }
}

extension TaskModel {
  func callAsFunction(_ batch: TokenBatch, seeing seen: [Seen], in context: Context) -> SeenOutput {
    SeenOutput(
      output: self(batch, taps: seen.flatMap { $0.names(in: config) }, in: context), config: config)
  }
}
