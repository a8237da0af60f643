import Encoders
import Foundation
import TaskData
import Tokenization
import Training

/// A model with its tokenizer, from a Hugging Face directory.
struct ModelFolder {
  /// The directory as the user named it.
  let path: String
  /// The model.
  let model: TaskModel
  /// What turns text into its ids.
  let tokenizer: any Tokenizer

  /// A model made in memory, under a name for messages.
  init(path: String, model: TaskModel, tokenizer: any Tokenizer) {
    self.path = path
    self.model = model
    self.tokenizer = tokenizer
  }

  /// Loads a directory to train a task's model from; a head that it lacks starts at random.
  init(_ path: String, toTrain task: TaskDefinition, seed: UInt64) throws {
    try self.init(path) {
      try TaskModel(
        directory: $0, head: task.kind.head, labels: task.modelLabels, problemType: task.kind.problemType,
        seed: seed)
    }
  }

  /// Loads a directory whose model answers tasks of a kind.
  init(_ path: String, for kind: TaskKind) throws {
    try self.init(path, head: kind.head)
    let problem = model.config.problem
    if model.head == .sequenceClassification, let wanted = kind.problemType, wanted != problem {
      throw CommandError(
        "\(path) answers with problem type \(problem.rawValue), but the task is of the kind \(kind.rawValue), "
          + "which needs \(wanted.rawValue); train a model on this task")
    }
  }

  /// Loads a directory as it is.
  ///
  /// - Parameters:
  ///   - head: The head that is needed; nil takes the directory's.
  ///   - needsHead: Whether a head that starts at random is an error.
  init(_ path: String, head: TaskHead? = nil, needsHead: Bool = true) throws {
    try self.init(path) { try TaskModel(directory: $0, head: head) }
    if needsHead, model.startsWithFreshHead {
      throw CommandError(
        "\(path) has no head for \(model.head.purpose); expected a model that was trained for it. Train one with "
          + "'potstill train --model \(path)'")
    }
  }

  private init(_ path: String, load: (URL) throws -> TaskModel) throws {
    let url = URL(filePath: path, directoryHint: .isDirectory)
    self.path = path
    tokenizer = try loadTokenizer(directory: url)
    model = try load(url)
    try checkVocabulary()
  }

  /// The model must have a row for every id of the tokenizer.
  func checkVocabulary() throws {
    if tokenizer.idLimit > model.config.vocabularySize {
      throw CommandError(
        "\(path): the tokenizer has ids up to \(tokenizer.idLimit - 1), but the model's embeddings have "
          + "\(model.config.vocabularySize) rows; the two files do not belong together")
    }
  }

  /// The longest input, special tokens included, that model, tokenizer and task allow.
  func lengthLimit(_ asked: Int?) -> Int {
    [asked, tokenizer.modelMaxLength, model.config.maxPositions].compactMap { $0 }.min() ?? 512
  }

  /// Writes the directory.
  func save(to url: URL) throws {
    try model.save(to: url)
    try tokenizer.save(to: url)
  }

  /// Rows of a task as the model reads them.
  func encode(_ rows: TaskExamples, of task: TaskDefinition, limit: Int? = nil) throws -> EncodedTask {
    if case .texts(let texts) = rows { try Self.checkPairs(texts, config: model.config, path: path) }
    return try EncodedTask(
      rows, task: task, with: tokenizer, maxLength: limit ?? lengthLimit(task.maxSequenceLength))
  }

  /// Texts and pairs as the model reads them.
  func encode(_ examples: [TextExample], limit: Int) throws -> [EncodedExample] {
    try Self.checkPairs(examples, config: model.config, path: path)
    return try EncodedExample.encode(examples, with: tokenizer, maxLength: limit)
  }

  /// A model that tells segments apart must have two of them for pairs.
  static func checkPairs(_ examples: [TextExample], config: EncoderConfig, path: String) throws {
    if config.architecture.readsSegments, config.segmentCount < 2,
      let example = examples.first(where: { $0.pair != nil })
    {
      let place = example.line > 0 ? " (the first on line \(example.line))" : ""
      throw CommandError(
        "the input holds pairs of texts\(place), but \(path) has type_vocab_size \(config.segmentCount); "
          + "expected a model that tells two segments apart")
    }
  }
}

extension TaskHead {
  /// What a head is for, in words.
  fileprivate var purpose: String {
    switch self {
    case .sequenceClassification: "classification"
    case .tokenClassification: "token classification"
    case .questionAnswering: "question answering"
    case .maskedLanguageModel: "masked words"
    }
  }
}
