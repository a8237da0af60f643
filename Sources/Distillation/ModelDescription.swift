public import Encoders
import ModelFormats
import Tasks
import Tensors

/// Description of a model, against which configurations are checked: its sizes and names.
public struct ModelDescription: Sendable, Equatable {
  /// Name in messages, such as a directory.
  public var name: String
  /// The number of blocks.
  public var layers: Int
  /// The hidden size: the width of each block's output.
  public var hiddenSize: Int
  /// The width of the embeddings as a hidden state, where it is another one.
  public var embeddingSize: Int
  /// The number of attention heads of each block, where blocks differ the most of one; 0 without attention.
  public var heads: Int
  /// Features of an attention head.
  private let headSize: Int
  /// Heads that pruning has cut from each block; empty where it has cut none.
  private let cutHeads: [Int]
  /// The size of the feed-forward layers.
  public var intermediateSize: Int
  /// The number of tokens it has embeddings for.
  public var vocabularySize: Int
  /// The longest sequence it takes, in tokens.
  public var maxPositions: Int
  /// Head on its encoder.
  public var head: TaskHead
  /// Meaning of the outputs of a sequence head.
  public var problem: ProblemType
  /// The family of tasks that it answers.
  package var family: any TaskFamily { TaskKind.family(of: head, problem) }
  /// The names of its outputs.
  public var labels: [String]
  /// The width of its logits; nil where it is not known.
  public var logitsWidth: Int?
  /// The number of its parameters.
  public var parameterCount: Int
  /// Size and form of its weights.
  public var weights: WeightSize
  /// The number of its trainable parameters.
  public var trainableCount: Int
  /// Whether its head was drawn at random because the checkpoint held none.
  public var hasFreshHead: Bool
  /// Tokens by id, if the tokenizer is known.
  public var vocabulary: [String]?
  /// The values inside it that have a name.
  public var intermediates: [Intermediate]
  /// Prefix that its modules' names may have, such as `bert.`.
  let modulePrefix: String
  /// Family of its encoder; nil for a teacher that is no model of Potstill's.
  let architecture: EncoderArchitecture?
  /// Name of what goes into its first layer.
  let entrance: String
  /// The teacher's blocks that its blocks were copied from, counted from 1; nil where they were not.
  public var copiedLayers: [Int]?

  /// The description of a model.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - name: What messages call it.
  ///   - vocabulary: Its tokens by id, if the tokenizer is known.
  ///   - hasFreshHead: Whether its head is random; give true for a checkpoint without one that was not trained since.
  public init(
    _ model: TaskModel, name: String, vocabulary: [String]? = nil, hasFreshHead: Bool = false
  ) {
    self.init(
      model.config, name: name, parameterCount: model.parameterCount,
      trainableCount: model.parameters.reduce(0) { $0 + ($1.isTrainable ? $1.count : 0) },
      vocabulary: vocabulary, hasFreshHead: hasFreshHead)
    weights = model.weights
  }

  /// The description of a model that is not there.
  ///
  /// - Parameters:
  ///   - config: Its sizes, head and labels.
  ///   - name: What messages call it.
  ///   - parameterCount: The number of its parameters.
  ///   - trainableCount: The number of its trainable parameters.
  ///   - vocabulary: Its tokens by id, if the tokenizer is known.
  ///   - hasFreshHead: Whether its head is random.
  public init(
    _ config: EncoderConfig, name: String, parameterCount: Int, trainableCount: Int = 0,
    vocabulary: [String]? = nil, hasFreshHead: Bool = false
  ) {
    self.name = name
    layers = config.layerCount
    hiddenSize = config.outputSize
    embeddingSize = config.inputSize
    (headSize, cutHeads) = (
      config.headSize,
      config.prunedHeads.isEmpty ? [] : config.headCounts.map { config.attentionHeads - $0 }
    )
    heads = config.attentionHeads - (cutHeads.min() ?? 0)
    intermediateSize = config.intermediateSize
    vocabularySize = config.vocabularySize
    maxPositions = config.maxPositions
    (head, problem) = (config.head, config.problem)
    (labels, logitsWidth) = (config.labels, config.logitsWidth)
    self.parameterCount = parameterCount
    weights = WeightSize(floats: parameterCount)
    self.trainableCount = trainableCount
    self.hasFreshHead = hasFreshHead
    self.vocabulary = vocabulary
    intermediates = config.intermediates
    modulePrefix = config.modulePrefix
    (architecture, entrance) = (config.architecture, config.entranceName)
  }

