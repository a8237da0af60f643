import Kernels
import Tensors

extension EncoderConfig {
  /// The number of parameters without those of the head; a Double, since a wrong configuration can call for any number.
  package var parameterEstimate: Double { family.parameterEstimate(self) }

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
