import Distillation
import Foundation
import ModelFormats
import Testing

@Suite struct ConfigReadingTests {
  private func read(_ text: String) throws -> DistillationConfig {
    DistillationConfig(json: try JSONValue(parsing: text))
  }

  @Test func defaultsAreTextBrewers() throws {
    let config = try read("{}")
    #expect(config == DistillationConfig())
    #expect(config.temperature == 4 && config.kdLossType == .ce && config.kdLossWeight == 1)
    #expect(config.hardLabelWeight == 0 && config.matches.isEmpty && config.compatibility == nil)
  }

  @Test func everySettingHasItsLineInTheTable() {
    let properties = Mirror(reflecting: DistillationConfig()).children.compactMap(\.label)
    let notes = ["readingFaults", "unreadableMatches"]
    #expect(DistillationConfig.settings.keys.count == properties.filter { !notes.contains($0) }.count)
  }

  @Test func aTextBrewerConfigurationReads() throws {
    let config = try read(
      """
      {"temperature": 8, "temperature_scheduler": ["flsw", 1, 2], "kd_loss_type": "mse", "kd_loss_weight": 0.5,
       "kd_loss_weight_scheduler": "linear_decay", "hard_label_weight": 1, "hard_label_weight_scheduler": "none",
       "probability_shift": true, "is_caching_logits": false,
       "intermediate_matches": [
         {"layer_T": 0, "layer_S": 0, "feature": "hidden", "loss": "hidden_mse", "weight": 1, "proj": ["linear", 384, 768]},
         {"layer_T": 8, "layer_S": -1, "feature": "hidden", "loss": "cos", "weight": 0.5,
          "proj": ["tanh", 384, 768, {"lr": 1e-3, "weight_decay": 0}]},
         {"layer_T": [4, 4], "layer_S": [1, 1], "feature": "hidden", "loss": "nst", "weight": 1}],
       "compatibility": "textbrewer"}
      """)
    #expect(config.readingFaults.isEmpty)
    let expected = DistillationConfig(
      temperature: 8, temperatureSchedule: .flsw(beta: 1, gamma: 2), kdLossType: .mse, kdLossWeight: 0.5,
      kdLossWeightSchedule: .linearDecay, hardLabelWeight: 1, probabilityShift: true,
      matches: [
        .match(
          IntermediateMatch(
            teacherLayer: 0, studentLayer: 0,
            projection: ProjectionConfig(.linear, studentSize: 384, teacherSize: 768))),
        .match(
          IntermediateMatch(
            teacherLayer: 8, studentLayer: -1, loss: .cos, weight: 0.5,
            projection: ProjectionConfig(
              .tanh, studentSize: 384, teacherSize: 768, learningRate: 1e-3, weightDecay: 0))),
        .match(IntermediateMatch(teacherLayer: 4, studentLayer: 1, loss: .nst)),
      ], compatibility: .textbrewer)
    #expect(config == expected)
  }

