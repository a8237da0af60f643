import Datasets
import Distillation
import Encoders
import Foundation
import Tensors
import Testing
import Tokenization
import Training

@Suite struct GeneralDistillerTests {
  private func part(_ loss: StepLoss, _ name: String) throws -> Float {
    try #require(loss.parts.first { $0.name == name }, "no \(name)").value
  }

  @Test func gradientsAgreeWithCentralDifferences() throws {
    var config = DistillationConfig(
      temperature: 2, temperatureSchedule: .constant, kdLossWeight: 0.5, hardLabelWeight: 0.7,
      matches: [
        .map(.uniform, projection: ProjectionConfig(.tanh)), .map(.last, loss: .attentionCEMean, weight: 0.5),
        .map(.first, loss: .mmd, weight: 0.2),
      ])
    config.probabilityShift = true
    let teacher = try tinyModel(layers: 3, hidden: 12, heads: 3, seed: 1)
    let student = try tinyModel(layers: 2, hidden: 8, heads: 2, seed: 2)
    let distiller = try GeneralDistiller(config, teacher: teacher, student: student)
    let batch = tinyBatch()
    #expect(distiller.groups.flatMap(\.parameters).contains { $0.name == "projections.2.weight" })
    try expectGradientsAgree(distiller, batch)
  }

