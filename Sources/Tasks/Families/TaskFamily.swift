package import Datasets
import Encoders
import Evaluation
import ModelFormats
import Tensors
package import Tokenization
import Training

/// Family of tasks of one kind, whole: what its files may say, its rows, its head, its loss, its scores and its answers.
///
/// A new kind is one type that conforms, with its name among the kinds, and its line in `TaskKind.allCases`; nothing outside
/// this folder tells kinds apart.
package protocol TaskFamily: Sendable {
  // MARK: What a task file may say

  /// The spelling in files.
  var name: String { get }
  /// The names of the metrics that score the kind, as the official scripts spell them; the first is the usual one.
  var metrics: [String] { get }
  /// The formats its files can have, the usual one first.
  var formats: [DataFormat] { get }
  /// Whether a task of the kind names its labels, or its types of entities.
  var hasLabels: Bool { get }
  /// The keys of a task file that mean something to it, beside those that mean something to every kind.
  var keys: Set<TaskDefinition.CodingKeys> { get }
  /// The usual `max_seq_length`.
  var usualLength: Int { get }
  /// Tokens that two windows over a row too long usually have in common; nil where rows are cut.
  var usualStride: Int? { get }
  /// The tokens of a window that are not of the text: special ones, and those of a question.
  func windowFrame(of task: TaskDefinition) -> Int
  /// The least number of labels.
  var leastLabels: Int { get }
  /// Faults of the names of its labels, beside those of any.
  func labelFaults(of task: TaskDefinition) -> [String]
  /// The labels that a raw value of a file can mean.
  func meanings(of task: TaskDefinition) -> [String]
  /// Faults of the columns or keys of its files.
  func columnFaults(of task: TaskDefinition) -> [String]
  /// Whether a text can be changed and its true answer still be known, as robustness is measured.
  var takesPerturbations: Bool { get }
  /// The key of the text of a row in JSON lines, where the task's files have none.
  var textKey: String { get }
  /// The scores of an evaluation that can decide which of two models is better.
  func decidingScores(of task: TaskDefinition) -> [String]
  /// The best value of its metrics: 1, or 100 where the official script counts in percent.
  var scoreScale: Double { get }
  /// Faults of its metrics together.
  func metricFaults(of task: TaskDefinition) -> [String]
  /// Faults of the settings of its own.
  func settingFaults(of task: TaskDefinition) -> [String]

  // MARK: Its model

  /// The head that answers it.
  var head: TaskHead { get }
  /// Meaning of that head's outputs; nil where the head says so already.
  var problemType: ProblemType? { get }
  /// The names of a model's outputs in order; empty where outputs have no names.
  func outputLabels(of task: TaskDefinition) -> [String]
  /// The labels of a model's configuration; nil where the head has none of its own.
  func modelLabels(of task: TaskDefinition) -> [String]?
  /// The number of outputs for each sequence or token; 0 where the vocabulary decides.
  func outputCount(of task: TaskDefinition) -> Int

  /// Purpose of the head, in words.
  var purpose: String { get }
  /// Fault of the outputs of a model with some labels that are no answer, as the end of a sentence; nil when they are one.
  func outputFault(of labels: [String]) -> String?

  /// Use of a model for a task of the kind, in programs.
  func usage(of task: TaskDefinition, config: EncoderConfig) -> ModelUsage

  // MARK: Its rows

  /// Reads one split.
  ///
  /// - Parameter part: The name of a further file of the split; nil for its main file.
  func read(_ split: DataSplit, part: String?, by reader: TaskReader) throws(DatasetError) -> TaskRows
  /// Reads one split block by block; gives a note for people.
  func stream(
    _ split: DataSplit, by reader: TaskReader, progress: (_ rows: Int) -> Void,
    _ body: (TaskExamples) throws -> Void
  ) throws -> String
  /// Rows as a model reads them, with the way back from its answers.
  func encode(
    _ rows: TaskExamples, of task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> EncodedTask
  /// The examples of a student as a teacher with another tokenizer reads them.
  func align(
    _ rows: TaskExamples, _ student: EncodedTask, by sides: AlignedSides
  ) throws(TokenizerError) -> [AlignedExample]

  // MARK: Its loss and its answers

  /// Targets of a batch: what its sequences or tokens should be answered.
  func targets(of batch: Batch) -> any TaskTargets
  /// Unit of which its head's output has a row each.
  var rows: AnswerRows { get }
  /// Form of its logits: what a row of them means.
  var form: LogitsForm { get }
  /// Whether a model names its outputs, so that those of two models can be told to be the same.
  var namesOutputs: Bool { get }
  /// Whether its answers are tokens of the vocabulary, asked for anew in each epoch.
  var answersWithTokens: Bool { get }
  /// The number of sequences that an example is for a model.
  var sequencesPerExample: Int { get }
  /// The answers that logits of texts stand for, and their scores; of rows seen in windows `encode` gives the way back.
  ///
  /// - Parameters:
  ///   - logits: The logits of each example [outputs].
  ///   - data: The examples.
  func score(_ logits: [[Float]], of data: EncodedTask) throws -> (
    TaskPredictions, [Score]
  )
  /// Predictor that turns texts into examples of a model, and its logits into answers.
  ///
  /// - Parameter settings: How answers are found.
  /// - Throws: `TaskError` when there is nothing to ask such a model.
  func predictor(of model: TokenizedModel, settings: PredictionSettings) throws -> any Predictor
  /// Comparison with guessing: what a model has reached beside it; nil where no row is labelled or guessing is not defined.
  func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison?
}

extension TaskFamily {
  /// The kind of the family.
  package var kind: TaskKind { TaskKind(self) }
  package func score(_ logits: [[Float]], of data: EncodedTask) throws -> (
    TaskPredictions, [Score]
  ) {
    preconditionFailure("A \(name) task has no answers to texts.")
  }
  /// Nil: rows are cut.
  package var usualStride: Int? { nil }
  /// 2: `[CLS]` and `[SEP]`.
  package func windowFrame(of task: TaskDefinition) -> Int { 2 }
  package var usualLength: Int { 128 }
  package var takesPerturbations: Bool { true }
  package var leastLabels: Int { 2 }
  package var textKey: String { "text" }
  package func decidingScores(of task: TaskDefinition) -> [String] { task.decidingMetrics }
  package var scoreScale: Double { 1 }
  package func outputFault(of labels: [String]) -> String? { nil }
  package func labelFaults(of task: TaskDefinition) -> [String] { [] }
  package func meanings(of task: TaskDefinition) -> [String] { task.labels }
  package func metricFaults(of task: TaskDefinition) -> [String] { [] }
  package func settingFaults(of task: TaskDefinition) -> [String] { [] }
  package var problemType: ProblemType? { nil }
  package func outputLabels(of task: TaskDefinition) -> [String] { task.labels }
  package func modelLabels(of task: TaskDefinition) -> [String]? { outputLabels(of: task) }
  package func outputCount(of task: TaskDefinition) -> Int { outputLabels(of: task).count }
  package var form: LogitsForm { .classes }
  package var namesOutputs: Bool { true }
  package var answersWithTokens: Bool { false }
  package var sequencesPerExample: Int { 1 }
}

/// Rows of a split with their file, and a note for people: how many there are, and what was left out or repaired.
package struct TaskRows: Sendable {
  /// The rows.
  package let examples: TaskExamples
  /// The path of their file.
  package let path: String
  /// The note for people.
  package let note: String

  /// The rows of a data set.
  package init<Row>(_ dataset: Dataset<Row>, as form: ([Row]) -> TaskExamples) {
    examples = form(dataset.examples)
    path = dataset.path
    note = dataset.note
  }
}

/// Score of a model beside what guessing reaches, each under its name.
package struct ChanceComparison {
  /// Score of the model.
  package let found: Score
  /// Score of guessing.
  package let chance: Score

  /// The first metric of some names beside chance; nil where the evaluation has none of them.
  init?(_ evaluation: TaskEvaluation, metric names: [String], chance: Double) {
    guard let found = evaluation.result.metrics.first(where: { names.contains($0.name) }) else { return nil }
    (self.found, self.chance) = (found, Score("chance", chance))
  }

  init(found: Score, chance: Score) {
    (self.found, self.chance) = (found, chance)
  }
}

extension TokenizedModel {
  /// Checks that the model has a trained head for a family of tasks.
  ///
  /// - Throws: `TaskError`.
  func check(for family: some TaskFamily) throws {
    guard model.head == family.head, !model.startsWithFreshHead else {
      throw TaskError(
        "\(path) has no trained head for \(family.purpose); expected a model that was trained for it")
    }
  }
}
