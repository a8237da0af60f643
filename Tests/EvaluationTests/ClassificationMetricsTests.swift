import Datasets
import Evaluation
import Foundation
import ModelFormats
import Tasks
import TestSupport
import Testing

@Suite("Classification metrics")
struct ClassificationMetricsTests {
  struct Golden: Decodable {
    struct Case: Decodable {
      var name: String
      var labels: [Int]
      var predictions: [Int]
      var scores: [String: Double]
    }
    var cases: [Case]
  }

  @Test("equal scikit-learn's, divisions by zero included")
  func goldens() throws {
    let data = try Data(contentsOf: Fixtures.url("evaluation/metrics.json"))
    let golden = try JSONDecoder().decode(Golden.self, from: data)
    #expect(golden.cases.count == 12)
    for item in golden.cases {
      let scores = try ClassificationMetrics.compute(
        item.scores.keys.sorted(), predictions: item.predictions, labels: item.labels)
      for score in scores {
        let expected = try #require(item.scores[score.name])
        // The same few float64 operations in another order.
        #expect(abs(score.value - expected) < 1e-12, "\(item.name): \(score)")
      }
    }
  }

  @Test("leave out examples without a label")
  func unlabelled() throws {
    let scores = try ClassificationMetrics.compute(
      ["accuracy"], predictions: [Int32](arrayLiteral: 0, 1, 1, 0), labels: [0, -100, 0, -100])
    #expect(scores[0].value == 0.5)
    #expect(throws: EvaluationError.nothingLabelled(count: 2)) {
      try ClassificationMetrics.compute(["accuracy"], predictions: [0, 1], labels: [-100, -100])
    }
  }

  @Test("keep the order of their names and say which name is unknown")
  func names() throws {
    let scores = try ClassificationMetrics.compute(
      ["f1", "accuracy"], predictions: [1, 1, 0], labels: [1, 0, 0])
    #expect(scores.map(\.name) == ["f1", "accuracy"])
    #expect(ClassificationMetrics.combinedScore(scores) == (scores[0].value + scores[1].value) / 2)
    #expect(ClassificationMetrics.combinedScore([scores[0]]) == nil)
    #expect(
      throws: EvaluationError.unknownMetric("acuracy", known: ClassificationMetric.allCases.map(\.rawValue))
    ) {
      try ClassificationMetrics.compute(["acuracy"], predictions: [1], labels: [1])
    }
  }

  @Test("are the ones that a task definition may name, kind by kind")
  func knownNames() throws {
    let entities = try EntityScores(predictions: [["O"]], references: [["O"]])
    #expect(Set(entities.json.keys) == Set(TaskKind.tokenClassification.knownMetrics))
    #expect(TaskKind.classification.knownMetrics == ClassificationMetric.allCases.map(\.rawValue))
    #expect(TaskKind.pair.knownMetrics == TaskKind.classification.knownMetrics)
    // GLUE's mean of the two correlations is made of theirs.
    #expect(
      Set(TaskKind.regression.knownMetrics)
        == Set(RegressionMetric.allCases.map(\.rawValue)).union(["combined_score"]))
    #expect(TaskKind.multiLabel.knownMetrics == MultiLabelMetric.allCases.map(\.rawValue))
    // SQuAD 2.0 has more scores than those that decide between models.
    #expect(
      Set(TaskKind.questionAnswering.knownMetrics).isSuperset(
        of: AnswerMetric.allCases.flatMap(\.metricNames)))
    let gold = [GoldQuestion(id: "a", answers: ["x"]), GoldQuestion(id: "b", answers: [])]
    let odds = [(id: "a", probability: 0.0), (id: "b", probability: 1.0)]
    for metric in AnswerMetric.allCases where metric != .drcd {
      let questions = metric == .squadV2 ? gold : Array(gold.prefix(1))
      let scores = try metric.score(
        predictions: ["a": "x", "b": ""], questions: questions, noAnswerProbabilities: odds
      ).scores
      // The numbers of questions are no metrics.
      let names = scores.keys.filter { !$0.hasSuffix("total") && !["TOTAL", "SKIP"].contains($0) }
      #expect(Set(names).isSubset(of: TaskKind.questionAnswering.knownMetrics), "\(names)")
      #expect(names.contains("best_exact_thresh") == (metric == .squadV2))
    }
  }

  @Test("predict the class of the highest logit, the first of equal ones")
  func predictions() {
    let classes = ClassificationMetrics.predictions(logits: [0, 1, 1, 3, -1, 2, -3, -2, -4], classCount: 3)
    #expect(classes == [1, 0, 1])
  }

  @Test("follow from one table of counts")
  func confusion() {
    let matrix = ConfusionMatrix(predictions: [0, 1, 1, 2], labels: [0, 1, 2, 2])
    #expect(matrix.counts == [1, 0, 0, 0, 1, 0, 0, 1, 1])
    #expect(matrix.correct == 3 && matrix.total == 4)
    #expect(matrix.labelCount(2) == 2 && matrix.predictionCount(1) == 2)
  }

  @Test("Matthews' coefficient equals scikit-learn's (1.9.1) to the last digit")
  func matthewsToTheLastDigit() throws {
    let cases: [(labels: [Int], predictions: [Int], expected: Double)] = [
      ([1, 0, 1, 1, 1, 1], [1, 0, 1, 1, 1, 1], 1), ([0, 1, 0, 1], [0, 1, 0, 1], 1),
      ([1, 2, 0, 0], [1, 2, 0, 0], 1),
      ([1, 1, 0, 0, 1, 0, 0], [1, 1, 0, 0, 1, 1, 0], 0.75),
      ([2, 2, 2, 1, 0, 1, 0, 2], [2, 2, 2, 2, 0, 1, 0, 2], 0.8134892168199607),
      ([1, 0, 0, 2, 0, 1, 2, 1, 2, 0, 1], [1, 0, 0, 2, 0, 1, 2, 1, 2, 0, 1], 1),
      ([1, 2, 2, 2, 0, 1, 1, 2, 2, 0, 0], [1, 2, 2, 0, 0, 2, 1, 2, 2, 0, 0], 0.7273340668525836),
      ([2, 0, 2, 1, 0, 1, 0, 0, 1, 1, 2], [2, 2, 2, 1, 0, 1, 0, 1, 1, 1, 2], 0.7566590346628012),
      ([1, 1, 1], [1, 1, 1], 0), ([1, 1, 0], [1, 1, 1], 0),
    ]
    for (labels, predictions, expected) in cases {
      let matrix = ConfusionMatrix(predictions: predictions, labels: labels)
      #expect(ClassificationMetric.matthewsCorrelation.value(matrix) == expected)
    }
  }
}
