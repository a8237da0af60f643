import Tokenization

/// The family of an encoder, under its `model_type` in `config.json`.
///
/// The first are the post-norm Transformer of BERT; they differ in the names of their parameters and configuration fields,
/// in what their embeddings add up and in their heads. The others read word embeddings without positions or segments, and
/// `transformers` does not know them.
public struct EncoderArchitecture: RawRepresentable, Hashable, Sendable, CaseIterable {
  /// Family of such an encoder.
  let family: any EncoderFamily

  /// Families that Potstill knows.
  public static let allCases: [EncoderArchitecture] = [
    .bert, .roberta, .xlmRoberta, .camembert, .electra, .distilbert, .bigru, .bilstm, .textcnn,
  ]

  /// The family's own name for itself.
  init(_ family: any EncoderFamily) { self.family = family }

  /// The family with a `model_type`; nil when Potstill knows none.
  public init?(rawValue: String) {
    guard let known = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = known
  }

  /// The `model_type`.
  public var rawValue: String { family.modelType }

  /// Whether `transformers` has the family, so that Python loads its models.
  public var isOfTransformers: Bool { family.isOfTransformers }

  /// Whether both are one family.
  public static func == (a: EncoderArchitecture, b: EncoderArchitecture) -> Bool { a.rawValue == b.rawValue }

  /// Hashes the `model_type`.
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

  /// The families, by `model_type`, that something holds for.
  static func names(where holds: (any EncoderFamily) -> Bool) -> [String] {
    allCases.filter { holds($0.family) }.map(\.rawValue)
  }

  /// The family of a fresh model that reads a tokenizer.
  package static func reading(_ tokenizer: any Tokenizer) -> EncoderArchitecture {
    allCases.first { $0.family.expects(tokenizer) } ?? .bert
  }

  /// The name in `config.json` of a field; another family's where this one has none.
  package func key(_ path: PartialKeyPath<EncoderConfig>) -> String {
    let all = [self] + Self.allCases
    guard let field = all.lazy.flatMap(\.family.fields).first(where: { $0.path == path }) else {
      preconditionFailure("Only what some family reads from config.json has a key, not \(path).")
    }
    return field.key
  }

  /// Whether models of the family can answer with a head.
  package func has(_ head: TaskHead) -> Bool { family.form(of: head) != nil }
}

extension EncoderArchitecture: CustomStringConvertible {
  /// The name in Swift, which stands in the keys of teacher caches: `xlmRoberta` for `xlm-roberta`.
  public var description: String {
    let parts = rawValue.split(separator: "-")
    return parts.prefix(1).joined()
      + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }
}

extension EncoderConfig {
  /// Family of the encoder.
  var family: any EncoderFamily { architecture.family }

  /// The form of the head in the family.
  var headForm: any HeadForm {
    guard let form = family.form(of: head) else {
      preconditionFailure("A checked configuration has no head \(head.rawValue) without a form.")
    }
    return form
  }

  /// The width of the logits of a model of this configuration.
  package var logitsWidth: Int { headForm.width(self) }

  /// The name in `config.json` of a field; another family's where its own has none.
  func key(_ path: PartialKeyPath<EncoderConfig>) -> String { architecture.key(path) }

  /// Prefix of the full names of the encoder's modules, such as `bert.`.
  package var modulePrefix: String { family.module + "." }

  /// Features of what goes into the first layer where that is not `hiddenSize`, else `hiddenSize`: the width of the hidden
  /// state called embeddings.
  public var inputSize: Int { family.inputSize(self) }

  /// Features of each layer's output: both directions of a recurrent encoder side by side.
  public var outputSize: Int { family.outputSize(self) }

  /// Values that a model of this configuration gives by name, in the order in which they are computed.
  ///
  /// `embeddings` (in ELECTRA `embeddings_project` too); of each layer its own name, its queries, keys and values, what
  /// attention mixed, its two halves before and after their normalisation; and of the head BERT's `pooler` (after tanh)
  /// and the logits. An encoder that is no Transformer gives its layers alone.
  public var intermediates: [Intermediate] { family.intermediates(self) + headForm.intermediates(self) }

  /// Whether layers of a model of another configuration can take the place of this one's.
  package func canTakeLayers(of other: EncoderConfig) -> Bool {
    family.copiesLayers && fitsHeads(of: other)
  }

  /// Whether heads of a model of another configuration fit this one's encoder.
  package func fitsHeads(of other: EncoderConfig) -> Bool {
    architecture == other.architecture && hiddenSize == other.hiddenSize
  }
}
