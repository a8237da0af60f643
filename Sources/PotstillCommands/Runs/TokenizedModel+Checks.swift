import Encoders
import Foundation
import TaskData
import Tasks
import Tokenization

extension TaskModel {
  /// Checks a model whose answers are wanted: says what of its checkpoint is not used, and refuses weights that are NaN or
  /// infinite.
  ///
  /// - Parameter path: The folder as the user named it.
  func checkAsAnswering(_ path: String, console: Console) throws {
    try checkNumbers(path, console: console)
    if let fault = config.outputFault {
      throw CommandError("\(path) \(fault)")
    }
    if let ignored = loadReport?.ignoredText { console.warn("\(path): \(ignored)") }
  }

  /// Refuses weights that are NaN or infinite unless they are allowed, and says so if they are.
  func checkNumbers(_ path: String, console: Console) throws {
    if let fault = nonFiniteFault(path) {
      guard console.allowsNonFinite else {
        throw CommandError(
          "\(fault), so its answers mean nothing; take an earlier checkpoint of it, or add --allow-nonfinite")
      }
      console.warn(fault)
    }
  }

  /// Checks a model that training goes on from: refuses weights that are NaN or infinite.
  ///
  /// - Parameter path: The folder as the user named it.
  func checkAsStart(_ path: String) throws {
    if let fault = nonFiniteFault(path) {
      throw CommandError("\(fault), from which nothing can be learnt; take an earlier checkpoint of it")
    }
  }

  private func nonFiniteFault(_ path: String) -> String? {
    loadReport?.nonFiniteText.map { "\(path): the weights hold NaN or infinite values (\($0))" }
  }
}

extension EncoderConfig {
  /// Why the outputs of the head are no answer, as the end of a sentence; nil when they are.
  var outputFault: String? { taskFamily.outputFault(of: labels) }
}

extension TokenizedModel {
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

  /// The longest input as above; says so when the model reads less than was asked for.
  func lengthLimit(_ asked: Int?, console: Console) -> Int {
    let limit = lengthLimit(asked)
    if let asked, asked > limit {
      console.warn(
        "\(path) reads \(limit) tokens at most, so texts are cut there and not at the \(asked) asked for")
    }
    return limit
  }

  /// Says which tokens the vocabulary names more than once.
  func noteRepeatedTokens(on console: Console) { tokenizer.noteRepeatedTokens(path, on: console) }
}

extension Tokenizer {
  /// Says which tokens the vocabulary names more than once.
  ///
  /// - Parameter path: The folder as the user named it.
  func noteRepeatedTokens(_ path: String, on console: Console) {
    let repeated = repeatedTokens
    guard let first = repeated.first else { return }
    console.warn(
      "\(path): the vocabulary has \(repeated.count) lines whose token comes again later (such as \"\(first)\"); as in "
        + "transformers, the last line counts")
  }
}
