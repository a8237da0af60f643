import Distillation
import Encoders
import ModelFormats
import Tensors
import Testing
import Training

/// The losses that see each sequence at its first token.
@Suite struct FirstTokenMatchTests {
  static let types: [MatchLossType] = [.pkd, .rkdDistance, .rkdAngle, .irg, .irgTransformation]

  /// Against PyTorch (`Tests/Reference/make_kd_fixtures.py` and `make_match_fixtures.py`).
  @Test(arguments: types)
  func lossMatchesPyTorch(type: MatchLossType) throws {
    let golden = try Golden("losses/later_\(type.rawValue).safetensors")
    let keys = type.takesTwoLayers ? ["", "1"] : [""]
    let students = try keys.map { Parameter(name: $0, value: try golden.tensor("student" + $0)) }
    let context = Context(tape: Tape())
    let loss = type.loss.ofHiddenStates(
      student: students.map { $0.tensor(in: context) },
      teacher: try keys.map { try golden.tensor("teacher" + $0) },
      starts: try golden.integers("starts"))
    context.tape?.backward(from: loss)
    expectClose(loss, try golden.tensor("output"), type.rawValue)
    for student in students {
      let expected = try golden.tensor("grad_student" + student.name)
      expectClose(try #require(student.gradient), expected, "\(type.rawValue) \(student.name)")
    }
  }

  /// A batch of one sequence, and one of equal ones, have no relations to learn.
  @Test(arguments: [MatchLossType.rkdDistance, .rkdAngle, .irg, .irgTransformation], [1, 3])
  func equalSequencesHaveNoRelations(type: MatchLossType, count: Int32) throws {
    let values = (0..<2 * Int(count)).map { Float($0 % 2) }
    let layers = type.takesTwoLayers ? 2 : 1
    let student = Parameter(name: "", value: Tensor(values, shape: [Int(count), 2]))
    let context = Context(tape: Tape())
    let loss = type.loss.ofHiddenStates(
      student: [Tensor](repeating: student.tensor(in: context), count: layers),
      teacher: [Tensor](repeating: Tensor(values, shape: [Int(count), 2]), count: layers),
      starts: Array(0...count))
    context.tape?.backward(from: loss * 1)
    #expect(loss.item == 0)
    #expect((student.gradient?.values ?? []).allSatisfy { $0 == 0 })
  }

  @Test func gradientsAgreeWithCentralDifferences() throws {
    let distiller = try GeneralDistiller(
      DistillationConfig(
        kdLossWeight: 0.3,
        matches: [
          .map(.uniform, loss: .pkd, weight: 10), .map(.last, loss: .irg),
          .map(.uniform, loss: .irgTransformation),
          .match(IntermediateMatch(teacherLayers: [0, 3], studentLayers: [1, 3], loss: .irgTransformation)),
        ]), teacher: try tinyModel(layers: 4, hidden: 12, heads: 3, seed: 1),
      student: try tinyModel(layers: 3, seed: 2))
    try expectGradientsAgree(distiller, tinyBatch())
  }

  /// A vector of no direction costs what is missing and gets no gradient.
  @Test func zeroVectorsGiveNumbers() throws {
    let student = Parameter(name: "", value: Tensor([0, 0, 3, 4], shape: [2, 2]))
    let context = Context(tape: Tape())
    let loss = MatchLossType.pkd.loss.ofHiddenStates(
      student: [student.tensor(in: context)], teacher: [Tensor([1, 0, 3, 4], shape: [2, 2])],
      starts: [0, 1, 2])
    context.tape?.backward(from: loss)
    #expect(abs(loss.item - 0.25) < 1e-6)
    #expect(try #require(student.gradient).values.allSatisfy { abs($0) < 1e-6 })
  }

  /// Sun and others leave out the embeddings and the last layer; the choices of Liu's and Park's methods start above the
  /// embeddings, which are the same for the first tokens of all sequences.
  @Test(arguments: [
    ("pkd_skip", [[2], [4], [6], [8], [10]], [[1], [2], [3], [4], [5]]),
    ("pkd_last", [[7], [8], [9], [10], [11]], [[1], [2], [3], [4], [5]]),
    ("irg", [[12]], [[6]]),
    ("last:irg", [[7], [8], [9], [10], [11], [12]], [[1], [2], [3], [4], [5], [6]]),
    (
      "uniform:irg_transformation", [[2, 4], [4, 6], [6, 8], [8, 10], [10, 12]],
      [[1, 2], [2, 3], [3, 4], [4, 5], [5, 6]]
    ),
  ])
  func layersAreThoseOfTheMethod(name: String, teacher: [[Int]], student: [[Int]]) throws {
    let config = DistillationConfig(json: ["matches": [.string(name)]])
    #expect(config.readingFaults.isEmpty)
    #expect(DistillationConfig(json: config.json) == config)
    let matches = config.resolvedMatches(
      teacher: ModelDescription(try tinyModel(layers: 12), name: "teacher"),
      student: ModelDescription(try tinyModel(layers: 6), name: "student"))
    #expect(matches.map(\.teacherPositions) == teacher)
    #expect(matches.map(\.studentPositions) == student)
  }

  /// The authors' `patience_loss` is one mean over sequences, layers and features; TextBrewer adds the layers up.
  @Test func patienceIsAMeanOverTheLayers() throws {
    let (teacher, student) = (try tinyModel(layers: 12, seed: 1), try tinyModel(layers: 6, seed: 2))
    func loss(_ config: DistillationConfig) throws -> Float {
      var config = config
      config.kdLossWeight = 0
      return try GeneralDistiller(config, teacher: teacher, student: student)
        .loss(tinyBatch(), progress: 0, in: .inference).total.item
    }
    let single = try (1...5).map { layer in
      try loss(
        DistillationConfig(matches: [
          .match(IntermediateMatch(teacherLayer: 2 * layer, studentLayer: layer, loss: .pkd))
        ])
      )
    }
    let mean = single.reduce(0, +) / 5
    #expect(mean > 0)
    #expect(abs(try loss(DistillationConfig(json: ["matches": ["pkd_skip"]])) - mean) < 1e-5 * mean)
    let weighted = DistillationConfig(json: ["matches": [["map": "uniform", "loss": "pkd", "weight": 100]]])
    #expect(abs(try loss(weighted) - 100 * mean) < 1e-3 * mean)
    let theirs = DistillationConfig(
      json: ["matches": [["map": "uniform", "loss": "pkd"]], "compatibility": "textbrewer"])
    let (own, other) = (
      ModelDescription(teacher, name: "teacher"), ModelDescription(student, name: "student")
    )
    #expect(theirs.resolvedMatches(teacher: own, student: other).allSatisfy { $0.weight == 1 })
  }

  @Test func whatHasNoLayersIsRefused() throws {
    let (teacher, student) = (try tinyModel(layers: 3), try tinyModel(layers: 1))
    for (source, field, part) in [
      (MatchSource.map(.uniform, loss: .pkd), "intermediate_matches[0]", "of which a student of 1 has none"),
      (.map(.uniform, loss: .irgTransformation), "intermediate_matches[0]", "inner layers"),
      (
        .match(IntermediateMatch(teacherLayer: 2, studentLayer: 1, loss: .irgTransformation)),
        "intermediate_matches[0].layer_T", "between two layers"
      ),
    ] {
      let found = faults(DistillationConfig(matches: [source]), teacher: teacher, student: student)
      #expect(found.map(\.field) == [field], "\(found)")
      #expect(found.first?.message.contains(part) == true, "\(found)")
    }
  }
}
