import Encoders
import Evaluation
import ModelFormats
package import TaskData
import Tensors
package import Tokenization
import Training

/// Family of tasks of one kind, whole: what its files may say, its rows, its head, its loss, its scores and its answers.
///
/// A new kind is one type that conforms, its spelling in `TaskKind` and its line in `TaskKind.family`; nothing outside this
/// folder tells kinds apart.
package protocol TaskFamily: Sendable {
  // MARK: What a task file may say

  /// The spelling in files.
  var kind: TaskKind { get }
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
  /// Where rows too long are seen in windows: the usual tokens that two of them have in common; nil where rows are cut.
  var usualStride: Int? { get }
  /// The tokens of a window that are not of the text: special ones, and those of a question.
  func windowFrame(of task: TaskDefinition) -> Int
  /// The least number of labels.
  var leastLabels: Int { get }
  /// What is wrong with the names of its labels, beside what is wrong with any.
  func labelFaults(of task: TaskDefinition) -> [String]
  /// The labels that a raw value of a file can mean.
  func meanings(of task: TaskDefinition) -> [String]
  /// What is wrong with the columns or keys of its files.
  func columnFaults(of task: TaskDefinition) -> [String]
  /// The key of the text of a row in JSON lines, where the task's files have none.
  var textKey: String { get }
  /// The scores of an evaluation that can decide which of two models is better.
  func decidingScores(of task: TaskDefinition) -> [String]
  /// What is wrong with its metrics together.
  func metricFaults(of task: TaskDefinition) -> [String]
  /// What is wrong with the settings of its own.
  func settingFaults(of task: TaskDefinition) -> [String]

  // MARK: Its model

  /// The head that answers it.
  var head: TaskHead { get }
  /// What the outputs of that head mean; nil where the head says so already.
  var problemType: ProblemType? { get }
  /// The names of a model's outputs in order; empty where outputs have no names.
  func outputLabels(of task: TaskDefinition) -> [String]
  /// The labels of a model's configuration; nil where the head has none of its own.
  func modelLabels(of task: TaskDefinition) -> [String]?
  /// The number of outputs for each sequence or token; 0 where the vocabulary decides.
  func outputCount(of task: TaskDefinition) -> Int

  /// What the head is for, in words.
  var purpose: String { get }
  /// Why the outputs of a model with some labels are no answer, as the end of a sentence; nil when they are.
  func outputFault(of labels: [String]) -> String?

  // MARK: Its rows

  /// Reads one split.
  ///
  /// - Parameter part: The name of a further file of the split; nil for its main file.
  func read(_ split: DataSplit, part: String?, by reader: TaskReader) throws(TaskDataError) -> TaskRows
  /// Rows as a model reads them, with the way back from its answers.
  func encode(
    _ rows: TaskExamples, of task: TaskDefinition, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> EncodedTask
  /// The examples of a student as a teacher with another tokenizer reads them.
  func align(
    _ rows: TaskExamples, _ student: EncodedTask, by sides: AlignedSides
  ) throws(TokenizerError) -> [AlignedExample]

  // MARK: Its loss and its answers

  /// What a batch's sequences or tokens should be answered.
  func targets(of batch: LabeledBatch) -> any TaskTargets
  /// What a row of its head's output is of.
  var rows: AnswerRows { get }
  /// What a row of logits means.
  var form: LogitsForm { get }
  /// Whether a model names its outputs, so that those of two models can be told to be the same.
  var namesOutputs: Bool { get }
  /// Whether its answers are tokens of the vocabulary, asked for anew in each epoch.
  var answersWithTokens: Bool { get }
  /// What turns texts into examples of a model, and its logits into answers.
  ///
  /// - Parameter settings: How answers to questions are found.
  /// - Throws: `TaskError` when there is nothing to ask such a model.
  func predictor(of model: TokenizedModel, settings: QuestionSettings) throws -> any Predictor
  /// What guessing reaches, and what a model has reached; nil where no row is labelled or guessing is not defined.
  func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison?
}

extension TaskFamily {
  /// No windows.
  package var usualStride: Int? { nil }
  /// `[CLS]` and `[SEP]`.
  package func windowFrame(of task: TaskDefinition) -> Int { 2 }
  package var usualLength: Int { 128 }
  package var leastLabels: Int { 2 }
  package var textKey: String { "text" }
  package func decidingScores(of task: TaskDefinition) -> [String] { task.decidingMetrics }
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
}

extension TaskKind {
  /// The family of the kind: the one list of all families.
  package var family: any TaskFamily {
    switch self {
    case .classification: Classification(kind: .classification)
    case .pair: Classification(kind: .pair)
    case .regression: Regression()
    case .multiLabel: MultiLabelClassification()
    case .tokenClassification: EntityRecognition()
    case .questionAnswering: QuestionAnswering()
    case .maskedLanguageModel: MaskedWords()
    }
  }
}

extension TaskKind {
  /// The family of tasks that a head answers.
  package static func family(of head: TaskHead, _ problem: ProblemType) -> any TaskFamily {
    let ofHead = allCases.map(\.family).filter { $0.head == head }
    guard let family = ofHead.first(where: { $0.problemType == nil || $0.problemType == problem }) else {
      preconditionFailure("Every head has a family of tasks, \(head) with \(problem.rawValue) too.")
    }
    return family
  }
}

extension EncoderConfig {
  /// The family of tasks that a model of this configuration answers.
  package var taskFamily: any TaskFamily { TaskKind.family(of: head, problem) }
}

/// Rows of a split with their file, and for people how many there are, and what was left out or repaired.
package struct TaskRows: Sendable {
  /// The rows.
  package let examples: TaskExamples
  /// The path of their file.
  package let path: String
  /// The account.
  package let account: String

  /// The rows of a data set.
  package init<Row>(_ dataset: Dataset<Row>, as form: ([Row]) -> TaskExamples) {
    examples = form(dataset.examples)
    path = dataset.path
    account = dataset.account
  }
}

/// Score of a model beside what guessing reaches, each under its name.
package struct ChanceComparison {
  /// What the model reached.
  package let found: (name: String, value: Double)
  /// What guessing reaches.
  package let chance: (name: String, value: Double)

  /// The first metric of some names beside chance; nil where the evaluation has none of them.
  init?(_ evaluation: TaskEvaluation, metric names: [String], chance: Double) {
    guard let found = evaluation.result.metrics.first(where: { names.contains($0.name) }) else { return nil }
    (self.found, self.chance) = (found, ("chance", chance))
  }

  init(found: (name: String, value: Double), chance: (name: String, value: Double)) {
    (self.found, self.chance) = (found, chance)
  }
}
