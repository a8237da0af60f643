import Encoders
import Foundation

/// A model to measure: one of four well-known shapes with random weights, or a directory.
public struct BenchmarkShape {
  /// Name in results.
  public let name: String
  /// The shape, with two labels.
  public let config: EncoderConfig
  /// Folder of the weights; nil for random ones.
  private let directory: URL?

  /// The shapes with names.
  private static let known: [(name: String, config: EncoderConfig)] = [
    ("bert-base", shape(layers: 12, hidden: 768, heads: 12, intermediate: 3072)),
    ("xlm-r-base", multilingual(shape(layers: 12, hidden: 768, heads: 12, intermediate: 3072))),
    ("minilm-l6", shape(layers: 6, hidden: 384, heads: 12, intermediate: 1536)),
    ("t4-tiny", shape(layers: 4, hidden: 312, heads: 12, intermediate: 1200)),
  ]

  /// A shape with BERT's English vocabulary and two labels.
  private static func shape(layers: Int, hidden: Int, heads: Int, intermediate: Int) -> EncoderConfig {
    EncoderConfig(
      vocabularySize: 30_522, hiddenSize: hidden, layerCount: layers, attentionHeads: heads,
      intermediateSize: intermediate, labels: ["negative", "positive"])
  }

  /// The shape with XLM-R's vocabulary, positions and segments.
  private static func multilingual(_ shape: EncoderConfig) -> EncoderConfig {
    var config = shape
    (config.architecture, config.vocabularySize, config.padTokenID) = (.xlmRoberta, 250_002, 1)
    (config.segmentCount, config.layerNormEpsilon) = (1, 1e-5)
    return config
  }

  /// The names of the known shapes, for help and messages.
  public static var names: String { known.map(\.name).joined(separator: ", ") }

  /// The shape of a name, or of a directory.
  ///
  /// - Throws: `TaskError` for neither a name nor a model; `ModelError`.
  public init(_ text: String, listener: any WorkListener = SilentListener()) throws {
    name = text
    if let shape = Self.known.first(where: { $0.name == text.lowercased() }) {
      (directory, config) = (nil, shape.config)
      return
    }
    let url: URL
    do { url = try ModelLocation(text, listener: listener).folder } catch let error as TaskError {
      throw TaskError(
        "\"\(text)\" is neither a shape nor a folder; give one of \(Self.names), or a Hugging Face directory. As a name on the "
          + "hub: \(error)")
    }
    directory = url
    config = try EncoderConfig(directory: url)
  }

  /// A model of this shape.
  ///
  /// - Throws: `TaskError` for weights that are NaN or infinite unless they are allowed; `ModelError`.
  public func model(
    seed: UInt64, allowsNonFinite: Bool = false, listener: any WorkListener = SilentListener()
  ) throws -> TaskModel {
    guard let directory else { return try TaskModel(config: config, seed: seed) }
    let model = try TaskModel(directory: directory, head: .sequenceClassification)
    try model.checkNumbers(name, allowsNonFinite: allowsNonFinite, listener: listener)
    return model
  }

  /// Floating-point operations of one forward pass over sequences of these lengths: the products of the linear layers
  /// and of attention, every row of every layer counted.
  public func forwardOperations(lengths: [Int]) -> Double {
    let hidden = Double(config.hiddenSize)
    return (0..<config.layerCount).reduce(0.0) { sum, layer in
      let attention = Double(config.attentionWidth(inLayer: layer))
      let perToken = 8 * hidden * attention + 4 * hidden * Double(config.intermediateSize(inLayer: layer))
      return lengths.reduce(sum) { $0 + Double($1) * (perToken + 4 * Double($1) * attention) }
    }
  }
}
