import Evaluation
import ModelFormats
import Testing

/// Scores of each class beside the confusion matrix.
@Suite struct ClassReportTests {
  /// The example of scikit-learn's documentation of `classification_report`.
  @Test func theReportOfLabelsIsScikitLearns() {
    let matrix = ConfusionMatrix(predictions: [0, 0, 2, 2, 1], labels: [0, 1, 2, 2, 2], classCount: 3)
    let report = ClassReport(matrix, names: ["class 0", "class 1", "class 2"])
    #expect(report.rows.map(\.precision) == [0.5, 0, 1])
    #expect(report.rows.map(\.recall) == [1, 0, 2.0 / 3])
    #expect(report.rows.map(\.f1) == [2.0 / 3, 0, 0.8])
    #expect(report.rows.map(\.support) == [1, 1, 3])
    #expect(report.json["confusion_matrix"] == [[1, 0, 0], [1, 0, 0], [0, 1, 2]])
    #expect(report.json["classes"]?["class 2"]?["f1-score"] == 0.8)
  }

  /// Two rows of three labels: a and b right, c found where it is not.
  @Test func theReportOfSetsCountsEachLabelByItself() {
    let report = ClassReport(
      predictions: [true, false, true, true, true, false], labels: [true, false, false, true, true, false],
      names: ["a", "b", "c"])
    #expect(report.matrix == nil)
    #expect(report.rows.map(\.precision) == [1, 1, 0] && report.rows.map(\.recall) == [1, 1, 0])
    #expect(report.rows.map(\.support) == [2, 1, 0])
  }
}
