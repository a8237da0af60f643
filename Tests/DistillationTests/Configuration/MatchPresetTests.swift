import Distillation
import Testing

/// The match sets of TextBrewer's examples, each written out as these have it.
@Suite struct MatchPresetTests {
  /// What a name stands for.
  struct Preset: Sendable, CustomTestStringConvertible {
    let name: String
    let feature: MatchFeature
    let loss: MatchLossType
    /// The teacher's layer of each match, and the student's; a list of two where the loss takes two.
    let teacherLayers: [[Int]]
    let studentLayers: [[Int]]
    /// The student's width that `["linear", width, 768]` projects, nil without `proj`.
    let width: Int?

    init(
      _ name: String, _ feature: MatchFeature, _ loss: MatchLossType, _ teacherLayers: [[Int]],
      _ studentLayers: [[Int]],
      width: Int? = nil
    ) {
      self.name = name
      self.feature = feature
      self.loss = loss
      self.teacherLayers = teacherLayers
      self.studentLayers = studentLayers
      self.width = width
    }

    var testDescription: String { name }
  }

  static let presets: [Preset] = [
    Preset("L3_attention_mse", .attention, .attentionMSE, [[4], [8], [12]], [[1], [2], [3]]),
    Preset("L3_attention_mse_sum", .attention, .attentionMSESum, [[4], [8], [12]], [[1], [2], [3]]),
    Preset("L3_attention_ce", .attention, .attentionCE, [[4], [8], [12]], [[1], [2], [3]]),
    Preset("L3_attention_ce_mean", .attention, .attentionCEMean, [[4], [8], [12]], [[1], [2], [3]]),
    Preset("L3_hidden_mse", .hidden, .hiddenMSE, [[0], [4], [8], [12]], [[0], [1], [2], [3]]),
    Preset("L3n_hidden_mse", .hidden, .hiddenMSE, [[0], [4], [8], [12]], [[0], [1], [2], [3]], width: 384),
    Preset("L3l_hidden_mse", .hidden, .hiddenMSE, [[0], [4], [8], [12]], [[0], [1], [2], [3]], width: 1024),
    Preset(
      "L3_hidden_smmd", .hidden, .mmd, [[0, 0], [4, 4], [8, 8], [12, 12]],
      [[0, 0], [1, 1], [2, 2], [3, 3]]),
    Preset("L4_attention_mse", .attention, .attentionMSE, [[3], [6], [9], [12]], [[1], [2], [3], [4]]),
    Preset(
      "L4_attention_mse_sum", .attention, .attentionMSESum, [[3], [6], [9], [12]], [[1], [2], [3], [4]]),
    Preset("L4_attention_ce", .attention, .attentionCE, [[3], [6], [9], [12]], [[1], [2], [3], [4]]),
    Preset(
      "L4_attention_ce_mean", .attention, .attentionCEMean, [[3], [6], [9], [12]], [[1], [2], [3], [4]]),
    Preset(
      "L4t_hidden_mse", .hidden, .hiddenMSE, [[0], [3], [6], [9], [12]], [[0], [1], [2], [3], [4]],
      width: 312),
    Preset(
      "L4t_hidden_sgram", .hidden, .gram, [[0, 0], [3, 3], [6, 6], [9, 9], [12, 12]],
      [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]], width: 312),
    Preset(
      "L4_hidden_smmd", .hidden, .mmd, [[0, 0], [3, 3], [6, 6], [9, 9], [12, 12]],
      [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4]]),
    Preset(
      "L6_hidden_mse", .hidden, .hiddenMSE, [[0], [2], [4], [6], [8], [10], [12]],
      [[0], [1], [2], [3], [4], [5], [6]]),
    Preset(
      "L6_hidden_smmd", .hidden, .mmd, [[0, 0], [2, 2], [4, 4], [6, 6], [8, 8], [10, 10], [12, 12]],
      [[0, 0], [1, 1], [2, 2], [3, 3], [4, 4], [5, 5], [6, 6]]),
    Preset(
      "small_hidden_mse", .hidden, .hiddenMSE, [[0], [2], [4], [6], [8], [10], [12]],
      [[0], [2], [4], [6], [8], [10], [12]], width: 256),
    Preset(
      "small_hidden_smmd", .hidden, .mmd,
      [[0, 0], [2, 2], [4, 4], [6, 6], [8, 8], [10, 10], [12, 12]],
      [[0, 0], [2, 2], [4, 4], [6, 6], [8, 8], [10, 10], [12, 12]]),
    Preset(
      "es_hidden_mse", .hidden, .hiddenMSE, [[2], [4], [6], [8], [10], [12]],
      [[2], [4], [6], [8], [10], [12]], width: 256),
    Preset(
      "es_hidden_smmd", .hidden, .mmd, [[2, 2], [4, 4], [6, 6], [8, 8], [10, 10], [12, 12]],
      [[2, 2], [4, 4], [6, 6], [8, 8], [10, 10], [12, 12]]),
  ]

  @Test(arguments: presets)
  func matchesAreTextBrewers(preset: Preset) throws {
    let matches = try #require(MatchPresets.matches(named: preset.name))
    let projection = preset.width.map { ProjectionConfig(.linear, studentSize: $0, teacherSize: 768) }
    #expect(matches.allSatisfy { $0.feature == preset.feature && $0.weight == 1 })
    try #require(preset.teacherLayers.count == preset.studentLayers.count)
    let expected = zip(preset.teacherLayers, preset.studentLayers).map { teacherLayers, studentLayers in
      IntermediateMatch(
        teacherLayers: teacherLayers, studentLayers: studentLayers, loss: preset.loss, weight: 1,
        projection: projection)
    }
    #expect(matches == expected)
  }

  @Test func thereAreNoOthers() {
    #expect(MatchPresets.names == Self.presets.map(\.name).sorted())
    #expect(MatchPresets.names.count == 21)
    #expect(MatchPresets.matches(named: "L5_hidden_mse") == nil)
  }

  /// ELECTRA's embeddings, which are narrower than its layers, are left out.
  @Test func esStandsForTheLayersOfElectra() throws {
    let teacher = ModelDescription(try tinyModel(layers: 12), name: "teacher")
    let student = ModelDescription(try tinyModel(layers: 12, seed: 2), name: "student")
    let resolved = DistillationConfig(matches: [.preset("es_hidden_smmd")])
      .resolvedMatches(teacher: teacher, student: student)
    let expected = [[2, 2], [4, 4], [6, 6], [8, 8], [10, 10], [12, 12]]
    #expect(resolved.map(\.teacherPositions) == expected)
    #expect(resolved.map(\.studentPositions) == expected)
  }
}
