import Foundation
import ModelFormats
import TestSupport
import Testing
import Training

@Suite("Learning-rate schedules")
struct ScheduleTests {
  @Test("every schedule equals transformers' get_scheduler, also beyond its last step")
  func golden() throws {
    let cases = try #require(try JSONValue(contentsOf: Fixtures.url("training/schedules.json")).arrayValue)
    for golden in cases {
      var config = TrainingConfig()
      let type = try #require(golden["type"]?.stringValue)
      config.lrSchedulerType = try #require(SchedulerType(rawValue: type))
      config.learningRate = try #require(golden["learning_rate"]?.doubleValue)
      config.warmupSteps = try #require(golden["warmup_steps"]?.intValue)
      for (key, value) in try #require(golden["kwargs"]?.objectValue) {
        config.lrSchedulerKwargs[key] = value.doubleValue
      }
      #expect(config.faults().isEmpty)
      let schedule = config.schedule(totalSteps: try #require(golden["total_steps"]?.intValue))
      for (step, expected) in try #require(golden["rates"]?.arrayValue).enumerated() {
        let rate = config.learningRate * schedule.factor(at: step)
        // Double arithmetic in another order.
        #expect(
          abs(rate - (expected.doubleValue ?? .nan)) <= 1e-12 * config.learningRate, "\(type) step \(step)")
      }
    }
  }

  @Test("each shape knows its own settings and no others")
  func settings() {
    func faults(_ type: SchedulerType, _ settings: [String: Double]) -> String {
      var config = TrainingConfig()
      (config.lrSchedulerType, config.lrSchedulerKwargs) = (type, settings)
      return config.faults().map(\.description).joined(separator: "\n")
    }
    #expect(faults(.warmupStableDecay, [:]) == "lr_scheduler_kwargs: num_decay_steps is missing")
    #expect(
      faults(.warmupStableDecay, ["num_decay_steps": 1.5]).contains(
        "num_decay_steps is 1.5; expected a whole number"))
    #expect(
      faults(.warmupStableDecay, ["num_decay_steps": 5, "min_lr_ratio": 2]).contains("expected at most 1"))
    #expect(faults(.inverseSqrt, ["timescale": 0]).contains("timescale is 0.0; expected a whole number"))
    #expect(
      faults(.inverseSqrt, ["power": 1]).contains(
        "has \"power\", which inverse_sqrt does not know; it knows timescale"))
    #expect(faults(.cosineWithRestarts, ["num_cycles": 2]).isEmpty)
  }

  @Test("warmup_ratio is rounded up, and warmup_steps wins")
  func warmup() {
    var config = TrainingConfig()
    config.warmupRatio = 0.06
    #expect(config.resolvedWarmupSteps(totalSteps: 101) == 7)
    config.warmupSteps = 3
    #expect(config.resolvedWarmupSteps(totalSteps: 101) == 3)
  }
}
