import Datasets
public import Encoders
import Foundation
import Tokenization

extension TaskModel {
  /// Checks a model whose answers are wanted: notes which tensors of its checkpoint are not used, and refuses weights that are
  /// NaN or infinite.
  ///
  /// - Parameter path: The folder as the user named it.
  package func checkAsAnswering(_ path: String, allowsNonFinite: Bool, listener: any WorkListener) throws {
    try checkNumbers(path, allowsNonFinite: allowsNonFinite, listener: listener)
    if let fault = config.outputFault {
      throw TaskError("\(path) \(fault)")
    }
    if let ignored = loadReport?.ignoredText { listener.warn("\(path): \(ignored)") }
  }

  /// Refuses weights that are NaN or infinite unless they are allowed, and says so if they are.
  package func checkNumbers(_ path: String, allowsNonFinite: Bool, listener: any WorkListener) throws {
    if let fault = nonFiniteFault(path) {
      guard allowsNonFinite else {
        throw TaskError(
          "\(fault), so its answers mean nothing; take an earlier checkpoint of it, or add --allow-nonfinite")
      }
      listener.warn(fault)
    }
  }

  /// Checks a model that training goes on from: refuses weights that are NaN or infinite, and those that are integers.
  ///
  /// - Parameter path: The folder as the user named it.
  package func checkAsStart(_ path: String) throws {
    if isQuantized {
      throw TaskError(
        "\(path): the weights are 8-bit integers, which cannot be trained; take the model of floats that it was made of"
      )
    }
    if let fault = nonFiniteFault(path) {
      throw TaskError("\(fault), from which nothing can be learnt; take an earlier checkpoint of it")
    }
  }

  private func nonFiniteFault(_ path: String) -> String? {
    loadReport?.nonFiniteText.map { "\(path): the weights hold NaN or infinite values (\($0))" }
  }
}

extension EncoderConfig {
  /// Reason why the outputs of the head are no answer, as the end of a sentence; nil when they are.
  package var outputFault: String? { taskFamily.outputFault(of: labels) }
}

extension TokenizedModel {
  /// Loads a directory to train a task's model from; a head that it lacks starts at random.
  ///
  /// - Throws: `TaskError` for weights that are NaN or infinite; what loading throws.
  public init(
    _ path: String, toTrain task: TaskDefinition, seed: UInt64,
    listener: any WorkListener = SilentListener()
  ) throws {
    try self.init(path, listener: listener) {
      try TaskModel(
        directory: $0, head: task.kind.head, labels: task.modelLabels, problemType: task.kind.problemType,
        seed: seed)
    }
    try model.checkAsStart(path)
  }

  /// Loads a directory whose model answers tasks of a kind.
  ///
  /// - Throws: `TaskError`, also for weights that are NaN or infinite unless they are allowed; what loading throws.
  public init(
    _ path: String, for kind: TaskKind, allowsNonFinite: Bool = false,
    listener: any WorkListener = SilentListener()
  ) throws {
    try self.init(path, head: kind.head, allowsNonFinite: allowsNonFinite, listener: listener)
    let problem = model.config.problem
    if model.head == kind.head, let wanted = kind.problemType, wanted != problem {
      throw TaskError(
        "\(path) answers with problem type \(problem.rawValue), but the task is of the kind \(kind.rawValue), "
          + "which needs \(wanted.rawValue); train a model on this task")
    }
  }

  /// Loads a directory as it is.
  ///
  /// - Parameters:
  ///   - head: The head that is needed; nil takes the directory's.
  ///   - needsHead: Whether a head that starts at random is an error.
  ///   - allowsNonFinite: Whether weights that are NaN or infinite are only warned of.
  ///   - listener: Hears what is odd about the model.
  /// - Throws: `TaskError`; what loading throws.
  public init(
    _ path: String, head: TaskHead? = nil, needsHead: Bool = true, allowsNonFinite: Bool = false,
    listener: any WorkListener = SilentListener()
  ) throws {
    try self.init(path, listener: listener) { try TaskModel(directory: $0, head: head) }
    try model.checkAsAnswering(path, allowsNonFinite: allowsNonFinite, listener: listener)
    noteRepeatedTokens(on: listener)
    if needsHead, model.startsWithFreshHead {
      throw TaskError(
        "\(path) has no head for \(model.config.taskFamily.purpose); expected a model that was trained for it. Train one with "
          + "'potstill train --model \(path)'")
    }
  }

  /// The longest input as above; says so when the model reads less than was asked for.
  package func lengthLimit(_ asked: Int?, listener: any WorkListener) -> Int {
    let limit = lengthLimit(asked)
    if let asked, asked > limit {
      listener.warn(
        "\(path) reads \(limit) tokens at most, so texts are cut there and not at the \(asked) asked for")
    }
    return limit
  }

  /// Says which tokens the vocabulary names more than once.
  package func noteRepeatedTokens(on listener: any WorkListener) {
    tokenizer.noteRepeatedTokens(path, on: listener)
  }
}

extension Tokenizer {
  /// Says which tokens the vocabulary names more than once.
  ///
  /// - Parameter path: The folder as the user named it.
  package func noteRepeatedTokens(_ path: String, on listener: any WorkListener) {
    let repeated = repeatedTokens
    guard let first = repeated.first else { return }
    listener.warn(
      "\(path): the vocabulary has \(repeated.count) lines whose token comes again later (such as \"\(first)\"); as in "
        + "transformers, the last line counts")
  }
}
