package import Datasets
package import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tensors

/// Family of tasks with any number of labels a text or pair.
package struct MultiLabelClassification: TextFamily {
  package var name: String { "multi_label" }
  package var metrics: [String] { ["f1_micro", "f1_macro", "accuracy"] }
  package var hasLabels: Bool { true }
  package var keys: Set<TaskDefinition.CodingKeys> {
    [
      .labels, .labelValues, .labelColumns, .labelSeparator, .textPairColumn, .dropTrainDuplicates,
      .textColumn,
      .labelColumn,
    ]
  }
  package var problemType: ProblemType? { .multiLabel }

  package func usage(of task: TaskDefinition, config: EncoderConfig) -> ModelUsage {
    .texts(of: task, arguments: ", top_k=None")
  }

  package func targetReader(of task: TaskDefinition) -> any TargetReader { LabelSetReader(task) }

  package func answerReader(of task: TaskDefinition) -> (any AnswerReader)? { LabelSetAnswers(task) }

  package func targets(of batch: Batch) -> any TaskTargets {
    NumberTargets.labelMatrix(batch.labelMatrix)
  }

  package var form: LogitsForm { .independentLabels }

  package func answer(_ logits: [Float], labels: [String]) -> PredictedAnswer {
    let chosen = zip(labels, logits).compactMap { $1 > 0 ? $0 : nil }
    return PredictedAnswer(
      line: inOneCell(chosen.joined(separator: ",")),
      json: [
        "labels": .array(chosen.map { .string($0) }),
        "logits": .array(logits.map { .double(shortest($0)) }),
      ],
      prediction: .array(chosen.map { .string($0) }),
      probabilities: zip(labels, probabilities(logits)).map { ($0, $1) })
  }

  /// The probability of each label by itself.
  package func probabilities(_ logits: [Float]) -> [Double] { logits.map { 1 / (1 + exp(-Double($0))) } }

  /// Logits of the windows' probabilities together.
  package func combined(_ windows: [[Float]], by pooling: WindowPooling) -> [Float] {
    pooling.combined(windows.map { probabilities($0) }).map {
      Float(log($0 / Swift.max(1 - $0, .leastNormalMagnitude)))
    }
  }

  package func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison? {
    ChanceComparison(evaluation, metric: ["f1_micro", "f1_macro"], chance: 0.01)
  }

  package func score(
    _ logits: [[Float]], of data: EncodedTask
  ) throws -> (TaskPredictions, [Score]) {
    let task = data.task
    let answers = logits.map { row in
      (labels: zip(task.labels, row).compactMap { $1 > 0 ? $0 : nil }, logits: row)
    }
    var (predicted, known): ([Bool], [Bool]) = ([], [])
    for (example, row) in zip(data.examples, logits) {
      guard case .labels(let flags) = example.target else { continue }
      predicted += MultiLabelMetrics.predictions(logits: row)
      known += flags
    }
    if known.isEmpty { return (.labelSets(answers), []) }
    return (
      .labelSets(answers),
      try MultiLabelMetrics.compute(
        task.metrics, predictions: predicted, labels: known, classCount: task.labels.count)
    )
  }
}

/// Reader of the labels that apply to a row: a list, or a 0 or 1 for each label.
private struct LabelSetReader: TargetReader {
  private let names: LabelNames
  private let labels: [String]
  private let separator: String

  init(_ task: TaskDefinition) {
    names = LabelNames(task)
    labels = task.labels
    separator = task.labelSeparator
  }

