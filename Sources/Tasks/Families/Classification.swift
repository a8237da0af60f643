package import Datasets
package import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tensors

/// Family of tasks with one label a text or pair: `classification`, and `pair`, which needs two texts.
package struct Classification: TextFamily {
  package let name: String
  package let needsPair: Bool

  package var metrics: [String] { ["accuracy", "f1", "f1_macro", "f1_micro", "matthews_correlation"] }
  package var hasLabels: Bool { true }
  package var keys: Set<TaskDefinition.CodingKeys> {
    [.labels, .labelValues, .textPairColumn, .dropTrainDuplicates, .textColumn, .labelColumn]
  }
  package var problemType: ProblemType? { .singleLabel }

  package func outputFault(of labels: [String]) -> String? {
    guard labels.count == 1 else { return nil }
    return
      "has one label, \(labels[0]), and problem_type single_label_classification: whatever the text, its score is 1. "
      + "Expected two labels or more, or another problem_type in config.json"
  }

  package func metricFaults(of task: TaskDefinition) -> [String] {
    guard task.metrics.contains("f1"), task.labels.count != 2 else { return [] }
    return [
      "metrics: f1 scores the second of exactly 2 labels, found \(task.labels.count); use f1_macro or f1_micro"
    ]
  }

  package func usage(of task: TaskDefinition, config: EncoderConfig) -> ModelUsage {
    .texts(of: task, needsPair: needsPair)
  }

  package func targetReader(of task: TaskDefinition) -> any TargetReader {
    LabelReader(labels: LabelNames(task))
  }

  package func answerReader(of task: TaskDefinition) -> (any AnswerReader)? { LabelAnswers(task) }

  package func targets(of batch: Batch) -> any TaskTargets { ClassTargets(batch.labels) }

  package func answer(_ logits: [Float], labels: [String]) -> PredictedAnswer {
    let best = logits.indices.max { logits[$0] < logits[$1] } ?? 0
    let first = logits.firstIndex(of: logits[best]) ?? best
    let probabilities = softmax(logits)
    let score = probabilities[first]
    return PredictedAnswer(
      line: "\(inOneCell(labels[first]))\t\(String(format: "%.4f", score))",
      json: [
        "label": .string(labels[first]), "score": .double(score),
        "logits": .array(logits.map { .double(shortest($0)) }),
      ],
      prediction: .string(labels[first]), probability: score,
      probabilities: zip(labels, probabilities).map { ($0, $1) })
  }

  /// Comparison of the accuracy with that of always giving the commonest label.
  package func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison? {
    guard case .labels(let answers) = evaluation.predictions else { return nil }
    var counts: [Int32: Int] = [:]
    var correct = 0
    for (example, answer) in zip(data.examples, answers) where example.label >= 0 {
      counts[example.label, default: 0] += 1
      if data.task.labels[Int(example.label)] == answer.label { correct += 1 }
    }
    guard let most = counts.values.max() else { return nil }
    let total = Double(counts.values.reduce(0, +))
    return ChanceComparison(
      found: Score("accuracy", Double(correct) / total),
      chance: Score("the commonest label", Double(most) / total))
  }

  package func score(
    _ logits: [[Float]], of data: EncodedTask
  ) throws -> (TaskPredictions, [Score]) {
    let task = data.task
    let classes = ClassificationMetrics.predictions(
      logits: logits.flatMap { $0 }, classCount: max(1, task.labels.count))
    let labels = data.examples.map(\.label)
    let isLabelled = labels.contains { $0 >= 0 }
    let answers = zip(classes, logits).map { (label: task.labels[Int($0)], logits: $1) }
    return (
      .labels(answers),
      isLabelled
        ? try ClassificationMetrics.compute(task.metrics, predictions: classes, labels: labels) : []
    )
  }
}

/// Reader of one label a row.
private struct LabelReader: TargetReader {
  let labels: LabelNames

  func target(_ raw: RawTarget, in split: DataSplit, line: Int) -> Result<ExampleTarget, RowFault> {
    let raw = raw.trimmed
    if let index = labels[raw] { return .success(.label(Int32(index))) }
    // GLUE's own test files have no label; Hugging Face's copies have -1.
    if split == .test && (raw.isEmpty || wholeNumber(raw) == -1) { return .success(.none) }
    return .failure(
      RowFault(
        line: line, found: raw.isEmpty ? "no label" : "the label \"\(raw)\"", expected: labels.expected))
  }
}

/// Reader of the probabilities of labels of which one applies.
private struct LabelAnswers: AnswerReader {
  private let names: LabelNames
  private let labels: [String]

