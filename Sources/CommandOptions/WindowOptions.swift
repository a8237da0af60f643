import ArgumentParser
import Datasets
import ModelFormats
import Tasks

/// Options of questions and entities that replace the task's, under the names of `run_qa` and `run_ner`.
package struct WindowOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Questions, entities: tokens that two windows over a long text share (default: the task's).",
      valueName: "n"))
  package var docStride: Int?

  @Option(
    help: ArgumentHelp("Questions: the longest answer in tokens (default: the task's).", valueName: "n"))
  package var maxAnswerLength: Int?

  @Option(
    help: ArgumentHelp(
      "Questions: starts and ends that are combined into answers (default: the task's).", valueName: "n"))
  package var nBestSize: Int?

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "Questions: how much better than the best answer \"no answer\" must score to be given (default: the task's).",
      valueName: "number"))
  package var nullScoreDiffThreshold: Double?

  @Flag(
    inversion: .prefixedNo,
    help: "Entities: give every piece of a word a tag, not its first alone (default: the task's).")
  package var labelAllTokens: Bool?

  package init() {}

  /// The task with these settings.
  ///
  /// - Throws: `UsageError` for a setting that a task of its kind does not have; the reader checks the values.
  package func applied(to task: TaskDefinition) throws -> TaskDefinition {
    var task = task
    let given: [(option: String, isGiven: Bool, key: TaskDefinition.CodingKeys)] = [
      ("--doc-stride", docStride != nil, .docStride),
      ("--max-answer-length", maxAnswerLength != nil, .maxAnswerLength),
      ("--n-best-size", nBestSize != nil, .nBestSize),
      ("--null-score-diff-threshold", nullScoreDiffThreshold != nil, .nullScoreDiffThreshold),
      ("--label-all-tokens", labelAllTokens != nil, .labelAllTokens),
    ]
    let family = task.kind.family
    if let misplaced = given.first(where: { $0.isGiven && !family.keys.contains($0.key) }) {
      throw UsageError(
        "\(misplaced.option) means nothing to \(task.name), a task of kind \(task.kind.rawValue)")
    }
    task.docStride = docStride ?? task.docStride
    task.questions.maxAnswerLength = maxAnswerLength ?? task.questions.maxAnswerLength
    task.questions.nBestSize = nBestSize ?? task.questions.nBestSize
    task.questions.nullScoreDiffThreshold = nullScoreDiffThreshold ?? task.questions.nullScoreDiffThreshold
    task.entities.labelAllTokens = labelAllTokens ?? task.entities.labelAllTokens
    return task
  }
}