  func target(_ raw: RawTarget, in split: DataSplit, line: Int) -> Result<ExampleTarget, RowFault> {
    func trimmed(_ text: String) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }
    var listed: [String]
    switch raw {
    case .none:
      if split == .test { return .success(.none) }
      return .failure(RowFault(line: line, found: "no labels", expected: "a list, empty where none applies"))
    case .scalar(let text):
      if split == .test && wholeNumber(trimmed(text)) == -1 { return .success(.none) }
      listed = text.components(separatedBy: separator).map(trimmed)
      if listed == [""] { listed = [] }
    case .list(let list): listed = list.map(trimmed)
    case .flags(let cells): return target(ofFlags: cells, in: split, line: line)
    }
    var flags = [Bool](repeating: false, count: labels.count)
    for name in listed {
      guard let index = names[name] else {
        return .failure(RowFault(line: line, found: "the label \"\(name)\"", expected: names.expected))
      }
      flags[index] = true
    }
    return .success(.labels(flags))
  }

  private func target(
    ofFlags cells: [String], in split: DataSplit, line: Int
  ) -> Result<ExampleTarget, RowFault> {
    var flags: [Bool] = []
    for (cell, label) in zip(cells, labels) {
      switch cell.trimmingCharacters(in: .whitespaces) {
      case "0", "0.0", "false", "False": flags.append(false)
      case "1", "1.0", "true", "True": flags.append(true)
      // Jigsaw's test labels have -1 where nobody judged.
      case "-1" where split == .test: return .success(.none)
      case let text:
        return .failure(
          RowFault(line: line, found: "\"\(text)\" in the column of \"\(label)\"", expected: "0 or 1"))
      }
    }
    return .success(.labels(flags))
  }
}

/// Reader of the probabilities of labels that apply side by side, each by itself.
private struct LabelSetAnswers: AnswerReader {
  private let names: LabelNames
  private let labels: [String]
  private let separator: String

  init(_ task: TaskDefinition) {
    (names, labels, separator) = (LabelNames(task), task.labels, task.labelSeparator)
  }

  func values(of answer: StatedAnswer, line: Int) throws(RowFault) -> [Double] {
    let found: [(label: String, value: Double)]
    switch answer {
    case .probabilities(let named): found = named
    case .list(let list) where list.count == labels.count: found = Array(zip(labels, list))
    case .list(let list):
      throw RowFault(
        line: line, found: "\(list.count) probabilities", expected: "\(labels.count), one for each label")
    case .labels(let list): return try values(ofApplying: list, line)
    case .label(let text, nil):
      let list = text.components(separatedBy: separator)
        .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
      return try values(ofApplying: list == [""] ? [] : list, line)
    case .label(let name, .some):
      throw RowFault(
        line: line, found: "one label, \"\(name)\", with a confidence",
        expected: "a probability for each label, or \"labels\", those that apply")
    case .tokens, .value:
      throw RowFault(
        line: line, found: "an answer that is one label or number",
        expected: "a probability for each label, or \"labels\", those that apply")
    }
    let values = try names.placed(found, among: labels, line)
    let missing = zip(labels, values).compactMap { $1 == nil ? $0 : nil }
    guard missing.isEmpty else {
      throw RowFault(
        line: line, found: "no probability of \(missing.joined(separator: ", "))",
        expected: "one for each label, since each applies or not by itself")
    }
    return values.compactMap { $0 }
  }

  func values(of target: ExampleTarget) -> [Double]? {
    guard case .labels(let flags) = target else { return nil }
    return flags.map { $0 ? 1 : 0 }
  }

  /// Logits, which a sigmoid turns back into the probabilities.
  func logits(of values: [Double]) -> [Float] {
    values.map { value in
      let sure = min(max(value, LabelNames.leastProbability), 1 - LabelNames.leastProbability)
      return Float(log(sure / (1 - sure)))
    }
  }

  private func values(ofApplying list: [String], _ line: Int) throws(RowFault) -> [Double] {
    var values = [Double](repeating: 0, count: labels.count)
    for name in list {
      guard let index = names.index(ofAnswer: name, among: labels) else {
        throw RowFault(line: line, found: "the label \"\(name)\"", expected: names.expected)
      }
      values[index] = 1
    }
    return values
  }
}

extension TaskKind {
  /// Any number of labels for a text.
  public static let multiLabel = TaskKind(MultiLabelClassification())
}