  /// The description of a teacher that is no model of Potstill's: it has answers, but no layers.
  ///
  /// - Parameters:
  ///   - name: What messages call it.
  ///   - head: The head whose logits its answers stand for.
  ///   - problem: What the outputs of a sequence head mean.
  ///   - labels: The names of its outputs.
  ///   - vocabularySize: The tokens of the tokenizer whose ids it is asked with: the student's, unless texts are aligned.
  public init(
    answersOf name: String, head: TaskHead = .sequenceClassification, problem: ProblemType = .singleLabel,
    labels: [String], vocabularySize: Int
  ) {
    self.name = name
    (layers, hiddenSize, embeddingSize, heads, intermediateSize) = (0, 0, 0, 0, 0)
    (headSize, cutHeads) = (0, [])
    (self.vocabularySize, maxPositions) = (vocabularySize, .max)
    (self.head, self.problem, self.labels) = (head, problem, labels)
    (parameterCount, trainableCount, hasFreshHead) = (0, 0, false)
    weights = WeightSize(floats: 0)
    vocabulary = nil
    (intermediates, modulePrefix) = ([], "")
    (architecture, entrance) = (nil, "")
  }

  /// The name of a hidden state: 0 is the embeddings, k the output of block k.
  func hiddenName(_ position: Int) -> String {
    position == 0 ? entrance : architecture?.layerName(position - 1) ?? "layer.\(position)"
  }

  /// The names of what self-attention compares in a block, counted from 0; nil where there is none.
  func attention(inLayer index: Int) -> AttentionNames? { architecture?.attentionNames(inLayer: index) }

  /// The value of a name, with or without the encoder's own (`bert.`); nil when there is none.
  func intermediate(named name: String) -> Intermediate? {
    let bare = name.hasPrefix(modulePrefix) ? String(name.dropFirst(modulePrefix.count)) : name
    return intermediates.first { $0.name == bare }
  }

  /// Whether something inside it has a name: a value, or the attention maps of a layer.
  func hasTap(_ name: String) -> Bool {
    intermediate(named: name)?.name == name
      || (0..<layers).contains { layer in
        attention(inLayer: layer).map { [$0.scores, $0.probabilities].contains(name) } ?? false
      }
  }

  /// Fault of a name that no value has.
  func unknownIntermediate(_ name: String, field: String) -> Fault {
    let names = intermediates.map(\.name)
    let hint = suggestion(for: name, among: names).map { "did you mean \($0)?" }
    return Fault(
      field,
      "\(self.name) has no module \"\(name)\"; "
        + (hint ?? "its names are such as \(names.prefix(6).joined(separator: ", "))"))
  }

  /// The heads of a block, counted from 0.
  func heads(inLayer layer: Int) -> Int { heads + (cutHeads.min() ?? 0) - cut(inLayer: layer) }

  /// The width of a block's queries, keys and values, counted from 0.
  func attentionWidth(inLayer layer: Int) -> Int { hiddenSize - cut(inLayer: layer) * headSize }

  /// The heads of every block, if all have as many; nil where they differ, or there are none.
  var commonHeads: Int? { heads > 0 && Set(cutHeads).count < 2 ? heads : nil }

  private func cut(inLayer layer: Int) -> Int { cutHeads.indices.contains(layer) ? cutHeads[layer] : 0 }

  /// The width of a hidden state: 0 is the embeddings, k the output of block k.
  func width(at position: Int) -> Int { position == 0 ? embeddingSize : hiddenSize }
}
