import Kernels
import Tensors
import Tokenization

extension EncoderConfig {
  /// Configuration of a fresh model for the same task that reads another tokenizer: in the family whose tokenizer it is, with room for its
  /// vocabulary.
  package func reading(_ tokenizer: any Tokenizer) -> EncoderConfig {
    var config = self
    if !family.expects(tokenizer) {
      config.architecture = .reading(tokenizer)
      config.lowRank = [:]
      config.segmentCount = config.family.freshSegmentCount
    }
    config.vocabularySize = tokenizer.idLimit
    config.padTokenID = tokenizer.padID.map { Int($0) } ?? config.padTokenID
    return config
  }

  /// Fault of a tokenizer for some of whose ids or segments this model has no rows, in a sentence; nil when it can read single texts.
  package func fault(of tokenizer: any Tokenizer) -> String? {
    if tokenizer.idLimit > vocabularySize {
      return "the tokenizer has ids up to \(tokenizer.idLimit - 1), but the model's embeddings have "
        + "\(vocabularySize) rows; the two files do not belong together"
    }
    let segments = tokenizer.segmentLimit(isPair: false)
    if family.readsSegments, segments > segmentCount {
      return
        "the tokenizer's template has segment ids up to \(segments - 1), but the model has type_vocab_size "
        + "\(segmentCount); the two files do not belong together"
    }
    return nil
  }

  /// Fault that keeps this model from reading pairs of texts, as the end of a sentence; nil when nothing does.
  package func pairFault(of tokenizer: any Tokenizer) -> String? {
    let segments = tokenizer.segmentLimit(isPair: true)
    guard family.readsSegments, segments > segmentCount else { return nil }
    return
      "has type_vocab_size \(segmentCount); expected a model that tells two segments apart, since the tokenizer's template "
      + "has segment ids up to \(segments - 1)"
  }
}

extension EncoderConfig {
  /// The number of parameters without those of the head; a Double, since a wrong configuration can call for any number.
  package var parameterEstimate: Double { family.parameterEstimate(self) - valuesSpared }

  /// Checks that a model with random values fits this machine, before memory is asked for.
  ///
  /// - Parameters:
  ///   - bytesPerParameter: What is needed of each: 4 for the value alone, 16 with gradient and AdamW's state.
  ///   - file: The file or shape to name in the error.
  ///   - memory: What the machine has, in bytes.
  /// - Throws: `ModelError.request` naming the sizes.
  package func checkMemory(
    bytesPerParameter: Double, file: String = "config.json", memory: Int = Machine.memoryLimit
  ) throws(ModelError) {
    let layers = key(\.layerCount)
    let needed = parameterEstimate * bytesPerParameter
    func gigabytes(_ bytes: Double) -> String { "\((bytes / 1e8).rounded() / 10) GB" }
    guard needed <= Double(memory) else {
      throw .request(
        "\(file): a model with vocab_size \(vocabularySize), \(key(\.hiddenSize)) \(hiddenSize), \(layers) "
          + "\(layerCount), \(key(\.intermediateSize)) \(intermediateSize), max_position_embeddings "
          + "\(maxPositions + positionOffset) and type_vocab_size \(segmentCount) needs "
          + "\(bytesPerParameter > 4 ? "for training " : "")\(gigabytes(needed)), but this machine has "
          + "\(gigabytes(Double(memory))); choose smaller sizes")
    }
    guard layerCount <= Self.freshLayerLimit else {
      throw .request(
        "\(file): \(layers): found \(layerCount), expected at most \(Self.freshLayerLimit) in a model with random values"
      )
    }
  }

  private static let freshLayerLimit = 1000
}