  /// The check of the other tests sees a gradient that is lost, in whole or in part, however small the loss is.
  @Test(arguments: [1, 0.01])
  func lostGradientsAreSeen(weight: Double) throws {
    func faults(_ logits: @escaping (Tensor) -> Tensor) throws -> [String] {
      let distiller = try GeneralDistiller(
        DistillationConfig(temperature: 1, kdLossWeight: weight),
        teacher: LiveTeacher(try tinyModel(layers: 3, seed: 1)), student: try tinyModel(seed: 2),
        kdLoss: { student, teacher, _, _, _ in logits(student).meanSquaredError(to: teacher) })
      return try gradientFaults(distiller, tinyBatch())
    }
    let right = try faults { $0 }
    #expect(right == [], "\(right)")
    let missing = try faults { $0.detached }
    #expect(
      missing.count == (try tinyModel().parameters.count)
        && missing.allSatisfy { $0.hasSuffix("has no gradient") })
    let zero = try faults { $0.detached + $0 * 0 }
    #expect(zero.count > 500)
    let half = try faults { ($0.detached + $0) * 0.5 }
    #expect(half.count > 500)
  }

  @Test func theDivergenceIsWhatIsLeftOfTheCrossEntropy() throws {
    let own = Tensor([1, 2, 0, 0.5, 0.5, 3], shape: [2, 3])
    let result = { (logits: Tensor, _: Batch) in Answers(logits: [logits]) }
    func parts(_ student: Tensor, _ teacher: Tensor) throws -> StepLoss {
      let distiller = try GeneralDistiller(
        DistillationConfig(temperature: 2), teacher: try tinyModel(layers: 3, seed: 1),
        student: try tinyModel(seed: 2),
        adaptorT: { batch, _, _ in result(teacher, batch) },
        adaptorS: { batch, _, _ in result(student, batch) })
      return try distiller.loss(tinyBatch(), progress: 0, in: .inference)
    }
    #expect(try part(parts(own, own), "kd_kl_divergence") == 0)
    #expect(try part(parts(own, own), "unweighted_kd_loss") > 1)
    let other = Tensor([0, 1, 1, 2, 0, 1], shape: [2, 3])
    let loss = try parts(own, other)
    let p = (other * 0.5).softmax().values
    let q = (own * 0.5).softmax().values
    let expected = zip(p, q).reduce(0) { $0 + $1.0 * (log($1.0) - log($1.1)) } / 2
    #expect(abs(try part(loss, "kd_kl_divergence") - expected) < 1e-6)
    #expect(loss.total.item == (try part(loss, "unweighted_kd_loss")))
  }

  @Test func unlabelledSequencesCountForTheTeacherOnly() throws {
    let config = DistillationConfig(hardLabelWeight: 1)
    let teacher = try tinyModel(layers: 3, seed: 1)
    let student = try tinyModel(seed: 2)
    let distiller = try GeneralDistiller(config, teacher: teacher, student: student)
    let batch = tinyBatch()
    let loss = try distiller.loss(batch, progress: 0, in: .inference)
    let logits = student(batch.tokens, in: .inference).logits
    let labelled = logits.rows(at: [0, 2]).softmaxCrossEntropy(labels: [2, 0])
    #expect(abs(try part(loss, "unweighted_hard_label_loss") - labelled.item) < 1e-6)

    let without = Batch(tokens: batch.tokens, labels: [-100, -100, -100], indices: batch.indices)
    let context = recording()
    let unlabelled = try distiller.loss(without, progress: 0, in: context)
    #expect(try part(unlabelled, "unweighted_hard_label_loss") == 0)
    #expect(try part(unlabelled, "unweighted_kd_loss") == part(loss, "unweighted_kd_loss"))
    context.tape?.backward(from: unlabelled.total)
    #expect(student.parameters.allSatisfy { $0.gradient?.values.allSatisfy(\.isFinite) ?? false })
  }

  @Test func theTeacherRunsWithoutDropout() throws {
    let teacher = try tinyModel(layers: 3, dropout: 0.5, seed: 1)
    let distiller = try GeneralDistiller(
      DistillationConfig(), teacher: teacher, student: try tinyModel(seed: 2))
    let batch = tinyBatch()
    let once = try distiller.loss(batch, progress: 0, in: recording()).total.item
    let again = try distiller.loss(
      batch, progress: 0, in: Context(tape: Tape(), isTraining: true, random: RandomSource(seed: 6)))
    #expect(once == again.total.item)
  }

  @Test func onlyWantedLayersAreCaptured() throws {
    var seen: [Set<String>] = []
    func observe(_ matches: [MatchSource]) throws -> Set<String> {
      let distiller = try GeneralDistiller(
        DistillationConfig(matches: matches), teacher: try tinyModel(layers: 3, seed: 1),
        student: try tinyModel(seed: 2),
        adaptorT: { batch, output, context in
          seen.append(
            Set(context.taps?.values.keys.map { $0 } ?? []).union(context.taps?.maps.keys.map { $0 } ?? []))
          return Adaptors.features(batch, output, context)
        })
      _ = try distiller.loss(tinyBatch(), progress: 0, in: .inference)
      return try #require(seen.last)
    }
    #expect(try observe([]) == [])
    // Layer 1 of 3 is an inner layer: the last one need not be computed for every token.
    #expect(try observe([.match(IntermediateMatch(teacherLayer: 1, studentLayer: 1))]) == ["encoder.layer.0"])
    #expect(try observe([.match(IntermediateMatch(teacherLayer: 3, studentLayer: 2))]) == ["encoder.layer.2"])
    #expect(
      try observe([.match(IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: .attentionMSE))])
        == ["encoder.layer.2.attention.scores"])
  }

  @Test func aTeacherWithoutWeightDoesNotRun() throws {
    var runs = 0
    let distiller = try GeneralDistiller(
      DistillationConfig(kdLossWeight: 0, hardLabelWeight: 1), teacher: try tinyModel(layers: 3, seed: 1),
      student: try tinyModel(seed: 2),
      adaptorT: { batch, output, context in
        runs += 1
        return Adaptors.features(batch, output, context)
      })
    let loss = try distiller.loss(tinyBatch(), progress: 0, in: .inference)
    #expect(runs == 0)
    #expect(loss.parts.map(\.name) == ["unweighted_hard_label_loss"])
    #expect(distiller.weight(of: tinyBatch()) == 2)
  }

  @Test func cachedLogitsAreThoseOfTheTeacher() throws {
    var runs = 0
    var config = DistillationConfig(temperature: 2)
    config.cacheTeacherLogits = true
    let distiller = try GeneralDistiller(
      config, teacher: try tinyModel(layers: 3, seed: 1), student: try tinyModel(seed: 2),
      adaptorT: { batch, output, context in
        runs += 1
        return Adaptors.features(batch, output, context)
      })
    let examples = [[2, 11, 12, 3], [2, 21, 3], [2, 31, 32, 3]].map { (ids: [Int32]) in
      EncodedExample(ids: ids, segments: ids.map { _ in 0 })
    }
    let fresh = try distiller.loss(Batch(examples, at: [0, 1, 2]), progress: 0, in: .inference)
    let cached = try distiller.loss(Batch(examples, at: [0, 1, 2]), progress: 0, in: .inference)
    #expect(runs == 1)
    #expect(fresh.total.item == cached.total.item)
    // Another company, the same answers.
    let alone = try distiller.loss(Batch(examples, at: [2]), progress: 0, in: .inference)
    #expect(runs == 1)
    let teacher = try #require(distiller.teacher.model)
    let uncached = try GeneralDistiller(
      DistillationConfig(temperature: 2), teacher: teacher, student: distiller.student
    ).loss(Batch(examples, at: [2]), progress: 0, in: .inference)
    #expect(abs(alone.total.item - uncached.total.item) < 1e-5)
    #expect(distiller.cache?.count == 3)
    #expect(distiller.cache?.byteCount == 36)
  }

  @Test func probabilityShiftExchangesTheLargestLogitWithTheLabels() throws {
    let logits = { (values: [Float]) in Tensor(values, shape: [3, 3]) }
    let teacher: [Float] = [1, 5, 2, 3, 0, 1, 0, 7, 1]
    let student: [Float] = [0.5, 0.1, -1, 0.3, 2, 1, 0, 1, 0]
    func loss(_ teacherValues: [Float], shift: Bool) throws -> Float {
      var config = DistillationConfig(temperature: 2)
      config.probabilityShift = shift
      let distiller = try GeneralDistiller(
        config, teacher: try tinyModel(layers: 3, seed: 1), student: try tinyModel(seed: 2),
        adaptorT: { _, _, _ in Answers(logits: [logits(teacherValues)]) },
        adaptorS: { _, _, _ in Answers(logits: [logits(student)], labels: [[2, 0, -100]]) })
      return try distiller.loss(tinyBatch(), progress: 0, in: .inference).total.item
    }
    // Row 0 exchanges classes 1 and 2, row 1 has its label on top already, row 2 has no label.
    #expect(try loss(teacher, shift: true) == loss([1, 2, 5, 3, 0, 1, 0, 7, 1], shift: false))
  }

  @Test(arguments: [Compatibility.textbrewer, nil])
  func weightSchedulesFollowTheRun(compatibility: Compatibility?) throws {
    let config = DistillationConfig(
      temperature: 1, kdLossWeight: 5, kdLossWeightSchedule: .linearDecay, hardLabelWeight: 2,
      hardLabelWeightSchedule: .linearGrowth, compatibility: compatibility)
    let distiller = try GeneralDistiller(
      config, teacher: try tinyModel(layers: 3, seed: 1), student: try tinyModel(seed: 2))
    // TextBrewer: the configured weights in the first step, then the factors alone.
    let expected: [(Float, Float)] =
      compatibility == nil
      ? [(5, 0), (3.75, 0.5), (2.5, 1), (1.25, 1.5)] : [(5, 2), (0.75, 0.25), (0.5, 0.5), (0.25, 0.75)]
    for (step, weights) in expected.enumerated() {
      let loss = try distiller.loss(tinyBatch(), progress: Double(step) / 4, in: .inference)
      let parts = (try part(loss, "unweighted_kd_loss"), try part(loss, "unweighted_hard_label_loss"))
      #expect(abs(loss.total.item - weights.0 * parts.0 - weights.1 * parts.1) < 1e-5)
    }
  }

  @Test func projectionsTakeTheirOwnOptionsOrTheStudents() throws {
    let own = ProjectionConfig(.linear, learningRate: 1e-3, weightDecay: 0.1)
    let config = DistillationConfig(intermediateMatches: [
      IntermediateMatch(teacherLayer: 0, studentLayer: 0, projection: own),
      IntermediateMatch(teacherLayer: 3, studentLayer: 2, projection: ProjectionConfig(.relu)),
      IntermediateMatch(teacherLayer: 1, studentLayer: 1, projection: own),
    ])
    let distiller = try GeneralDistiller(
      config, teacher: try tinyModel(layers: 3, hidden: 12, heads: 3, seed: 1),
      student: try tinyModel(seed: 2))
    let groups = distiller.groups.filter { $0.name.hasPrefix("projections") }
    #expect(groups.map(\.learningRate) == [1e-3, 1e-3, nil, nil])
    #expect(groups.map(\.weightDecay) == [0.1, 0, nil, 0])
    #expect(groups[0].parameters.map(\.name) == ["projections.0.weight", "projections.2.weight"])
    let weight = try #require(distiller.projections[0]).weight.detached
    #expect(weight.shape == [12, 8])
    let deviation = (weight.values.reduce(0) { $0 + $1 * $1 } / Float(weight.count)).squareRoot()
    #expect(deviation > 0.015 && deviation < 0.025)
  }

  @Test func wrongAdaptorsAreNamed() throws {
    func message(_ config: DistillationConfig, _ adaptorS: @escaping Adaptor) throws -> String {
      let distiller = try GeneralDistiller(
        config, teacher: try tinyModel(layers: 3, seed: 1), student: try tinyModel(seed: 2), adaptorT: nil,
        adaptorS: adaptorS)
      do {
        _ = try distiller.loss(tinyBatch(), progress: 0, in: .inference)
        return ""
      } catch { return "\(error)" }
    }
    let nothing: Adaptor = { _, _, _ in Answers() }
    #expect(try message(DistillationConfig(), nothing).contains("logits: found 0 in the student and 1"))
    #expect(
      try message(DistillationConfig(kdLossWeight: 0, hardLabelWeight: 1), nothing).contains(
        "losses: is empty"))
    let config = DistillationConfig(
      kdLossWeight: 0, intermediateMatches: [.init(teacherLayer: 1, studentLayer: 1)])
    // What taps keep, an adaptor cannot lose.
    #expect(try message(config, nothing) == "")
    let silent = ClosureTeacher(ModelDescription(try tinyModel(layers: 3), name: "teacher")) { _ in Answers()
    }
    let distiller = try GeneralDistiller(config, teacher: silent, student: try tinyModel(seed: 2))
    #expect {
      try distiller.loss(tinyBatch(), progress: 0, in: .inference)
    } throws: {
      "\($0)".contains("values: has no encoder.layer.0, which unweighted_hidden_hidden_mse_1_1 needs")
    }
  }

  @Test func chosenRowsRestrictTheMatches() throws {
    func loss(_ rows: [Int32]?, _ type: MatchLossType) throws -> Float {
      let choose = { (adaptor: @escaping Adaptor) -> Adaptor in
        { batch, output, context in
          var result = try adaptor(batch, output, context)
          result.rows = rows
          return result
        }
      }
      let config = DistillationConfig(
        kdLossWeight: 0, intermediateMatches: [.init(teacherLayer: 3, studentLayer: 2, loss: type)])
      let distiller = try GeneralDistiller(
        config, teacher: try tinyModel(layers: 3, seed: 1), student: try tinyModel(seed: 2),
        adaptorT: choose(Adaptors.features), adaptorS: choose(Adaptors.classification))
      return try distiller.loss(tinyBatch(), progress: 0, in: .inference).total.item
    }
    #expect(try loss(nil, .hiddenMSE) == loss(Array(0..<11), .hiddenMSE))
    #expect(try loss(nil, .mmd) == loss(Array(0..<11), .mmd))
    #expect(try loss(nil, .pkd) == loss([0, 1, 4, 7], .pkd))
    #expect(try loss(nil, .hiddenMSE) != loss([0, 4, 7], .hiddenMSE))
  }
}
