import Kernels
import Tensors

extension EncoderConfig {
  /// The number of parameters without those of the head; a Double, since a wrong configuration can call for any number.
  package var parameterEstimate: Double {
    let (hidden, inner) = (Double(hiddenSize), Double(intermediateSize))
    let features = Double(embeddingSize ?? hiddenSize)
    let rows = Double(vocabularySize) + (isTransformer ? Double(maxPositions) + Double(segmentCount) : 0)
    let layer =
      if let cell = architecture.recurrentCell {
        // Two directions, each of which reads both of the layer below.
        2 * Double(cell.gateCount) * hidden * (3 * hidden + 2)
      } else if isTransformer {
        4 * hidden * (hidden + 1) + 2 * hidden * inner + inner + 5 * hidden
      } else {
        hidden * hidden * Double(kernelSizes.max() ?? 1)
      }
    return rows * features + features * hidden + Double(layerCount) * layer
  }

  private var isTransformer: Bool { architecture.isTransformer }

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
    let names = architecture.fields
    let needed = parameterEstimate * bytesPerParameter
    func gigabytes(_ bytes: Double) -> String { "\((bytes / 1e8).rounded() / 10) GB" }
    guard needed <= Double(memory) else {
      throw .request(
        "\(file): a model with vocab_size \(vocabularySize), \(names.hiddenSize) \(hiddenSize), \(names.layerCount) "
          + "\(layerCount), \(names.intermediateSize) \(intermediateSize), max_position_embeddings "
          + "\(maxPositions + positionOffset) and type_vocab_size \(segmentCount) needs "
          + "\(bytesPerParameter > 4 ? "for training " : "")\(gigabytes(needed)), but this machine has "
          + "\(gigabytes(Double(memory))); choose smaller sizes")
    }
    guard layerCount <= Self.freshLayerLimit else {
      throw .request(
        "\(file): \(names.layerCount): found \(layerCount), expected at most \(Self.freshLayerLimit) in a model with random values"
      )
    }
  }

  private static let freshLayerLimit = 1000
}
