import Evaluation
import ModelFormats
import Testing

@Suite("Regression and multi-label metrics")
struct RegressionTests {
  @Test("equal scipy's and scikit-learn's, ties and constants included")
  func regression() throws {
    let cases = try Golden.list(Golden.load("numbers.json")["regression"])
    #expect(cases.count >= 19)
    for item in cases {
      let scores = try RegressionMetrics.compute(
        RegressionMetric.allCases.map(\.rawValue), predictions: Golden.numbers(item["predictions"]),
        labels: Golden.numbers(item["labels"]))
      for score in scores {
        let (name, value) = (score.name, score.value)
        let expected = try #require(item["scores"]?[name])
        guard let expected = expected.doubleValue else {
          #expect(value.isNaN, "\(item["name"]?.stringValue ?? ""): \(name) is \(value), expected NaN")
          continue
        }
        // numpy adds in pairs and in blocks; 1e8 as a mean leaves about 1e-9 of the deviations.
        let tolerance = item["name"]?.stringValue == "far from 0" ? 1e-7 : 1e-12
        #expect(
          abs(value - expected) <= tolerance * max(1, abs(expected)),
          "\(item["name"]?.stringValue ?? ""): \(name) is \(value), expected \(expected)")
      }
    }
  }

  @Test("multi-label F1 and subset accuracy equal scikit-learn's")
  func multiLabel() throws {
    let cases = try Golden.list(Golden.load("numbers.json")["multi_label"])
    #expect(cases.count >= 12)
    for item in cases {
      let classCount = try #require(item["classes"]?.intValue)
      let scores = try MultiLabelMetrics.compute(
        MultiLabelMetric.allCases.map(\.rawValue),
        predictions: Golden.numbers(item["predictions"]).map { $0 == 1 },
        labels: Golden.numbers(item["labels"]).map { $0 == 1 }, classCount: classCount)
      for score in scores {
        let (name, value) = (score.name, score.value)
        let expected = try #require(item["scores"]?[name]?.doubleValue)
        // The macro mean is taken in another order.
        #expect(abs(value - expected) < 1e-14, "\(name) is \(value), expected \(expected)")
      }
    }
    #expect(MultiLabelMetrics.predictions(logits: [-0.5, 0, 0.5]) == [false, false, true])
  }

  @Test("leave out what has no label, and refuse what cannot be scored")
  func refusals() throws {
    let scores = try RegressionMetrics.compute(["mae"], predictions: [1, 5, 3], labels: [2, .nan, 3])
    #expect(scores[0].value == 0.5)
    #expect(throws: EvaluationError.nothingLabelled(count: 2)) {
      try RegressionMetrics.compute(["mse"], predictions: [1, 2], labels: [.nan, .nan])
    }
    #expect(throws: EvaluationError.tooFewNumbers(metric: "pearson", count: 1)) {
      try RegressionMetrics.compute(["pearson"], predictions: [1], labels: [1])
    }
    #expect(
      throws: EvaluationError.unknownMetric("spearman", known: ["pearson", "spearmanr", "mse", "mae"])
    ) { try RegressionMetrics.compute(["spearman"], predictions: [1, 2], labels: [1, 2]) }
    #expect(throws: EvaluationError.nothingLabelled(count: 0)) {
      try MultiLabelMetrics.compute(["accuracy"], predictions: [], labels: [], classCount: 3)
    }
  }
}
