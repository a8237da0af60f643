import Foundation
import ModelFormats
import Testing
import Training

/// Forecasts of an update's time among ranks, against sums by hand.
@Suite struct StepForecastTests {
  /// A link that carries one byte of messages a second, so that bytes are seconds.
  private let slow = NetworkLink(bitsPerSecond: 8 / 0.93, latency: 0)

  /// A number without the last bits, in which the share of the headers rounds.
  private func near(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

  private func phases(_ gradients: [StepPhases.Gradient], backward: Double = 100) -> StepPhases {
    StepPhases(before: 50, backward: backward, after: 10, gradients: gradients, examples: 8)
  }

  @Test func oneRankSendsNothing() {
    let step = StepForecast(
      [phases([.init(count: 1000, ready: 3)])], link: slow, secondsPerValue: 1
    ).step(
      ranks: 1)
    #expect(step.seconds == 160 && step.sending == 0 && step.exposed == 0 && step.efficiency == 1)
    #expect(step.ranks == 1 && step.examples == 8)
  }

  @Test func aBucketGoesOnceItIsReadyAndHidesBehindThePass() {
    // Two gradients of one bucket: 8 · (W - 1) / W bytes a value.
    let gradients = [StepPhases.Gradient(count: 4, ready: 10), .init(count: 6, ready: 60)]
    let forecast = StepForecast([phases(gradients)], link: slow, secondsPerValue: 0)
    let two = forecast.step(ranks: 2)
    #expect(near(two.sending) == 40 && two.exposed == 0 && two.seconds == 160 && two.efficiency == 1)
    // 8 · 3/4 · 10 = 60 seconds from the 60th on: 20 behind the pass.
    let four = forecast.step(ranks: 4)
    #expect(near(four.sending) == 60 && near(four.exposed) == 20 && near(four.seconds) == 180)
    #expect(near(four.efficiency) == near(160.0 / 180))
    #expect(four.examples == 32)
  }

  @Test func packingTakesTheProcessorFromThePass() {
    let gradients = [StepPhases.Gradient(count: 10, ready: 0)]
    let fast = NetworkLink(bitsPerSecond: .infinity, latency: 0)
    let step = StepForecast([phases(gradients)], link: fast, secondsPerValue: 2).step(
      ranks: 8)
    #expect(step.seconds == 180 && step.exposed == 0 && step.sending == 20)
  }

  @Test func messagesTakeALatencyForEachDoublingOfTheRanks() {
    let gradients = [StepPhases.Gradient(count: 10, ready: 100)]
    let link = NetworkLink(bitsPerSecond: .infinity, latency: 1)
    let forecast = StepForecast([phases(gradients)], link: link, secondsPerValue: 0)
    // Four rounds of the bucket, six exchanges of a few bytes.
    #expect(forecast.step(ranks: 2).seconds == 160 + 4 + 6)
    #expect(forecast.step(ranks: 16).seconds == 160 + 16 + 24)
    #expect(forecast.step(ranks: 9).seconds == 160 + 16 + 24)
  }

  @Test func ranksOfOneMachineShareItsLink() {
    let gradients = [StepPhases.Gradient(count: 10, ready: 100)]
    let forecast = StepForecast(
      [phases(gradients)], link: slow, ranksPerMachine: 2, secondsPerValue: 0)
    // Among themselves they send nothing over it.
    #expect(forecast.step(ranks: 2).sending == 0)
    // Each of four sends 8 bytes a value, half of it away, and two do so over one link.
    #expect(near(forecast.step(ranks: 4).sending) == 80)
  }

  @Test func onlyUsedRowsOfATableAreSentAndTheyGrowSlowly() {
    func words(_ rows: [Int32]) -> StepPhases {
      phases([.init(count: 3000, rows: rows, columns: 3, ready: 100)])
    }
    // One update uses 2 rows, four use 4 together: twice as many, so the exponent is a half.
    let measured = [words([1, 2]), words([1, 3]), words([1, 4]), words([1, 2])]
    let forecast = StepForecast(measured, link: slow, secondsPerValue: 0)
    // 2 · 4^½ = 4 rows of 3 values among four ranks.
    #expect(abs(forecast.step(ranks: 4).sending - 8 * 0.75 * 12) < 1e-6)
    // Never more than the table has.
    #expect(forecast.step(ranks: 1 << 30).sending <= 8 * 3000 + 1e-6)
    // A first update alone says nothing about the growth: all rows are taken for others.
    #expect(
      StepForecast([words([1, 2])], link: slow, secondsPerValue: 0).step(ranks: 4).sending
        == 8 * 0.75 * 24)
  }

  @Test func eachTableGrowsByItself() {
    // A table of segments stands before that of words and has the same row in every update.
    func pass(_ words: [Int32]) -> StepPhases {
      phases([
        .init(count: 6, rows: [0], columns: 3, ready: 100),
        .init(count: 3000, rows: words, columns: 3, ready: 100),
      ])
    }
    let measured = [pass([1, 2]), pass([1, 3]), pass([1, 4]), pass([1, 2])]
    let forecast = StepForecast(measured, link: slow, secondsPerValue: 0)
    #expect(near(forecast.step(ranks: 4).sending) == 8 * 0.75 * (3 + 12))
  }

  @Test func aRunOfManyRanksHasFewerUpdates() {
    let forecast = RunForecast(
      [phases([.init(count: 4, ready: 0)]), phases([.init(count: 4, ready: 0)], backward: 200)],
      totalSteps: 101,
      ranks: 6, link: NetworkLink(bitsPerSecond: .infinity, latency: 0), ranksPerMachine: 1)
    #expect(forecast.steps.map(\.ranks) == [1, 2, 4, 6])
    // The update of median time, of two the shorter.
    #expect(forecast.phases.seconds == 160)
    #expect(forecast.seconds(forecast.steps[0]) == 101 * 160)
    #expect(forecast.seconds(forecast.steps[1]) / forecast.steps[1].seconds == 51)
    #expect(forecast.json["forecast"]?[3]?["ranks"]?.intValue == 6)
    #expect(forecast.json["total_steps"]?.intValue == 101)
  }

  @Test(arguments: [
    ("25Gb", 25e9), ("1Gbit", 1e9), ("100Mb", 100e6), ("2.5 Gbit/s", 2.5e9), ("10gbps", 10e9),
    ("512kb", 512e3), ("8", 8),
    ("fast", nil), ("", nil), ("0Gb", nil), ("-1Gb", nil), ("1GB", nil),
  ])
  func speedsAreReadAsPeopleWriteThem(text: String, bits: Double?) {
    #expect(NetworkLink.bitsPerSecond(text) == bits)
  }
}
