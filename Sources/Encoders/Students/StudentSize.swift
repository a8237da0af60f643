/// Sizes that a student has instead of those its shape would give it; nil keeps the shape's.
public struct StudentSize: Sendable, Equatable {
  /// Features of a token; in a recurrent student those of one direction, in a convolutional one all filters together.
  public var hiddenSize: Int?
  /// Features of the word table.
  public var embeddingSize: Int?
  /// Layers of a recurrent or convolutional student.
  public var layerCount: Int?
  /// Attention heads of a student of the teacher's layers.
  public var attentionHeads: Int?
  /// Features between the feed-forward products of a student of the teacher's layers.
  public var intermediateSize: Int?

  /// Sizes; what is left out is the shape's.
  public init(
    hiddenSize: Int? = nil, embeddingSize: Int? = nil, layerCount: Int? = nil, attentionHeads: Int? = nil,
    intermediateSize: Int? = nil
  ) {
    self.hiddenSize = hiddenSize
    self.embeddingSize = embeddingSize
    self.layerCount = layerCount
    self.attentionHeads = attentionHeads
    self.intermediateSize = intermediateSize
  }

  /// What is set, by its name in `config.json`.
  var fields: [(name: String, value: Int)] {
    [
      ("hidden_size", hiddenSize), ("embedding_size", embeddingSize), ("num_hidden_layers", layerCount),
      ("num_attention_heads", attentionHeads), ("intermediate_size", intermediateSize),
    ].compactMap { name, value in value.map { (name, $0) } }
  }

  /// The largest of any size.
  private static let largest = 65_536

  /// Refuses sizes below 1, and those that a shape has no use for.
  func check(allowed: [String], shape: String) throws(ModelError) {
    for (name, value) in fields {
      guard allowed.contains(name) else {
        throw .request(
          "\(name) \(value) does not apply to a student \(shape)"
            + (allowed.isEmpty ? "" : "; it takes \(allowed.joined(separator: ", "))"))
      }
      guard (1...Self.largest).contains(value) else {
        throw .request(
          "\(name): found \(value), expected a whole number from 1" + (value > 0 ? " to \(Self.largest)" : "")
        )
      }
    }
  }
}

/// A rule that names some of a teacher's layers for a shallower student.
public enum LayerSelection: String, Sendable, Codable, CaseIterable {
  /// Every so many, the last one included: 3 of 12 are the 4th, 8th and 12th (TinyBERT's and Patient KD's rule).
  case uniform
  /// The last layers in order.
  case last
  /// The first layers in order.
  case first

  /// `count` layers of `total`, counted from 0; for `uniform` halves are rounded up.
  public func layers(_ count: Int, of total: Int) -> [Int] {
    (0..<count).map { index in
      switch self {
      case .uniform: (2 * (index + 1) * total + count) / (2 * count) - 1
      case .last: total - count + index
      case .first: index
      }
    }
  }
}
