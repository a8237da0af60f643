import Distillation
import Encoders
import ModelFormats
import Tensors
import Testing
import Training

@Suite struct ValidationTests {
  @Test func everyFaultComesInOneError() throws {
    var config = DistillationConfig(
      json: try JSONValue(
        parsing: #"{"temperature": -1, "kd_los_weight": 2, "intermediate_matches": ["uniform"]}"#))
    config.hardLabelWeight = 1
    config.matches += [
      .match(IntermediateMatch(teacherLayer: 12, studentLayer: 1)),
      .match(IntermediateMatch(teacherLayer: 1, studentLayer: 1)),
      .match(
        IntermediateMatch(
          teacherLayer: 1, studentLayer: 1, loss: .cos, weight: -1,
          projection: ProjectionConfig(.linear, studentSize: 9, teacherSize: 12, learningRate: 0))),
      .match(IntermediateMatch(teacherLayer: 0, studentLayer: 1, loss: .attentionMSE)),
      .preset("L3_hidden_smmd"),
      .map(.last),
    ]
    let teacher = try tinyModel(layers: 2, hidden: 12, heads: 3, vocabulary: 41, labels: ["a", "b"])
    let student = try tinyModel(layers: 3, hidden: 8, heads: 2)
    let expected = [
      "kd_los_weight", "temperature", "hard_label_weight", "intermediate_matches[1].layer_T",
      "intermediate_matches[1].proj", "intermediate_matches[2].proj", "intermediate_matches[3].weight",
      "intermediate_matches[3].proj", "intermediate_matches[3].proj.lr", "intermediate_matches[4].layer_T",
      "intermediate_matches[4].loss", "intermediate_matches[5] (L3_hidden_smmd).layer_T",
      "intermediate_matches[6]",
      "student",
    ]
    let found = faults(config, teacher: teacher, student: student, hasLabels: false)
    #expect(Set(found.map(\.field)) == Set(expected), "\(found)")
    #expect(found.filter { $0.field == "student" }.count == 2)
    #expect(
      found.contains {
        $0.description
          == "intermediate_matches[1].layer_T: teacher layer 12 does not exist; the teacher has 2 layers, so "
          + "0 to 2 (or -3 to -1 from the end); 0 is the embeddings. The map uniform fits any two depths"
      })
    #expect(
      found.contains {
        $0.description.hasSuffix(
          "hidden_mse compares hidden size 8 of the student with 12 of the teacher; add proj: [\"linear\", 8, 12]"
        )
      })
    do {
      _ = try GeneralDistiller(config, teacher: teacher, student: student, hasLabels: false)
      Issue.record("the configuration was accepted")
    } catch {
      let message = "\(error)"
      for fault in found { #expect(message.contains(fault.description)) }
      #expect(message.hasPrefix("The distillation configuration has \(found.count) faults:\n  - "))
    }
  }

  @Test func entriesKeepTheirNumbersAfterOneThatCannotBeRead() throws {
    let config = DistillationConfig(
      json: try JSONValue(parsing: #"{"intermediate_matches": [7, "uniform", "nonsense", "L3_hidden_smmd"]}"#)
    )
    let found = faults(config, teacher: try tinyModel(layers: 6), student: try tinyModel(layers: 3))
    #expect(
      found.map(\.field) == [
        "intermediate_matches[0]", "intermediate_matches[2]",
        "intermediate_matches[3] (L3_hidden_smmd).layer_T",
        "intermediate_matches[3] (L3_hidden_smmd).layer_T",
      ], "\(found)")
  }

  /// TextBrewer's schedules replace a weight, so that labels grow from 0; here they scale it, and 0 stays 0.
  @Test func aScheduleOfAWeightOfZeroIsDoubtful() throws {
    let (teacher, student) = (try tinyModel(layers: 3), try tinyModel(seed: 2))
    var config = DistillationConfig(kdLossWeightSchedule: .linearDecay)
    config.hardLabelWeightSchedule = .linearGrowth
    let doubts = faults(config, teacher: teacher, student: student, hasLabels: true)
    #expect(doubts.map(\.field) == ["hard_label_weight_scheduler"] && doubts[0].severity == .warning)
    #expect(faults(config, teacher: teacher, student: student, hasLabels: false).count == 1)

    config.compatibility = .textbrewer
    (config.kdLossWeight, config.kdLossWeightSchedule) = (0, .linearGrowth)
    #expect(faults(config, teacher: teacher, student: student, hasLabels: true).isEmpty)
    let distiller = try GeneralDistiller(config, teacher: teacher, student: student, hasLabels: true)
    func loss(_ progress: Double) throws -> StepLoss {
      try distiller.loss(tinyBatch(), progress: progress, in: .inference)
    }
    #expect(try loss(0).total.item == 0)
    let late = try loss(0.5)
    let sum = late.parts.filter { $0.name.hasPrefix("unweighted_") }.reduce(0) { $0 + $1.value }
    #expect(sum > 0 && abs(late.total.item - 0.5 * sum) < 1e-5)
  }

  @Test func aSoundConfigurationHasNoFault() throws {
    let teacher = try tinyModel(layers: 12, hidden: 12, heads: 3)
    let student = try tinyModel(layers: 3)
    for config in [
      DistillationConfig(),
      DistillationConfig(matches: [.map(.uniform), .map(.last, loss: .attentionCEMean)]),
      DistillationConfig(matches: [.preset("L3_hidden_smmd"), .preset("L3_attention_mse_sum")]),
      DistillationConfig(hardLabelWeight: 1, intermediateMatches: []),
    ] {
      #expect(faults(config, teacher: teacher, student: student, hasLabels: true).isEmpty)
    }
  }

  @Test func nothingToLearnIsAFault() throws {
    let (teacher, student) = (try tinyModel(layers: 3), try tinyModel())
    for matches in [[], [MatchSource.map(.uniform, weight: 0)]] {
      let config = DistillationConfig(kdLossWeight: 0, matches: matches)
      #expect(faults(config, teacher: teacher, student: student).map(\.field) == ["kd_loss_weight"])
    }
    let config = DistillationConfig(kdLossWeight: 0, matches: [.map(.uniform)])
    #expect(faults(config, teacher: teacher, student: student).isEmpty)
  }

  @Test func labelsMustAgreeInOrder() throws {
    let teacher = try tinyModel(layers: 3, labels: ["bad", "good"])
    for (labels, isFault) in [
      (["bad", "good"], false), (["BAD", "Good"], false), (["LABEL_0", "LABEL_1"], false),
      (["good", "bad"], true),
      (["bad", "fine", "good"], true),
    ] {
      let student = try tinyModel(labels: labels)
      #expect(faults(DistillationConfig(), teacher: teacher, student: student).isEmpty != isFault)
      // Without the KD loss nobody compares logits.
      let matchesOnly = DistillationConfig(kdLossWeight: 0, matches: [.map(.uniform)])
      #expect(faults(matchesOnly, teacher: teacher, student: student).isEmpty)
    }
  }

  @Test func vocabulariesMustAgreeTokenByToken() throws {
    let tokens = (0..<40).map { "t\($0)" }
    var changed = tokens
    changed[7] = "other"
    for (other, message) in [
      (tokens, nil), (changed, "token 7 is \"other\", the teacher's is \"t7\""),
      (Array(tokens.dropLast()), "its vocabulary has 39 tokens, the teacher's 40"),
    ] {
      let found = DistillationConfig().validate(
        teacher: ModelDescription(try tinyModel(layers: 3), name: "teacher", vocabulary: tokens),
        student: ModelDescription(try tinyModel(), name: "student", vocabulary: other))
      #expect(found.count == (message == nil ? 0 : 1))
      if let message { #expect(found[0].message.contains(message)) }
    }
  }

  @Test func aTeacherWithoutAHeadIsAFault() throws {
    let teacher = ModelDescription(try tinyModel(layers: 3), name: "models/base", hasFreshHead: true)
    let student = ModelDescription(try tinyModel(), name: "student")
    let found = DistillationConfig().validate(teacher: teacher, student: student)
    #expect(found.map(\.field) == ["teacher"])
    #expect(found[0].message.contains("models/base has no trained head"))
    #expect(
      DistillationConfig(kdLossWeight: 0, matches: [.map(.uniform)]).validate(
        teacher: teacher, student: student
      )
      .isEmpty)
  }

  @Test func oneModelCannotTeachItself() throws {
    let model = try tinyModel()
    #expect(throws: DistillationError.self) {
      try GeneralDistiller(DistillationConfig(), teacher: model, student: model)
    }
  }

  @Test func repeatedMatchesAreAWarning() throws {
    let match = MatchSource.match(IntermediateMatch(teacherLayer: 1, studentLayer: 1))
    let distiller = try GeneralDistiller(
      DistillationConfig(matches: [match, match]), teacher: try tinyModel(layers: 3), student: try tinyModel()
    )
    #expect(distiller.warnings.map(\.severity) == [.warning])
    let names = try distiller.loss(tinyBatch(), progress: 0, in: .inference).parts.map(\.name)
    #expect(names.suffix(2) == ["unweighted_hidden_hidden_mse_1_1", "unweighted_hidden_hidden_mse_1_1_2"])
  }
}
