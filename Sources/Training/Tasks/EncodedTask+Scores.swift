import Evaluation
import Foundation
import ModelFormats
import TaskData

extension EncodedTask {
  typealias Scores = [(name: String, value: Double)]

  /// The answers that logits stand for, and their scores under the task's metrics; none where no row has a label.
  func score(_ logits: [[Float]]) throws -> (TaskPredictions, Scores) {
    switch source {
    case .texts:
      switch task.kind {
      case .regression: return try scoreValues(logits)
      case .multiLabel: return try scoreLabelSets(logits)
      default: return try scoreLabels(logits)
      }
    case .sentences(let rows, let encoded): return try scoreTags(logits, rows, encoded)
    case .questions(let rows, let windows): return try scoreAnswers(logits, rows, windows)
    }
  }

  private func scoreLabels(_ logits: [[Float]]) throws -> (TaskPredictions, Scores) {
    let classes = ClassificationMetrics.predictions(
      logits: logits.flatMap { $0 }, classCount: max(1, task.labels.count))
    let labels = examples.map(\.label)
    let isLabelled = labels.contains { $0 >= 0 }
    let answers = zip(classes, logits).map { (label: task.labels[Int($0)], logits: $1) }
    return (
      .labels(answers),
      isLabelled
        ? try ClassificationMetrics.compute(task.metrics, predictions: classes, labels: labels) : []
    )
  }

  private func scoreValues(_ logits: [[Float]]) throws -> (TaskPredictions, Scores) {
    let values = logits.map { $0[0] }
    let labels = examples.map { example in
      if case .value(let value) = example.target { Double(value) } else { Double.nan }
    }
    guard labels.contains(where: { !$0.isNaN }) else { return (.values(values), []) }
    let predictions = values.map { Double($0) }
    var scores: Scores = []
    for name in task.metrics {
      // GLUE's mean of both correlations.
      let names = name == "combined_score" ? ["pearson", "spearmanr"] : [name]
      let parts = try RegressionMetrics.compute(names, predictions: predictions, labels: labels)
      scores.append((name, parts.reduce(0) { $0 + $1.value } / Double(parts.count)))
    }
    return (.values(values), scores)
  }

  private func scoreLabelSets(_ logits: [[Float]]) throws -> (TaskPredictions, Scores) {
    let answers = logits.map { row in
      (labels: zip(task.labels, row).compactMap { $1 > 0 ? $0 : nil }, logits: row)
    }
    var (predicted, known): ([Bool], [Bool]) = ([], [])
    for (example, row) in zip(examples, logits) {
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

  private func scoreTags(
    _ logits: [[Float]], _ rows: [TaggedSentence], _ encoded: EncodedSentences
  ) throws -> (TaskPredictions, Scores) {
    let names = encoded.tagSet.names
    let classes = logits.map { ClassificationMetrics.predictions(logits: $0, classCount: names.count) }
    let predictions = encoded.tags(from: classes).map { $0.map { names[$0] } }
    let answers = zip(rows, predictions).map { row, tags in
      (words: row.words, references: row.tags?.map { names[$0] }, predictions: tags)
    }
    // As run_ner, which sees no word that has no token.
    let labelled = zip(answers, encoded.wordsWithTokens).compactMap { answer, words in
      answer.references.map { references in
        (references: words.map { references[$0] }, predictions: words.map { answer.predictions[$0] })
      }
    }
    if labelled.isEmpty { return (.tags(answers), []) }
    let found = try EntityScores(
      predictions: labelled.map(\.predictions), references: labelled.map(\.references))
    let all = found.json
    var scores: Scores = task.metrics.compactMap { name in all[name]?.doubleValue.map { (name, $0) } }
    // Under the names that run_ner gives the types.
    scores += found.types.map { ("\($0.name)_f1", $0.scores.f1) }
    return (.tags(answers), scores)
  }
}
