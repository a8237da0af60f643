import Datasets
import Distillation
import Encoders
import ModelFormats
import Tensors
import Testing
import Tokenization
import Training

@Suite struct SelfAttentionMatchTests {
  private struct Case {
    let type: MatchLossType
    let heads: Int
    let student: [Parameter]
    let teacher: SelfAttentionVectors
    let golden: Golden

    init(_ name: String) throws {
      let file = try Golden("losses/later_\(name).safetensors")
      type = name == "minilm" ? .minilm : .minilmv2
      heads = Int(try file.integers("heads")[0])
      let names = ["queries", "keys", "values"]
      student = try [Parameter](names.map { Parameter(name: $0, value: try file.tensor("student_\($0)")) })
      let teachers = try names.map { try file.tensor("teacher_\($0)") }
      teacher = SelfAttentionVectors(queries: teachers[0], keys: teachers[1], values: teachers[2])
      golden = file
    }

    func loss(weights: [Double]? = nil, in context: Context) throws -> Tensor {
      let own = SelfAttentionVectors(
        queries: student[0].tensor(in: context), keys: student[1].tensor(in: context),
        values: student[2].tensor(in: context))
      return type.loss.ofSelfAttention(
        student: own, teacher: teacher, heads: heads, weights: weights,
        starts: try golden.integers("starts"))
    }
  }

  /// Against PyTorch (`Tests/Reference/make_match_fixtures.py`).
  @Test(arguments: ["minilm", "minilmv2", "minilmv2_wide"])
  func lossMatchesPyTorch(name: String) throws {
    let example = try Case(name)
    let context = Context(tape: Tape())
    let loss = try example.loss(in: context)
    context.tape?.backward(from: loss)
    expectClose(loss, try example.golden.tensor("output"), name)
    for parameter in example.student {
      expectClose(
        try #require(parameter.gradient), try example.golden.tensor("grad_student_\(parameter.name)"),
        "\(name) \(parameter.name)")
    }
  }

  @Test func relationsHaveWeights() throws {
    let example = try Case("minilmv2")
    func loss(_ weights: [Double]?) throws -> Float {
      try example.loss(weights: weights, in: .inference).item
    }
    let parts = try [loss([1, 0, 0]), loss([0, 1, 0]), loss([0, 0, 1])]
    #expect(abs(try loss(nil) - parts.reduce(0, +)) < 1e-5)
    #expect(abs(try loss([2, 0, 0.5]) - 2 * parts[0] - parts[2] / 2) < 1e-5)
  }

  private func distiller(
    _ matches: [MatchSource], kdLossWeight: Double = 0.3, studentHeads: Int = 2, studentHidden: Int = 8
  ) throws -> GeneralDistiller {
    try GeneralDistiller(
      DistillationConfig(kdLossWeight: kdLossWeight, matches: matches),
      teacher: try tinyModel(layers: 3, hidden: 12, heads: 3, seed: 1),
      student: try tinyModel(layers: 2, hidden: studentHidden, heads: studentHeads, seed: 2))
  }

  /// Width, heads and depth are all free, and the classifier's last layer still ends in one row a sequence.
  @Test func gradientsOfMiniLMv2AgreeWithCentralDifferences() throws {
    let match = IntermediateMatch(
      teacherLayer: -2, studentLayer: -1, loss: .minilmv2, weight: 20, relationHeads: 4)
    try expectGradientsAgree(try distiller([.match(match)]), tinyBatch())
  }

  @Test func gradientsOfMiniLMAgreeWithCentralDifferences() throws {
    let match = IntermediateMatch(teacherLayer: -1, studentLayer: 1, loss: .minilm, weight: 20)
    try expectGradientsAgree(
      try distiller([.match(match)], studentHeads: 3, studentHidden: 6), tinyBatch())
  }

