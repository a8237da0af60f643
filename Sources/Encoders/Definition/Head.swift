import ModelFormats
import Tensors
import Tokenization

/// Head of a model: what stands on its encoder.
public enum TaskHead: String, Sendable, CaseIterable {
  /// Head of sequences, one row of logits each: classes, a number, or labels that hold side by side (`ProblemType` tells which).
  case sequenceClassification
  /// Head of tokens, one row of logits each, such as named entities.
  case tokenClassification
  /// Two logits a token: the answer starts here, the answer ends here (Devlin and others 2019, section 4.2).
  case questionAnswering
  /// Head of masked words, one logit for each word of the vocabulary, by a decoder that shares the word table.
  case maskedLanguageModel
  /// Head of sentences in pairs, the vectors of the two side by side.
  case sentenceSimilarity

  /// Whether logits come by token and not by sequence.
  public var readsTokens: Bool {
    switch self {
    case .sequenceClassification, .sentenceSimilarity: false
    case .tokenClassification, .questionAnswering, .maskedLanguageModel: true
    }
  }

  /// Whether the names of its outputs in a configuration are those of a task's labels.
  var hasLabels: Bool {
    switch self {
    case .sequenceClassification, .tokenClassification: true
    case .questionAnswering, .maskedLanguageModel, .sentenceSimilarity: false
    }
  }

  /// Names that `transformers` gives the columns of the logits where each is an output of its own; nil where the logits are
  /// one.
  var columns: [String]? {
    switch self {
    case .questionAnswering: ["start_logits", "end_logits"]
    case .sequenceClassification, .tokenClassification, .maskedLanguageModel, .sentenceSimilarity: nil
    }
  }

  /// The form that the head has in every family alike; nil where families have forms of their own.
  var commonForm: (any HeadForm)? {
    switch self {
    case .sequenceClassification, .tokenClassification, .questionAnswering, .maskedLanguageModel: nil
    case .sentenceSimilarity: SentenceVectorForm()
    }
  }

  /// Suffix of the names of its classes in `transformers`.
  var classSuffix: String {
    switch self {
    case .sequenceClassification: "ForSequenceClassification"
    case .tokenClassification: "ForTokenClassification"
    case .questionAnswering: "ForQuestionAnswering"
    case .maskedLanguageModel: "ForMaskedLM"
    case .sentenceSimilarity: "Model"
    }
  }

  /// The head that a `config.json` names by a class of `transformers`, such as `BertForMaskedLM`; nil where it names none.
  init?(of object: JSONObject) {
    let classes = object["architectures"]?.arrayValue?.compactMap(\.stringValue) ?? []
    let found = classes.lazy.compactMap { name in
      Self.allCases.first { $0.commonForm?.isStored(in: object) ?? name.hasSuffix($0.classSuffix) }
    }
    guard let head = found.first else { return nil }
    self = head
  }
}

/// Meaning of a sequence head's outputs, by its name in `config.json` (`problem_type`); it decides the loss.
public enum ProblemType: String, Sendable, CaseIterable {
  /// The outputs are numbers; the loss is the mean squared error.
  case regression
  /// One class is right; the loss is the cross-entropy of a softmax.
  case singleLabel = "single_label_classification"
  /// Each label holds or not; the loss is the binary cross-entropy of each output's logistic function.
  case multiLabel = "multi_label_classification"
}

/// The form of a head in a family: its names in a checkpoint, and how it is built.
protocol HeadForm: Sendable {
  /// The modules whose parameters are the head's, those nearest to the encoder first.
  var modules: [String] { get }
  /// The layer that gives the logits; of a masked language model the last one that it does not share.
  var output: String { get }
  /// Name in a family of `transformers` of the module that gives the logits.
  var logits: String { get }
  /// Name there of the first layer of the head with its nonlinearity; nil where no module gives both.
  var pooler: String? { get }

  /// Whether a parameter is the head's own, and so may start fresh.
  func owns(_ name: String) -> Bool
  /// Whether a head of which a checkpoint has these modules was trained, so that the others were lost.
  func isTrained(with modules: Set<String>) -> Bool
  /// Second names that a checkpoint may give parameters, by their canonical ones.
  func aliases(wordTable: String) -> [String: String]
  /// The values of the head that can be asked for by name, in the order in which they are computed.
  func intermediates(_ config: EncoderConfig) -> [Intermediate]
  /// Whether one of its parameters has a value for each token of the vocabulary.
  func isOfWords(_ name: String) -> Bool
  /// Widths that a narrower student cuts in one of its parameters.
  func cut(of name: String, _ config: EncoderConfig) -> Cut
  /// Whether it reads only the first row of each sequence, so that an encoder need not finish the others.
  var readsFirstRowsOnly: Bool { get }
  /// The width of its logits.
  func width(_ config: EncoderConfig) -> Int
  /// Notes what is wrong with what a configuration says of the head.
  func check(_ config: EncoderConfig, _ faults: inout ConfigFaults)
  /// Whether a `config.json` is that of a model with this head, for a form that all families share.
  func isStored(in object: JSONObject) -> Bool
  /// Writes what of the head is not in the name of its class.
  func write(to object: inout JSONObject)
  /// Builds the head.
  ///
  /// - Parameters:
  ///   - scope: The root of the names, which is asked for the parameters.
  ///   - wordTable: The encoder's word table.
  ///   - config: The model's shape.
  func head(_ scope: ParameterScope, wordTable: WordTable, config: EncoderConfig) -> any Head
}

extension HeadForm {
  var readsFirstRowsOnly: Bool { false }
  func width(_ config: EncoderConfig) -> Int { config.labels.count }
  func check(_ config: EncoderConfig, _ faults: inout ConfigFaults) {}
  func isStored(in object: JSONObject) -> Bool { false }
  func write(to object: inout JSONObject) {}
  var pooler: String? { nil }
  func isOfWords(_ name: String) -> Bool { false }
  func owns(_ name: String) -> Bool { modules.contains { name.hasPrefix($0 + ".") } }
  func isTrained(with modules: Set<String>) -> Bool { modules.contains(output) }
  func aliases(wordTable: String) -> [String: String] { [:] }
}

/// The layers from an encoder's last hidden state to logits.
protocol Head {
  /// Answer of the head to an encoder's output.
  ///
  /// - Parameters:
  ///   - output: What the encoder computed.
  ///   - batch: The packed sequences.
  ///   - rows: The tokens whose logits are wanted; nil wants every token's. Only heads that read tokens look at it.
  ///   - context: The pass this is part of.
  func answer(
    _ output: EncoderOutput, _ batch: TokenBatch, rows: [Int32]?, in context: Context
  ) -> ModelOutput

  /// Writes the head down as nodes of a graph that other programs run, and names its outputs.
  ///
  /// - Parameter states: The encoder's last hidden state, [batch, sequence, features].
  func addOutputs(_ states: GraphValue, _ tokens: GraphTokens, to graph: ONNXGraph)
}
