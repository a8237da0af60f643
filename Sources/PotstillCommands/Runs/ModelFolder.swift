import Encoders
import Foundation
import Kernels
import TaskData
import Tasks
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
    try model.checkAsStart(path)
  }

  /// Loads a directory whose model answers tasks of a kind.
  init(_ path: String, for kind: TaskKind, console: Console) throws {
    try self.init(path, head: kind.head, console: console)
    let problem = model.config.problem
    if model.head == kind.head, let wanted = kind.problemType, wanted != problem {
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
  ///   - console: Hears what is odd about the model.
  init(_ path: String, head: TaskHead? = nil, needsHead: Bool = true, console: Console) throws {
    try self.init(path) { try TaskModel(directory: $0, head: head) }
    try model.checkAsAnswering(path, console: console)
    noteRepeatedTokens(on: console)
    if needsHead, model.startsWithFreshHead {
      throw CommandError(
        "\(path) has no head for \(model.config.taskFamily.purpose); expected a model that was trained for it. Train one with "
          + "'potstill train --model \(path)'")
    }
  }

  private init(_ path: String, load: (URL) throws -> TaskModel) throws {
    let url = URL(filePath: path, directoryHint: .isDirectory)
    self.path = path
    // Both take about the same time.
    (tokenizer, model) = try both({ try loadTokenizer(directory: url) }, { try load(url) })
    FreeMemory.giveBack()
    try checkVocabulary()
  }

  /// The model must have a row for every id and every segment of the tokenizer.
  func checkVocabulary() throws {
    if let fault = model.config.fault(of: tokenizer) { throw CommandError("\(path): \(fault)") }
  }

  /// The longest input, special tokens included, that model, tokenizer and task allow.
  func lengthLimit(_ asked: Int?) -> Int {
    [asked, tokenizer.modelMaxLength, model.config.maxPositions].compactMap { $0 }.min() ?? 512
  }

  /// The longest input as above; says so when the model reads less than was asked for.
  func lengthLimit(_ asked: Int?, console: Console) -> Int {
    let limit = lengthLimit(asked)
    if let asked, asked > limit {
      console.warn(
        "\(path) reads \(limit) tokens at most, so texts are cut there and not at the \(asked) asked for")
    }
    return limit
  }

  /// Writes the directory.
  func save(to url: URL) throws { try model.save(to: url, tokenizer: tokenizer) }

  /// Rows of a task as the model reads them.
  func encode(_ rows: TaskExamples, of task: TaskDefinition, limit: Int? = nil) throws -> EncodedTask {
    try Self.checkPairs(rows, config: model.config, tokenizer: tokenizer, path: path)
    return try EncodedTask(
      rows, task: task, with: tokenizer, maxLength: limit ?? lengthLimit(task.maxSequenceLength))
  }

  /// Texts and pairs as the model reads them.
  func encode(_ examples: [TextExample], limit: Int) throws -> [EncodedExample] {
    try Self.checkPairs(.texts(examples), config: model.config, tokenizer: tokenizer, path: path)
    return try EncodedExample.encode(examples, with: tokenizer, maxLength: limit)
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