  @Test func shortFormsRead() throws {
    let config = try read(
      """
      {"matches": ["L3_hidden_mse", "uniform", "last:cos",
        {"map": "first", "loss": "pkd", "weight": 2, "proj": "linear"},
        {"layer_T": 4, "layer_S": 1, "loss": "mmd"}, {"layer_T": 4, "layer_S": 1, "loss": "hidden_mse", "proj": ["relu", {"lr": 0.1}]}],
       "temperature_scheduler": ["cwsm", {"beta": 0.5}], "cache_teacher_logits": true}
      """)
    #expect(config.readingFaults.isEmpty)
    #expect(
      config.matches == [
        .preset("L3_hidden_mse"), .map(.uniform), .map(.last, loss: .cos),
        .map(.first, loss: .pkd, weight: 2, projection: ProjectionConfig(.linear)),
        .match(IntermediateMatch(teacherLayer: 4, studentLayer: 1, loss: .mmd)),
        .match(
          IntermediateMatch(
            teacherLayer: 4, studentLayer: 1, projection: ProjectionConfig(.relu, learningRate: 0.1))),
      ])
    #expect(config.temperatureSchedule == .cwsm(beta: 0.5) && config.cacheTeacherLogits)
    #expect(try read(#"{"matches": "uniform"}"#).matches == [.map(.uniform)])
  }

  @Test(arguments: [
    (#"["flsw", {"beta": 1, "gamma": 2, "eps": 0.5}]"#, "temperature_scheduler.eps: is not a known key"),
    (#"["flsw", 1, 2, 3]"#, "found 3 options, expected 2 of flsw; write [\"flsw\", 1, 2]"),
    (#"["cwsm", 1, 99]"#, "found 2 options, expected 1 of cwsm"),
    (#"["cwsm", "warm"]"#, "cwsm needs beta; write [\"cwsm\", 1]"),
    (#"["flsw", 1, -1]"#, "expected gamma of at least 0"), (#"["none", 1]"#, "expected 0 of none"),
  ])
  func optionsOfATemperatureScheduleAreChecked(value: String, message: String) throws {
    let config = try read("{\"temperature_scheduler\": \(value)}")
    let found = faults(config, teacher: try tinyModel(), student: try tinyModel(seed: 2))
    #expect(found.contains { $0.severity == .fault && $0.description.contains(message) }, "\(found)")
  }

  @Test func optionsOfALossReadAndFitIt() throws {
    let config = try read(#"{"kd_loss_type": "dkd", "kd_loss_options": {"alpha": 1, "beta": 2.5}}"#)
    #expect(config.kdLossOptions == KDLossOptions(alpha: 1, beta: 2.5) && config.readingFaults.isEmpty)
    #expect(DistillationConfig(json: config.json) == config)
    func found(_ text: String) throws -> [String] {
      faults(try read(text), teacher: try tinyModel(), student: try tinyModel(seed: 2)).map(\.description)
    }
    #expect(
      try found(#"{"kd_loss_options": {"beta": 1}}"#) == [
        "kd_loss_options.beta: is no option of ce; it has none"
      ])
    #expect(
      try found(#"{"kd_loss_type": "jsd", "kd_loss_options": {"beta": 1}}"#) == [
        "kd_loss_options.beta: found 1.0, expected more than 0 and less than 1"
      ])
    #expect(
      try found(#"{"kd_loss_type": "dist", "kd_loss_options": {"alpha": 1, "gama": -1}}"#).count == 2)
  }

  @Test func everyMistakeIsReportedAtOnce() throws {
    let config = try read(
      """
      {"temprature": 8, "kd_loss_type": "kl", "kd_loss_weight": "big", "probability_shift": 1, "compatibility": "pytorch",
       "temperature_scheduler": "flsw", "hard_label_weight_scheduler": "linear_growht",
       "intermediate_matches": ["L3_hiden_mse", 7,
         {"layer_T": 1.5, "feature": "hidden", "loss": "hidden_mes"},
         {"layer_T": [1, 2], "layer_S": [1, 2], "loss": "hidden_mse"},
         {"layer_T": 1, "layer_S": 1, "feature": "attention", "loss": "cos", "proj": ["linaer", 4, 4]},
         {"layer_T": 1, "layer_S": 1, "loss": "cos", "proj": ["linear", 4]},
         {"layer_T": 1, "layer_S": 1, "loss": "cos", "proj": ["linear", 4, 4, {"betas": [1, 2]}], "wieght": 2}]}
      """)
    let faults = config.readingFaults.map(\.description)
    let expected = [
      "temprature: is not a known key; did you mean temperature?",
      "kd_loss_type: found \"kl\", expected one of ce, mse",
      "kd_loss_weight: found \"big\", expected a number",
      "probability_shift: found 1, expected true or false",
      "compatibility: found \"pytorch\", expected one of textbrewer",
      "temperature_scheduler: flsw needs beta and gamma",
      "hard_label_weight_scheduler: found \"linear_growht\"; did you mean \"linear_growth\"?",
      "intermediate_matches[0]: \"L3_hiden_mse\" is no set of matches; did you mean L3_hidden_mse?",
      "intermediate_matches[1]: found 7, expected a match", "intermediate_matches[2].layer_T: found 1.5",
      "intermediate_matches[2].layer_S: is missing",
      "intermediate_matches[2].loss: found \"hidden_mes\"; did you mean \"hidden_mse\"?",
      "intermediate_matches[3].layer_T: hidden_mse takes one layer",
      "intermediate_matches[4].feature: is attention, but cos compares hidden",
      "intermediate_matches[4].proj[0]: found \"linaer\"; did you mean \"linear\"?",
      "intermediate_matches[5].proj: expected [\"linear\", student size, teacher size]",
      "intermediate_matches[6].proj.betas: is not a known key",
      "intermediate_matches[6].wieght: is not a known key; did you mean weight?",
    ]
    for text in expected { #expect(faults.contains { $0.hasPrefix(text) }, "\(text)\n\(faults)") }
    #expect(faults.count == expected.count, "\(faults)")
  }

  @Test func somethingElseThanAnObjectIsAFault() throws {
    #expect(try read("[1]").readingFaults.map(\.field) == ["configuration"])
    #expect(DistillationConfig(json: 3, path: "distillation").readingFaults.map(\.field) == ["distillation"])
  }

  static let round = [
    DistillationConfig(),
    DistillationConfig(
      temperature: 2.5, temperatureSchedule: .cwsm(beta: 0.5), kdLossType: .mse, kdLossWeight: 0.25,
      hardLabelWeight: 3, hardLabelWeightSchedule: .linearGrowth, probabilityShift: true,
      matches: [
        .preset("L4t_hidden_mse"), .map(.last, loss: .mmd, weight: 0.5),
        .match(
          IntermediateMatch(
            teacherLayers: [1, 2], studentLayers: [0, 1], loss: .fsp,
            projection: ProjectionConfig(.relu, studentSize: 8, teacherSize: 12, learningRate: 1e-3))),
      ], compatibility: .textbrewer),
    DistillationConfig(temperatureSchedule: .flsw(beta: 1, gamma: 2), cacheTeacherLogits: true),
  ]

  @Test(arguments: round)
  func writingAndReadingGivesTheSame(config: DistillationConfig) throws {
    #expect(DistillationConfig(json: config.json) == config)
    let data = try JSONEncoder().encode(config)
    #expect(try JSONDecoder().decode(DistillationConfig.self, from: data) == config)
  }

  @Test func filesThatCannotBeReadAreNamed() {
    #expect(throws: DistillationError.self) {
      try DistillationConfig(contentsOf: URL(filePath: "/nowhere/distill.json"))
    }
  }
}
