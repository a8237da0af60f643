public import Datasets
import ModelFormats
import Tasks
import Tensors
import Tokenization

/// Teacher whose answers to all training examples are at hand, whoever gave them: a language model, people, rules.
public struct AnswersTeacher: Teacher {
  /// Head, labels and name.
  public let description: ModelDescription
  /// Logits of each training example [examples][outputs].
  public let logits: [[Float]]

  /// A teacher of some answers.
  ///
  /// - Parameters:
  ///   - logits: Logits of each training example [examples][outputs], in the examples' order; logarithms of probabilities where
  ///     one label applies.
  ///   - description: Head, labels and name; see `ModelDescription.init(answersOf:head:problem:labels:vocabularySize:)`.
  public init(_ logits: [[Float]], description: ModelDescription) {
    precondition(
      logits.allSatisfy { $0.count == logits[0].count }, "Every answer needs a number for each output.")
    (self.logits, self.description) = (logits, description)
  }

  /// True: the answers are at hand.
  public var keepsAnswers: Bool { true }

  /// Checks that there is an answer to each example.
  public func prepare(
    for examples: EncodedExamples, config: DistillationConfig, batches: @escaping () -> [[Int]]
  ) throws(DistillationError) {
    guard config.usesTeacherLogits, examples.count != logits.count else { return }
    throw .invalidConfiguration([
      Fault(
        "teacher",
        "\(description.name) has \(logits.count) answers, expected \(examples.count), one for each example"
      )
    ])
  }

  /// The answers to a batch.
  public func answers(to batch: Batch, wanting request: AnswerRequest) throws -> Answers {
    let rows = batch.indices.map { logits[$0] }
    let form = description.family.form
    let values = Tensor(rows.flatMap { $0 }, shape: [rows.count, rows[0].count])
    return Answers(logits: form.parts(of: values), logitsKind: form.kind(starts: batch.tokens.starts))
  }
}
