/// How a student is made, by the names TextBrewer gives its models.
///
/// | text | student |
/// |---|---|
/// | `T6`, `T3` (any `T<n>`) | n layers of the teacher, evenly spaced from the first to the last, with its embeddings and head |
/// | `layers:0,5,11` | these layers of the teacher (counted from 0), likewise |
/// | `T3-small` | fresh: 3 layers, hidden 384, feed-forward 1536, 12 heads |
/// | `T4-tiny` | fresh: 4 layers, hidden 312, feed-forward 1200, 12 heads (TinyBERT's shape) |
/// | `T12-nano` | fresh: 12 layers, hidden 256, feed-forward 1024, 4 heads (ELECTRA-small's shape without its projection) |
/// | anything else | a model directory |
public enum StudentShape: Sendable, Equatable {
  /// Layers of the teacher, evenly spaced: for 6 of 12 DistilBERT's choice, 0, 2, 4, 7, 9, 11.
  case evenlySpaced(layerCount: Int)
  /// These layers of the teacher, counted from 0, in this order.
  case layers([Int])
  /// A fresh model of a named shape that reads the teacher's tokens and has its labels.
  case preset(Preset)
  /// A model directory whose vocabulary is the teacher's.
  case directory(String)

  /// TextBrewer's student shapes that do not share the teacher's width.
  public enum Preset: String, Sendable, CaseIterable {
    /// 3 layers, hidden 384, feed-forward 1536, 12 heads.
    case small = "T3-small"
    /// 4 layers, hidden 312, feed-forward 1200, 12 heads.
    case tiny = "T4-tiny"
    /// 12 layers, hidden 256, feed-forward 1024, 4 heads.
    case nano = "T12-nano"
  }

  /// Reads a shape's text; names are not case-sensitive.
  ///
  /// - Throws: `ModelError.request` when `layers:` is not followed by whole numbers.
  public init(_ text: String) throws(ModelError) {
    let lowercased = text.lowercased()
    if let preset = Preset.allCases.first(where: { $0.rawValue.lowercased() == lowercased }) {
      self = .preset(preset)
    } else if lowercased.hasPrefix("layers:") {
      let parts = text.dropFirst(7).split(separator: ",", omittingEmptySubsequences: false)
      var indices: [Int] = []
      for part in parts {
        guard let index = Int(part.filter { $0 != " " }), index >= 0 else {
          throw .request(
            "student \"\(text)\": found \"\(part)\", expected layer numbers such as layers:0,5,11")
        }
        indices.append(index)
      }
      self = .layers(indices)
    } else if lowercased.hasPrefix("t"), let count = Int(lowercased.dropFirst()), count > 0 {
      self = .evenlySpaced(layerCount: count)
    } else {
      self = .directory(text)
    }
  }

  /// `count` layers of `total`, counted from 0, evenly spaced from the first to the last, halves rounded down.
  ///
  /// 6 of 12 gives DistilBERT's 0, 2, 4, 7, 9, 11 (the list in its `extract_distilbert.py`); 3 of 12 gives 0, 5, 11;
  /// 3 of 6 gives 0, 2, 5.
  package static func evenlySpaced(_ count: Int, of total: Int) -> [Int] {
    guard count > 1 else { return [0] }
    return (0..<count).map { (2 * $0 * (total - 1) + count - 2) / (2 * (count - 1)) }
  }
}

extension StudentShape.Preset {
  /// The configuration of a masked language model in this shape, to be trained from scratch.
  ///
  /// - Parameters:
  ///   - vocabularySize: Rows of the word table.
  ///   - padTokenID: The id of the padding token.
  ///   - architecture: The family, which decides names and positions; RoBERTa's have one segment.
  public func maskedLanguageModel(
    vocabularySize: Int, padTokenID: Int = 0, architecture: EncoderArchitecture = .bert
  ) -> EncoderConfig {
    var base = EncoderConfig.defaults(of: architecture)
    (base.vocabularySize, base.padTokenID) = (vocabularySize, padTokenID)
    base.head = .maskedLanguageModel
    if architecture.skipsPaddingPosition { base.segmentCount = 1 }
    return config(for: base)
  }

  /// The configuration of this shape in a teacher's architecture, for its vocabulary, positions, segments and labels.
  func config(for teacher: EncoderConfig) -> EncoderConfig {
    let (layers, hidden, intermediate, heads) =
      switch self {
      case .small: (3, 384, 1536, 12)
      case .tiny: (4, 312, 1200, 12)
      case .nano: (12, 256, 1024, 4)
      }
    var config = EncoderConfig.defaults(of: teacher.architecture)
    (config.hiddenSize, config.layerCount, config.attentionHeads) = (hidden, layers, heads)
    (config.intermediateSize, config.embeddingSize) = (intermediate, nil)
    (config.vocabularySize, config.labels) = (teacher.vocabularySize, teacher.labels)
    config.maxPositions = teacher.maxPositions
    config.segmentCount = teacher.segmentCount
    config.padTokenID = teacher.padTokenID
    (config.head, config.problemType) = (teacher.head, teacher.problemType)
    return config
  }
}
