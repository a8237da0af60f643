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

extension TaskKind {
  /// One label for one text, or for a pair of texts when `text_pair_column` is given.
  public static let classification = TaskKind(Classification(name: "classification", needsPair: false))
  /// One label for two texts; like `classification`, and `text_pair_column` is required.
  public static let pair = TaskKind(Classification(name: "pair", needsPair: true))
}
