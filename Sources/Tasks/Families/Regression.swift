package import Datasets
package import Encoders
import Evaluation
import ModelFormats
import Tensors

/// Family of tasks with one number a text or pair (STS-B).
package struct Regression: TextFamily {
  package var name: String { "regression" }
  package var metrics: [String] { ["pearson", "spearmanr", "combined_score", "mse", "mae"] }
  package var hasLabels: Bool { false }
  package var keys: Set<TaskDefinition.CodingKeys> {
    [.labelRange, .textPairColumn, .dropTrainDuplicates, .textColumn, .labelColumn]
  }
  package var problemType: ProblemType? { .regression }

  package func outputFault(of labels: [String]) -> String? {
    guard labels.count > 1 else { return nil }
    return
      "is a regression with \(labels.count) outputs (\(labels.joined(separator: ", "))); expected one number a text"
  }

  package func modelLabels(of task: TaskDefinition) -> [String]? { ["LABEL_0"] }
  package func outputCount(of task: TaskDefinition) -> Int { 1 }

  package func usage(of task: TaskDefinition, config: EncoderConfig) -> ModelUsage {
    .texts(of: task, arguments: ", function_to_apply=\"none\"", classifies: false)
  }

  package func targetReader(of task: TaskDefinition) -> any TargetReader {
    NumberReader(range: task.labelRange)
  }

  package func answerReader(of task: TaskDefinition) -> (any AnswerReader)? { NumberAnswers(task) }

  package func targets(of batch: Batch) -> any TaskTargets {
    NumberTargets.values(batch.values)
  }

  package var form: LogitsForm { .values }

  package func answer(_ logits: [Float], labels: [String]) -> PredictedAnswer {
    let value: JSONValue = .double(shortest(logits[0]))
    return PredictedAnswer(
      line: "\(logits[0])", json: ["value": value], prediction: value, members: [("value", value)])
  }

  /// The windows' numbers together.
  package func combined(_ windows: [[Float]], by pooling: WindowPooling) -> [Float] {
    pooling.combined(windows.map { $0.map { Double($0) } }).map { Float($0) }
  }

  package func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison? {
    ChanceComparison(evaluation, metric: ["pearson", "spearmanr", "combined_score"], chance: 0.05)
  }

  package func score(
    _ logits: [[Float]], of data: EncodedTask
  ) throws -> (TaskPredictions, [Score]) {
    let values = logits.map { $0[0] }
    let labels = data.examples.map { example in
      if case .value(let value) = example.target { Double(value) } else { Double.nan }
    }
    guard labels.contains(where: { !$0.isNaN }) else { return (.values(values), []) }
    let predictions = values.map { Double($0) }
    var scores: [Score] = []
    for name in data.task.metrics {
      // GLUE's mean of both correlations.
      let names = name == "combined_score" ? ["pearson", "spearmanr"] : [name]
      let parts = try RegressionMetrics.compute(names, predictions: predictions, labels: labels)
      scores.append(Score(name, parts.reduce(0) { $0 + $1.value } / Double(parts.count)))
    }
    return (.values(values), scores)
  }
}

/// Reader of one number a row.
struct NumberReader: TargetReader {
  /// The numbers that the task allows; nil allows all.
  let range: ClosedRange<Double>?

  func target(_ raw: RawTarget, in split: DataSplit, line: Int) -> Result<ExampleTarget, RowFault> {
    let raw = raw.trimmed
    let expected = range.map { "a number from \($0.lowerBound) to \($0.upperBound)" } ?? "a number"
    if split == .test && raw.isEmpty { return .success(.none) }
    guard let number = decimalNumber(raw), Float(number).isFinite else {
      return .failure(
        RowFault(line: line, found: raw.isEmpty ? "no number" : "\"\(raw)\"", expected: expected))
    }
    if let range, !range.contains(number) {
      if split == .test && number == -1 { return .success(.none) }
      return .failure(RowFault(line: line, found: "the number \(raw)", expected: expected))
    }
    return .success(.value(Float(number)))
  }
}

/// Reader of numbers.
private struct NumberAnswers: AnswerReader {
  /// The numbers that the task allows; nil allows all.
  private let range: ClosedRange<Double>?

  init(_ task: TaskDefinition) { range = task.labelRange }

  func values(of answer: StatedAnswer, line: Int) throws(RowFault) -> [Double] {
    switch answer {
    case .value(let value): return [try checked(value, line)]
    case .label(let text, nil):
      guard let value = decimalNumber(text) else {
        throw RowFault(line: line, found: "\"\(text)\"", expected: "a number")
      }
      return [try checked(value, line)]
    case .label, .labels, .probabilities, .list, .tokens:
      throw RowFault(line: line, found: "labels or probabilities", expected: "\"value\", a number")
    }
  }

  func values(of target: ExampleTarget) -> [Double]? {
    if case .value(let value) = target, !value.isNaN { [Double(value)] } else { nil }
  }

  /// The numbers themselves.
  func logits(of values: [Double]) -> [Float] { values.map { Float($0) } }

  /// A number within the task's range, or as little outside it as a model's answers are.
  private func checked(_ value: Double, _ line: Int) throws(RowFault) -> Double {
    guard Float(value).isFinite else { throw RowFault(line: line, found: "\(value)", expected: "a number") }
    guard let range else { return value }
    let margin = (range.upperBound - range.lowerBound) / 10
    guard value >= range.lowerBound - margin, value <= range.upperBound + margin else {
      throw RowFault(
        line: line, found: "the number \(value)",
        expected: "one from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}

extension TaskKind {
  /// One number for a text or a pair (STS-B).
  public static let regression = TaskKind(Regression())
}
