import Cluster
public import Datasets
public import Encoders
public import Foundation
import Kernels
public import ModelFormats
public import Tokenization

/// Model with its tokenizer, as a Hugging Face folder holds them.
public struct TokenizedModel {
  /// Name in messages: the folder as the user named it.
  public let path: String
  /// The model.
  public let model: TaskModel
  /// Tokenizer that turns text into its ids.
  public let tokenizer: any Tokenizer

  /// A model made in memory, under a name for messages.
  public init(path: String, model: TaskModel, tokenizer: any Tokenizer) {
    self.path = path
    self.model = model
    self.tokenizer = tokenizer
  }

  /// Loads a folder, model and tokenizer at once.
  ///
  /// - Parameters:
  ///   - path: The folder, or the name of a model on the Hugging Face hub.
  ///   - listener: Hears how far a download has come.
  ///   - load: Loads the model; nil takes the folder's, with its head.
  /// - Throws: What loading throws; `TaskError` when the model has no row for an id or segment of the tokenizer.
  public init(
    _ path: String, listener: any WorkListener = SilentListener(), load: ((URL) throws -> TaskModel)? = nil
  ) throws {
    let url = try ModelLocation(path, listener: listener).folder
    self.path = path
    // A family that is none is said before the tokenizer is looked at.
    if FileManager.default.fileExists(atPath: url.appending(path: "config.json").path) {
      _ = try EncoderConfig(directory: url)
    }
    // Both take about the same time.
    (tokenizer, model) = try both(
      { try loadTokenizer(directory: url) }, { try load?(url) ?? TaskModel(directory: url) })
    FreeMemory.giveBack()
    try checkVocabulary()
  }

  /// Checks that the model has a row for every id and every segment of the tokenizer.
  ///
  /// - Throws: `TaskError`.
  public func checkVocabulary() throws {
    if let fault = model.config.fault(of: tokenizer) { throw TaskError("\(path): \(fault)") }
  }

  /// The longest input, special tokens included, that model, tokenizer and a task allow.
  public func lengthLimit(_ asked: Int? = nil) -> Int {
    [asked, tokenizer.modelMaxLength, model.config.maxPositions].compactMap { $0 }.min() ?? 512
  }

  /// Writes the folder.
  ///
  /// - Parameter type: The type of the floats in the file; nil takes the model's.
  public func save(to url: URL, as type: SaveDType? = nil) throws {
    try model.save(to: url, tokenizer: tokenizer, as: type)
  }

  /// Rows of a task as the model reads them.
  ///
  /// - Parameter limit: The longest input; nil leaves it to model and task.
  /// - Throws: `TaskError` for pairs that the model cannot tell apart; `TokenizerError.truncation`.
  public func encode(_ rows: TaskExamples, of task: TaskDefinition, limit: Int? = nil) throws -> EncodedTask {
    try Self.checkPairs(rows, config: model.config, tokenizer: tokenizer, path: path)
    return try EncodedTask(
      rows, task: task, with: tokenizer, maxLength: limit ?? lengthLimit(task.maxSequenceLength))
  }

  /// Texts and pairs as the model reads them.
  ///
  /// - Throws: As above.
  public func encode(_ examples: [TextExample], limit: Int) throws -> [EncodedExample] {
    try Self.checkPairs(.texts(examples), config: model.config, tokenizer: tokenizer, path: path)
    return try EncodedExample.encode(examples, with: tokenizer, maxLength: limit)
  }

  /// Checks that a model that tells segments apart has one for each text of a pair.
  ///
  /// - Throws: `TaskError` for rows that are pairs where it has not.
  package static func checkPairs(
    _ rows: TaskExamples, config: EncoderConfig, tokenizer: any Tokenizer, path: String
  ) throws {
    guard let fault = config.pairFault(of: tokenizer) else { return }
    switch rows {
    case .texts(let texts):
      guard let example = texts.first(where: { $0.pair != nil }) else { return }
      let place = example.line > 0 ? " (the first on line \(example.line))" : ""
      throw TaskError("the input holds pairs of texts\(place), but \(path) \(fault)")
    case .questions(let questions):
      guard !questions.isEmpty else { return }
      throw TaskError("a question and its passage are a pair of texts, but \(path) \(fault)")
    case .sentences: return
    }
  }
}

/// Does two things at once, the second on another thread; the error of the first goes before that of the second.
private func both<First, Second>(
  _ here: () throws -> First, _ there: () throws -> Second
) throws -> (First, Second) {
  nonisolated(unsafe) var second: Result<Second, any Error>?
  let first = withoutActuallyEscaping(there) { there in
    nonisolated(unsafe) let there = there
    let done = DispatchGroup()
    DispatchQueue.global(qos: .userInitiated).async(group: done) { second = Result { try there() } }
    let first = Result { try here() }
    done.wait()
    return first
  }
  guard let second else { preconditionFailure("What was waited for has an end: a value or an error.") }
  return (try first.get(), try second.get())
}

extension TokenizedModel {
  /// The logits of each example, row-major; of token heads a row a token.
  func logits(of examples: [EncodedExample]) -> [[Float]] {
    ModelAnswers(model, examples, outputs: nil, batch: .tokens(4096), over: SoleRank(), progress: { _ in })
      .logits
  }
}
