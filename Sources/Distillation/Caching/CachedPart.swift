import Encoders
import ModelFormats
import Tasks

/// Rows that a cache on disk keeps of each example: logits as Float32, features in half precision.
public struct CachedPart: Sendable, Equatable {
  /// Kind of rows.
  public enum Kind: String, Sendable, CaseIterable {
    /// A list of the teacher's logits.
    case logits
    /// Hidden states: layer 0 is the embeddings, layer k the output of block k.
    case hidden
    /// Queries of a block, counted from 0.
    case query
    /// Keys of a block, counted from 0.
    case key
    /// Values of a block, counted from 0.
    case value
  }

  /// Kind of the rows.
  public let kind: Kind
  /// The number of the list of logits, or the layer.
  public let index: Int
  /// The values of a row.
  public let width: Int
  /// Whether an example has one row, its sequence's or first token's; otherwise one for each of its tokens.
  public let hasOneRow: Bool
  /// Whether the rows come as a vector, [rows], which `width` 1 stands for.
  public let isVector: Bool

  init(_ kind: Kind, _ index: Int, width: Int, hasOneRow: Bool, isVector: Bool = false) {
    (self.kind, self.index, self.width) = (kind, index, width)
    (self.hasOneRow, self.isVector) = (hasOneRow, isVector)
  }

  /// The form of the numbers on disk.
  var form: RecordNumbers { kind == .logits ? .float32 : .float16 }

  /// The bytes of one row.
  var rowBytes: Int { width * form.byteCount }

  /// The rows of an example of some tokens.
  func rows(of length: Int) -> Int { hasOneRow ? 1 : length }

  /// The bytes of an example of some tokens.
  func byteCount(of length: Int) -> Int { rows(of: length) * rowBytes }

  /// Whether a cache with this part has what another one asks for.
  func covers(_ other: CachedPart) -> Bool {
    kind == other.kind && index == other.index && width == other.width && isVector == other.isVector
      && (hasOneRow == other.hasOneRow || (!hasOneRow && kind == .hidden))
  }

  /// The part in words, such as `hidden states of layer 4`.
  public var name: String { Self.names(of: [self]) }

  /// Some parts in words, such as `logits, embeddings, hidden states of layers 2, 4`.
  public static func names(of parts: [CachedPart]) -> String {
    var names: [String] = []
    var rest = parts[...]
    while let part = rest.first {
      let alike = rest.prefix { $0.kind == part.kind && $0.hasOneRow == part.hasOneRow && part.layer != nil }
      let layers = alike.compactMap(\.layer).map(String.init).joined(separator: ", ")
      names.append(
        part.rowName + (layers.isEmpty ? "" : " of layer\(alike.count == 1 ? "" : "s") \(layers)")
          + (part.kind == .hidden && part.hasOneRow ? " ([CLS] only)" : ""))
      rest = rest.dropFirst(max(1, alike.count))
    }
    return names.joined(separator: ", ")
  }

  /// The layer that the rows are of, counted from 1; nil for logits and embeddings.
  private var layer: Int? {
    switch kind {
    case .logits: nil
    case .hidden: index == 0 ? nil : index
    case .query, .key, .value: index + 1
    }
  }

  private var rowName: String {
    switch kind {
    case .logits: index == 0 ? "logits" : "logits \(index + 1)"
    case .hidden: index == 0 ? "embeddings" : "hidden states"
    case .query: "queries"
    case .key: "keys"
    case .value: "values"
    }
  }
}

extension CachedPart {
  /// The logits that a teacher with a configuration gives through its standard adaptor.
  public static func logits(of config: EncoderConfig) -> [CachedPart] {
    let family = config.taskFamily
    return switch family.rows {
    case .sequences: [CachedPart(.logits, 0, width: config.logitsWidth, hasOneRow: true)]
    case .tokens where family.form == .positions:
      [0, 1].map { CachedPart(.logits, $0, width: 1, hasOneRow: false, isVector: true) }
    case .tokens: [CachedPart(.logits, 0, width: config.logitsWidth, hasOneRow: false)]
    case .asked: []
    }
  }

  /// The hidden states of a layer, or its first rows only.
  public static func hidden(_ layer: Int, of config: EncoderConfig, firstRowOnly: Bool = false) -> CachedPart
  {
    CachedPart(
      .hidden, layer, width: layer == 0 ? config.inputSize : config.outputSize, hasOneRow: firstRowOnly)
  }

  /// The rows of a teacher that matches read; of a layer of which each reads the first rows alone, only these.
  ///
  /// Attention scores and relations are products of queries, keys and values, which take far less room than the products.
  package static func parts(for matches: [Match], of config: EncoderConfig) -> [CachedPart] {
    let pairs = matches.compactMap { match in
      match.isOfLayers
        ? match.layerLoss.map { (layers: match.teacher.positions, match: match, loss: $0) } : nil
    }
    let hidden = pairs.filter { $0.loss.feature == .hidden }
    // One row is kept of an example, so its first tokens are all there only where it is one sequence.
    let hasOneFirstToken = config.taskFamily.sequencesPerExample == 1
    let states = Set(hidden.flatMap(\.layers)).sorted().map { layer in
      CachedPart.hidden(
        layer, of: config,
        firstRowOnly: hasOneFirstToken
          && hidden.allSatisfy { $0.loss.readsFirstTokens || !$0.layers.contains(layer) })
    }
    // Where all layers take part, block k is the place after the embeddings.
    let scored = pairs.flatMap { pair in
      pair.loss.feature == .attention
        ? pair.layers : pair.match.comparesAttention ? pair.layers.dropLast() : []
    }
    let related = pairs.filter { $0.loss.feature == .selfAttention }.flatMap(\.layers)
    let both = Set(scored + related).sorted()
    let vectors: [(Kind, [Int])] = [(.query, both), (.key, both), (.value, Set(related).sorted())]
    return states
      + vectors.flatMap { kind, blocks in
        blocks.map { CachedPart(kind, $0, width: config.attentionWidth(inLayer: $0), hasOneRow: false) }
      }
  }

  /// The name of the tap in a model whose values the part keeps; nil for logits.
  package func tap(in config: EncoderConfig) -> String? {
    let attention = config.architecture.attentionNames(inLayer: index)
    return switch kind {
    case .logits: nil
    case .hidden: index == 0 ? config.entranceName : config.architecture.layerName(index - 1)
    case .query: attention?.queries
    case .key: attention?.keys
    case .value: attention?.values
    }
  }
}

extension CachedPart {
  var json: JSONValue {
    [
      "kind": .string(kind.rawValue), "index": .integer(index), "width": .integer(width),
      "one_row": .bool(hasOneRow), "vector": .bool(isVector),
    ]
  }

  init?(json: JSONValue) {
    guard let kind = json["kind"]?.stringValue.flatMap(Kind.init), let index = json["index"]?.intValue,
      let width = json["width"]?.intValue, let hasOneRow = json["one_row"]?.boolValue,
      let isVector = json["vector"]?.boolValue, (0..<1 << 20).contains(index),
      (1..<1 << 24).contains(width), !isVector || width == 1
    else { return nil }
    self.init(kind, index, width: width, hasOneRow: hasOneRow, isVector: isVector)
  }
}
