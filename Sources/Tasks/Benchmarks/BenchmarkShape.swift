import Encoders
import Foundation

/// A model to measure: one of three well-known shapes with random weights, or a directory.
public struct BenchmarkShape {
  /// Name in results.
  public let name: String
  /// The shape, with two labels.
  public let config: EncoderConfig
  /// Folder of the weights; nil for random ones.
  private let directory: URL?

  /// The shapes with names: layers, features, heads, features between the feed-forward products.
  private static let known: [(name: String, layers: Int, hidden: Int, heads: Int, intermediate: Int)] = [
    ("bert-base", 12, 768, 12, 3072), ("minilm-l6", 6, 384, 12, 1536), ("t4-tiny", 4, 312, 12, 1200),
  ]

  /// The names of the known shapes, for help and messages.
  public static var names: String { known.map(\.name).joined(separator: ", ") }

  /// The shape of a name, or of a directory.
  ///
  /// - Throws: `TaskError` for neither a name nor a model; `ModelError`.
  public init(_ text: String, listener: any WorkListener = SilentListener()) throws {
    name = text
    if let shape = Self.known.first(where: { $0.name == text.lowercased() }) {
      directory = nil
      config = EncoderConfig(
        vocabularySize: 30_522, hiddenSize: shape.hidden, layerCount: shape.layers,
        attentionHeads: shape.heads, intermediateSize: shape.intermediate, labels: ["negative", "positive"])
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
