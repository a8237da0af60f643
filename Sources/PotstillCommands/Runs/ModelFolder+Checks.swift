import Encoders
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

extension ModelFolder {
  /// Says which tokens the vocabulary names more than once.
  func noteRepeatedTokens(on console: Console) { tokenizer.noteRepeatedTokens(path, on: console) }

  /// A model that tells segments apart must have one for each text of a pair.
  static func checkPairs(
    _ rows: TaskExamples, config: EncoderConfig, tokenizer: any Tokenizer, path: String
  ) throws {
    guard let fault = config.pairFault(of: tokenizer) else { return }
    switch rows {
    case .texts(let texts):
      guard let example = texts.first(where: { $0.pair != nil }) else { return }
      let place = example.line > 0 ? " (the first on line \(example.line))" : ""
      throw CommandError("the input holds pairs of texts\(place), but \(path) \(fault)")
    case .questions(let questions):
      guard !questions.isEmpty else { return }
      throw CommandError("a question and its passage are a pair of texts, but \(path) \(fault)")
    case .sentences: return
    }
  }
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
