import Evaluation
import Testing

@Suite("Calibration, Brier score and agreement")
struct CalibrationTests {
  @Test("the expected calibration error is that of a hand-made table")
  func expectedError() throws {
    var calibration = Calibration(binCount: 5)
    #expect(calibration.expectedError == nil && calibration.count == 0)
    // Bin 0.6–0.8: mean 0.7, one of two right; bin 0.8–1: mean 0.9375, three of four right; bin 0.2–0.4: 0.25, wrong.
    for (confidence, isRight) in [
      (0.65, true), (0.75, false), (1.0, true), (0.875, true), (0.9375, false), (0.9375, true), (0.25, false),
    ] { calibration.add(confidence, isRight: isRight) }
    calibration.add(.nan, isRight: true)
    calibration.add(1.5, isRight: true)
    #expect(calibration.count == 7 && calibration.bins.map(\.count) == [0, 1, 0, 2, 4])
    #expect(calibration.bins[4].confidence == 0.9375 && calibration.bins[4].accuracy == 0.75)
    #expect(calibration.bins[0].confidence == 0 && calibration.bins[0].accuracy == 0)
    // (1 · |0.25 − 0| + 2 · |0.7 − 0.5| + 4 · |0.9375 − 0.75|) / 7 = 1.4 / 7
    let error = try #require(calibration.expectedError)
    // Decimal confidences are sums of rounded ones.
    #expect(abs(error - 0.2) < 1e-15)
  }

  @Test("a model as sure as it is right has no error, one that is always wrong its confidence")
  func ends() {
    var (good, bad) = (Calibration(), Calibration())
    for index in 0..<4 { good.add(0.75, isRight: index > 0) }
    for _ in 0..<4 { bad.add(1, isRight: false) }
    #expect(good.expectedError == 0 && bad.expectedError == 1 && bad.bins[9].count == 4)
  }

  @Test("the Brier score sums over the classes, and leaves out rows without a label")
  func brier() {
    // 0.25² + 0.25², and 1 + 1.
    let rows: [[Double]] = [[0.75, 0.25], [0, 1], [0.5, 0.5]]
    #expect(BrierScore.value(probabilities: rows, labels: [0, 0, -1]) == 1.0625)
    #expect(BrierScore.value(probabilities: rows, labels: [-1, -1, -1]) == nil)
    // 0.25, 0 and 1.
    let decisions: [Double] = [0.5, 1, 0]
    #expect(BrierScore.value(probabilities: decisions, labels: [true, true, true]) == 1.25 / 3)
    #expect(BrierScore.value(probabilities: [Double](), labels: [Bool]()) == nil)
  }

  @Test("agreement is the share of equal answers, right or wrong")
  func agreement() {
    #expect(Agreement.value(["a", "b", "a", "b"], ["a", "a", "a", "b"]) == 0.75)
    #expect(Agreement.value([Int](), []) == nil)
  }
}
