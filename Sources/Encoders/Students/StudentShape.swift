import Foundation
import Tensors

/// Shape of a student, by the names TextBrewer gives its models.
///
/// | text | student |
/// |---|---|
/// | `T6`, `T3` (any `T<n>`) | n layers of the teacher, evenly spaced from the first to the last, with its embeddings and head |
/// | `layers:0,5,11` | these layers of the teacher (counted from 0), likewise |
/// | `uniform:3`, `last:3`, `first:3` | the layers that a rule names (`LayerSelection`), likewise |
/// | `T3-small` | fresh: 3 layers, hidden 384, feed-forward 1536, 12 heads |
/// | `T4-tiny` | fresh: 4 layers, hidden 312, feed-forward 1200, 12 heads (TinyBERT's shape) |
/// | `T12-nano` | fresh: 12 layers, hidden 256, feed-forward 1024, 4 heads (ELECTRA-small's shape without its projection) |
/// | `BiGRU`, `BiLSTM` | fresh but for the word table: one bidirectional layer as wide as the teacher (`nn.GRU`, `nn.LSTM`) |
/// | `CNN` | likewise: 100 filters each over 3, 4 and 5 words (Kim 2014) |
/// | anything else | a model directory |
public enum StudentShape: Sendable, Equatable {
  /// Layers of the teacher, evenly spaced: for 6 of 12 DistilBERT's choice, 0, 2, 4, 7, 9, 11.
  case evenlySpaced(layerCount: Int)
  /// These layers of the teacher, counted from 0, in this order.
  case layers([Int])
  /// The layers of the teacher that a rule names.
  case selected(LayerSelection, layerCount: Int)
  /// A fresh model of a named shape that reads the teacher's tokens and has its labels.
  case preset(Preset)
  /// A model of a family over the teacher's word embeddings.
  case wordStudent(EncoderArchitecture)
  /// A model directory, which may read other tokens than the teacher.
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
    } else if let rule = LayerSelection.allCases.first(where: { lowercased.hasPrefix($0.rawValue + ":") }) {
      let count = text.dropFirst(rule.rawValue.count + 1)
      guard let layerCount = Int(count), layerCount > 0 else {
        throw .request(
          "student \"\(text)\": found \"\(count)\", expected a number of layers such as \(rule.rawValue):3")
      }
      self = .selected(rule, layerCount: layerCount)
    } else if let architecture = EncoderArchitecture.allCases.first(where: {
      $0.family.wordStudent?.name.lowercased() == lowercased
    }) {
      self = .wordStudent(architecture)
    } else if lowercased.hasPrefix("t"), let count = Int(lowercased.dropFirst()), count > 0 {
      self = .evenlySpaced(layerCount: count)
    } else {
      self = .directory(text)
    }
  }

  /// Checks that a student that is no shape is a folder.
  ///
  /// - Throws: `ModelError.request` that says what else a student can be.
  package func checkFolder() throws(ModelError) {
    guard case .directory(let path) = self else { return }
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue { return }
    let presets = (Preset.allCases.map(\.rawValue) + Self.wordStudents.dropLast()).joined(separator: ", ")
    throw .request(
      "student \"\(path)\" is neither a folder nor a shape; expected T3 (any number of the teacher's layers from 1), "
        + "layers:0,5,11, uniform:3, first:3 or last:3, one of \(presets) or \(Self.wordStudents.last ?? ""), or the folder of a model"
    )
  }

  /// A bidirectional recurrent network over the teacher's word embeddings.
  public static func recurrent(_ cell: RecurrentCell) -> StudentShape {
    switch cell {
    case .gru: .wordStudent(.bigru)
    case .lstm: .wordStudent(.bilstm)
    }
  }

  /// Convolutions over the teacher's word embeddings.
  public static let convolutional = StudentShape.wordStudent(.textcnn)

  /// The names of the students over a teacher's word embeddings.
  static var wordStudents: [String] {
    EncoderArchitecture.allCases.compactMap { $0.family.wordStudent?.name }
  }

  /// The names of the sizes that may be given instead of the shape's own.
  var sizes: [String] {
    switch self {
    case .wordStudent: ["hidden_size", "embedding_size", "num_hidden_layers"]
    case .evenlySpaced, .layers, .selected:
      ["hidden_size", "num_attention_heads", "intermediate_size", "embedding_size"]
    case .preset: ["embedding_size"]
    case .directory: []
    }
  }

  /// The teacher's layers that the student is made of, counted from 0; nil for one that is not made of layers.
  ///
  /// - Parameter depth: The number of the teacher's layers.
  /// - Throws: `ModelError.request` when the teacher has too few.
  package func layers(of depth: Int) throws(ModelError) -> [Int]? {
    switch self {
    case .evenlySpaced(let count), .selected(_, let count):
      guard count <= depth else {
        throw .request(
          "a student of \(count) layers cannot be copied from a teacher of \(depth);"
            + " choose T\(depth) or fewer, or a fresh shape such as T12-nano")
      }
      if case .selected(let rule, _) = self { return rule.layers(count, of: depth) }
      return Self.evenlySpaced(count, of: depth)
    case .layers(let layers): return layers
    case .preset, .wordStudent, .directory: return nil
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

extension StudentShape: CustomStringConvertible {
  /// The shape as it is written.
  public var description: String {
    switch self {
    case .evenlySpaced(let count): "T\(count)"
    case .selected(let rule, let count): "\(rule.rawValue):\(count)"
    case .layers(let layers): "layers:" + layers.map(String.init).joined(separator: ",")
    case .preset(let preset): preset.rawValue
    case .wordStudent(let architecture): architecture.family.wordStudent?.name ?? architecture.rawValue
    case .directory(let path): path
    }
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
    base.segmentCount = base.family.freshSegmentCount
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
    var config = teacher.family.freshConfig(like: teacher)
    (config.hiddenSize, config.layerCount, config.attentionHeads) = (hidden, layers, heads)
    config.intermediateSize = intermediate
    config.adoptTask(of: teacher)
    return config
  }
}

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

  /// Size that is set, by its name in `config.json`.
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