  /// How far probabilities may be from adding up to 1, as rounded ones are.
  private static let tolerance = 0.01

  init(_ task: TaskDefinition) {
    (names, labels) = (LabelNames(task), task.labels)
  }

  func values(of answer: StatedAnswer, line: Int) throws(RowFault) -> [Double] {
    switch answer {
    case .probabilities(let named): return try shared(try names.placed(named, among: labels, line), line)
    case .list(let list):
      guard list.count == labels.count else {
        throw RowFault(
          line: line, found: "\(list.count) probabilities",
          expected: "\(labels.count), one for each of \(labels.joined(separator: ", "))")
      }
      for (label, value) in zip(labels, list) { try LabelNames.checkProbability(value, of: label, line) }
      return try shared(list.map { $0 }, line)
    case .label(let name, let confidence):
      if let confidence { try LabelNames.checkProbability(confidence, of: name, line) }
      return try shared(try names.placed([(name, confidence ?? 1)], among: labels, line), line)
    case .labels(let list):
      guard list.count == 1 else {
        throw RowFault(line: line, found: "\(list.count) labels", expected: "one label")
      }
      return try shared(try names.placed([(list[0], 1)], among: labels, line), line)
    case .tokens(let tokens): return try values(ofTokens: tokens, line)
    case .value(let value):
      throw RowFault(
        line: line, found: "the value \(value)",
        expected: "probabilities of the labels \(labels.joined(separator: ", "))")
    }
  }

  func values(of target: ExampleTarget) -> [Double]? {
    guard case .label(let label) = target, labels.indices.contains(Int(label)) else { return nil }
    return labels.indices.map { $0 == Int(label) ? 1 : 0 }
  }

  /// Logarithms, which a softmax turns back into the probabilities.
  func logits(of values: [Double]) -> [Float] {
    values.map { Float(log(max($0, LabelNames.leastProbability))) }
  }

  /// Probabilities that add up to 1: labels left out share what is missing.
  private func shared(_ values: [Double?], _ line: Int) throws(RowFault) -> [Double] {
    let known = values.compactMap { $0 }
    let (sum, missing) = (known.reduce(0, +), values.count - known.count)
    guard sum <= 1 + Self.tolerance, missing > 0 || sum >= 1 - Self.tolerance else {
      throw RowFault(
        line: line, found: "probabilities that add up to \(LabelNames.shown(sum))",
        expected: missing > 0 ? "at most 1, of which the labels left out share the rest" : "1")
    }
    let rest = missing > 0 ? max(0, 1 - sum) / Double(missing) : 0
    let total = max(sum, missing > 0 ? 1 : sum)
    return values.map { ($0 ?? rest) / total }
  }

  /// The probabilities of the labels among tokens, given that the token is a label: what other tokens have does not count,
  /// and labels that are not listed share the mass of all that is not listed.
  private func values(
    ofTokens tokens: [(token: String, value: Double)], _ line: Int
  ) throws(RowFault) -> [Double] {
    var values = [Double?](repeating: nil, count: labels.count)
    var (sum, other) = (0.0, 0.0)
    for (token, value) in tokens {
      let name = token.trimmingCharacters(in: .whitespacesAndNewlines.union(["\"", "▁", "Ġ"]))
      sum += value
      if let index = names.index(ofAnswer: name, among: labels) {
        values[index] = (values[index] ?? 0) + value
      } else {
        other += value
      }
    }
    guard values.contains(where: { $0 != nil }) else {
      let found = tokens.prefix(5).map { "\"\($0.token)\"" }.joined(separator: ", ")
      throw RowFault(line: line, found: "tokens of which none is a label: \(found)", expected: names.expected)
    }
    guard sum <= 1 + Self.tolerance else {
      throw RowFault(
        line: line, found: "probabilities that add up to \(LabelNames.shown(sum))", expected: "at most 1")
    }
    let missing = values.count { $0 == nil }
    let rest = missing > 0 ? max(0, 1 - sum) / Double(missing) : 0
    let found = values.map { $0 ?? rest }
    let total = found.reduce(0, +)
    guard total > 0 else {
      throw RowFault(line: line, found: "labels of probability 0", expected: "at least one above 0")
    }
    return found.map { $0 / total }
  }
}

extension TaskKind {
  /// One label for one text, or for a pair of texts when `text_pair_column` is given.
  public static let classification = TaskKind(Classification(name: "classification", needsPair: false))
  /// One label for two texts; like `classification`, and `text_pair_column` is required.
  public static let pair = TaskKind(Classification(name: "pair", needsPair: true))
}