  @Test func lastLayersAreTheShortForm() throws {
    let config = DistillationConfig(
      json: try JSONValue(
        parsing: """
          {"intermediate_matches": ["minilmv2", {"loss": "minilmv2", "layer_T": 2, "relation_heads": 2,
            "relation_weights": [1, 0, 2]}, {"loss": "minilm", "feature": "self_attention"}]}
          """))
    #expect(config.readingFaults.isEmpty)
    #expect(
      config.matches == [
        .match(IntermediateMatch(teacherLayer: -1, studentLayer: -1, loss: .minilmv2)),
        .match(
          IntermediateMatch(
            teacherLayer: 2, studentLayer: -1, loss: .minilmv2, relationHeads: 2, relationWeights: [1, 0, 2])),
        .match(IntermediateMatch(teacherLayer: -1, studentLayer: -1, loss: .minilm)),
      ])
    #expect(DistillationConfig(json: config.json) == config)
    let matches = try distiller(Array(config.matches.prefix(2))).matches
    #expect(matches.map(\.teacherPositions) == [[2], [1]])
    #expect(matches.map(\.studentPositions) == [[1], [1]])
  }

  /// 16 of the teacher's features a head, or what divides both widths next.
  @Test(arguments: [
    (768, 768, 48), (768, 384, 48), (768, 312, 24), (768, 256, 32), (1024, 384, 64), (384, 128, 16),
    (12, 8, 1),
    (768, 7, 1),
  ])
  func relationHeadsFollowTheWidths(teacher: Int, student: Int, expected: Int) throws {
    var own = ModelDescription(try tinyModel(), name: "student")
    var other = ModelDescription(try tinyModel(), name: "teacher")
    (own.hiddenSize, other.hiddenSize) = (student, teacher)
    let config = DistillationConfig(matches: [
      .match(IntermediateMatch(teacherLayer: -1, studentLayer: -1, loss: .minilmv2))
    ])
    #expect(config.resolvedMatches(teacher: other, student: own).map(\.relationHeads) == [expected])
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let teacher = try tinyModel(layers: 3, hidden: 12, heads: 3)
    let student = try tinyModel(layers: 2, hidden: 8, heads: 2)
    func message(_ match: IntermediateMatch) -> [String] {
      faults(DistillationConfig(matches: [.match(match)]), teacher: teacher, student: student)
        .map(\.description)
    }
    let field = "intermediate_matches[0]"
    #expect(
      message(IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: .minilmv2, relationHeads: 3)) == [
        "\(field).relation_heads: found 3, which must divide the hidden sizes 12 of the teacher and 8 of the "
          + "student; use 1, or leave it out"
      ])
    #expect(
      message(IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: .minilm)) == [
        "\(field).loss: minilm needs equal head counts, found 3 in the teacher and 2 in the student; use minilmv2"
      ])
    #expect(
      message(IntermediateMatch(teacherLayer: 0, studentLayer: 2, loss: .minilmv2))[0].contains(
        "teacher layer 0 does not exist; the teacher has 3 layers, so 1 to 3"))
    #expect(
      message(IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: .minilmv2, relationWeights: [1, 1]))
        == [
          "\(field).relation_weights: found [1.0, 1.0], expected 3 numbers of at least 0: the weights of queries, "
            + "keys, values"
        ])
    #expect(
      message(
        IntermediateMatch(
          teacherLayer: 3, studentLayer: 2, loss: .cos, projection: ProjectionConfig(), relationHeads: 2))
        == ["\(field).relation_heads: is for minilmv2, not for cos; remove it"])
    #expect(
      message(
        IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: .minilmv2, projection: ProjectionConfig()))
        == ["\(field).proj: a projection applies to hidden states, not to attention; remove it"])
  }

  @Test func modelsWithoutAttentionHaveNone() throws {
    var student = ModelDescription(try tinyModel(), name: "student")
    student.heads = 0
    let config = DistillationConfig(
      matches: ["minilmv2", "emd"].compactMap { MatchLossType(rawValue: $0) }.compactMap {
        IntermediateMatch($0)
      }
      .map { .match($0) })
    let found = config.validate(teacher: ModelDescription(try tinyModel(), name: "teacher"), student: student)
    #expect(found.map(\.field) == ["intermediate_matches[0].loss"], "\(found)")
    let matches = config.resolvedMatches(teacher: student, student: student)
    #expect(matches.map(\.comparesAttention) == [false])
  }

  @Test func onlyTheWantedLayersAreCaptured() throws {
    var seen: [Set<String>] = []
    let distiller = try GeneralDistiller(
      DistillationConfig(matches: [
        .match(IntermediateMatch(teacherLayer: 2, studentLayer: 2, loss: .minilmv2))
      ]),
      teacher: try tinyModel(layers: 3, seed: 1), student: try tinyModel(seed: 2),
      adaptorT: { batch, output, context in
        seen.append(Set(context.taps?.values.keys.map { $0 } ?? []))
        #expect(context.taps?.maps.isEmpty == true && output.encoder.holdsFirstRowsOnly)
        return Adaptors.features(batch, output, context)
      })
    let loss = try distiller.loss(tinyBatch(), progress: 0, in: .inference)
    #expect(seen == [Set(["query", "key", "value"].map { "encoder.layer.1.attention.self.\($0)" })])
    #expect(loss.parts.contains { $0.name == "unweighted_self_attention_minilmv2_2_2" && $0.value > 0 })
    let nothing = try GeneralDistiller(
      DistillationConfig(
        kdLossWeight: 0,
        matches: [.match(IntermediateMatch(teacherLayer: 2, studentLayer: 2, loss: .minilmv2))]),
      teacher: ClosureTeacher(ModelDescription(try tinyModel(layers: 3), name: "teacher")) { _ in Answers() },
      student: try tinyModel(seed: 2))
    #expect(throws: DistillationError.self) {
      try nothing.loss(tinyBatch(), progress: 0, in: .inference)
    }
  }

  @Test func thePlanShowsTheRelationHeads() throws {
    let plan = try DistillationPlan(
      DistillationConfig(
        matches: [
          .match(IntermediateMatch(teacherLayer: -1, studentLayer: -1, loss: .minilmv2, relationHeads: 4))
        ]),
      teacher: ModelDescription(try tinyModel(layers: 3, hidden: 12, heads: 3), name: "teacher/"),
      student: ModelDescription(try tinyModel(), name: "student/"), tokensPerBatch: 100)
    #expect(
      plan.lines.contains(
        "match    1 × minilmv2  teacher layer 3  [4 heads, T, T]  student layer 2  [4 heads, T, T]"),
      "\(plan.lines.joined(separator: "\n"))")
  }
}
