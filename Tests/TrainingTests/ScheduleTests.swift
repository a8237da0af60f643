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
      (config.lrSchedulerType, config.lrSchedulerKwargs) = (type, SchedulerArguments(settings))
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

  @Test("a rate on a plateau equals PyTorch's ReduceLROnPlateau, evaluation by evaluation and group by group")
  func plateaus() throws {
    let cases = try #require(try JSONValue(contentsOf: Fixtures.url("training/plateaus.json")).arrayValue)
    for golden in cases {
      let kwargs = try #require(golden["kwargs"])
      var config = try TrainingConfig(
        json: [
          "lr_scheduler_type": "reduce_lr_on_plateau", "eval_strategy": "epoch",
          "lr_scheduler_kwargs": kwargs,
        ])
      #expect(config.faults().isEmpty)
      var schedules = [PlateauSchedule(config)]
      if let mode = kwargs["mode"]?.stringValue {
        // Which of less and more is better, the metric says too.
        config.lrSchedulerKwargs.names["mode"] = nil
        config.metricForBestModel = mode == "max" ? "accuracy" : "loss"
        schedules.append(PlateauSchedule(config))
      }
      let values = try #require(golden["values"]?.arrayValue)
      for (index, expected) in try #require(golden["rates"]?.arrayValue).enumerated() {
        for place in schedules.indices {
          schedules[place].evaluated(values[index].doubleValue ?? .nan)
          // A checkpoint keeps the state to the bit.
          let json = try JSONValue(parsing: schedules[place].state.json.compactText)
          schedules[place].state = try #require(PlateauSchedule.State(json: json, upTo: values.count))
          let rates = [0.1, 0.003].map { schedules[place].rate($0) }
          #expect(
            rates == expected.arrayValue?.compactMap(\.doubleValue), "\(kwargs.compactText) after \(index)")
        }
      }
    }
  }

  @Test("settings of a plateau are checked, and it needs evaluations")
  func plateauSettings() throws {
    func faults(_ kwargs: JSONValue, eval: String = "epoch") throws -> String {
      let config = try TrainingConfig(
        json: [
          "lr_scheduler_type": "reduce_lr_on_plateau", "eval_strategy": .string(eval),
          "lr_scheduler_kwargs": kwargs,
        ])
      return config.faults().map(\.description).joined(separator: "\n")
    }
    let whole: JSONValue = [
      "factor": 0.5, "patience": 2, "threshold": 0.01, "threshold_mode": "abs", "cooldown": 1, "min_lr": 1e-6,
      "eps": 0,
      "mode": "max",
    ]
    #expect(try faults(whole).isEmpty)
    let config = try TrainingConfig(json: ["lr_scheduler_kwargs": whole])
    #expect(try TrainingConfig(json: config.json) == config)
    #expect(
      try faults([:], eval: "no").contains(
        "lr_scheduler_type: is reduce_lr_on_plateau, which evaluations move on"))
    for (kwargs, expected) in [
      (["factor": 1], "factor is 1.0; expected less than 1"),
      (["patience": 1.5], "patience is 1.5; expected a whole number of evaluations"),
      (["threshold_mode": "both"], "threshold_mode is \"both\"; expected rel or abs"),
      (["mode": 1], "mode is 1.0; expected min or max"),
      (["min_lr": "low"], "min_lr is \"low\"; expected a number"),
      (["eps": -1], "eps is -1.0; expected a finite number of at least 0"),
      (["power": 1], "has \"power\", which reduce_lr_on_plateau does not know; it knows factor"),
    ] as [(JSONValue, String)] {
      let found = try faults(kwargs)
      #expect(found.contains(expected), "\(found)")
    }
    #expect(throws: TrainingError.self) { try TrainingConfig(json: ["lr_scheduler_kwargs": ["factor": [1]]]) }
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
