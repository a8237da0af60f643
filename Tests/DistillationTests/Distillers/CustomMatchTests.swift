import Datasets
import Distillation
import Encoders
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Matches of named modules, losses of the caller's own, and distillers with a loss of their own.
@Suite struct CustomMatchTests {
  private let labels = ["LABEL_0", "LABEL_1", "LABEL_2"]

  /// Four losses between modules over the models of ObjectiveGoldenTests, the last one not Potstill's.
  private var matches: [CustomMatch] {
    [
      CustomMatch(
        teacherModule: "bert.encoder.layer.3.attention.self.query",
        studentModule: "encoder.layer.1.attention.self.query",
        projection: ProjectionConfig(.linear)),
      CustomMatch(
        teacherModule: "pooler", studentModule: "pooler", loss: .named(.cos), weight: 0.5,
        projection: ProjectionConfig(.tanh)),
      CustomMatch(
        teacherModule: "encoder.layer.2.intermediate", studentModule: "encoder.layer.0.intermediate",
        loss: .named(.mmd),
        weight: 2),
      CustomMatch(
        teacherModule: "classifier", studentModule: "classifier",
        loss: CustomMatch.Loss("l1") { student, teacher, _, context in
          let difference = student - teacher
          // |x| = relu(x) + relu(−x)
          let parts = [Float(1), -1].map {
            (difference * $0).applying(.relu).mean()
          }
          return parts[0] + parts[1]
        }, weight: 0.3),
    ]
  }

  @Test func totalPartsAndGradientsMatchPyTorch() throws {
    let (teacher, student) = (
      try tinyModel(layers: 4, hidden: 12, heads: 3, labels: labels), try tinyModel(labels: labels)
    )
    for (model, name) in [(teacher, "teacher"), (student, "student")] {
      let golden = try Golden("objective/\(name).safetensors")
      for parameter in model.parameters { parameter.assign(try golden.tensor(parameter.name)) }
    }
    let config = DistillationConfig(kdLossWeight: 0, matches: matches.map { .custom($0) })
    let distiller = try GeneralDistiller(config, teacher: teacher, student: student)
    let golden = try Golden("objective/custom.safetensors")
    for parameter in distiller.projections.compactMap({ $0 }).flatMap(\.parameters) {
      parameter.assign(try golden.tensor(parameter.name))
    }
    #expect(distiller.projections.map { $0 == nil } == [false, false, true, true])
    let json = try JSONValue(contentsOf: Fixtures.url("distillation/objective/batch.json"))
    let rows = { (key: String) in
      (json[key]?.arrayValue ?? []).map { ($0.arrayValue ?? []).compactMap(\.intValue).map { Int32($0) } }
    }
    let batch = Batch(
      tokens: TokenBatch(sequences: Array(zip(rows("ids"), rows("segments")))), labels: [2, -100, 0],
      indices: [0, 1, 2])
    let context = recording()
    let loss = try distiller.loss(batch, progress: 0, in: context)
    expectClose(loss.total, try golden.tensor("total"), "total")
    #expect(loss.parts.first { $0.name == "unweighted_hard_label_loss" } != nil)
    for match in matches {
      let part = try #require(loss.parts.first { $0.name == match.logName }, "\(match.logName)")
      expectClose(Tensor(part.value), try golden.tensor("part/" + match.loss.name), match.logName)
    }
    context.tape?.backward(from: loss.total)
    for parameter in distiller.groups.flatMap(\.parameters) where golden.has("grad/" + parameter.name) {
      let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient")
      expectClose(gradient, try golden.tensor("grad/" + parameter.name), relative: 1e-4, parameter.name)
    }
    #expect(golden.has("grad/projections.1.bias") && golden.has("grad/bert.pooler.dense.weight"))
  }

  @Test func whatDoesNotFitIsRefusedBeforeTheFirstStep() throws {
    let config = DistillationConfig(matches: [
      .custom(
        CustomMatch(teacherModule: "encoder.layer.9.output", studentModule: "encoder.layer.1.atention.output")
      ),
      .custom(CustomMatch(teacherModule: "pooler", studentModule: "embeddings")),
      .custom(CustomMatch(teacherModule: "encoder.layer.1", studentModule: "encoder.layer.1")),
      .custom(
        CustomMatch(teacherModule: "pooler", studentModule: "pooler", loss: .named(.attentionCE), weight: -1)),
    ])
    let found = faults(
      config, teacher: try tinyModel(layers: 3, hidden: 12, heads: 3), student: try tinyModel())
    let messages = found.map(\.description)
    #expect(
      messages.contains { $0.contains("no module \"encoder.layer.9.output\"; did you mean encoder.layer.") })
    #expect(messages.contains { $0.hasSuffix("did you mean encoder.layer.1.attention.output?") })
    #expect(
      messages.contains { $0.contains("embeddings has a row for each token, the teacher's pooler for") })
    #expect(
      messages.contains { $0.contains("intermediate_matches[2].proj") && $0.contains("[\"linear\", 8, 12]") })
    #expect(messages.contains { $0.contains("[3].loss") && $0.contains("attention_ce compares attention") })
    #expect(messages.contains { $0.contains("[3].weight: found -1") })
    #expect(throws: DistillationError.self) {
      try GeneralDistiller(
        DistillationConfig(), teacher: LiveTeacher(try tinyModel(layers: 3)), student: try tinyModel(),
        terms: [Inner(teacherTap: "encoder.layer.2", studentTap: "encoder.layer.2")])
    }
  }

  @Test func configurationsAreReadAndWritten() throws {
    let json: JSONValue = [
      "intermediate_matches": [
        [
          "module_T": "encoder.layer.3.attention.output", "module_S": "encoder.layer.1.attention.output",
          "loss": "cos", "weight": 2, "proj": ["linear", 8, 12],
        ]
      ]
    ]
    let config = DistillationConfig(json: json)
    let match = CustomMatch(
      teacherModule: "encoder.layer.3.attention.output", studentModule: "encoder.layer.1.attention.output",
      loss: .named(.cos), weight: 2, projection: ProjectionConfig(.linear, studentSize: 8, teacherSize: 12))
    #expect(config.matches == [.custom(match)])
    #expect(DistillationConfig(json: config.json) == config)
    let (teacher, student) = (
      try tinyModel(layers: 4, hidden: 12, heads: 3), try tinyModel()
    )
    let plan = try DistillationPlan(
      config, teacher: ModelDescription(teacher, name: "t"), student: ModelDescription(student, name: "s"),
      tokensPerBatch: 10)
    #expect(plan.matches.map(\.studentLayer) == ["encoder.layer.1.attention.output"])
    #expect(plan.projectionCount == 8 * 12 + 12)
    let wrong = DistillationConfig(json: ["intermediate_matches": [["module_T": 3]]])
    #expect(
      faults(wrong, teacher: teacher, student: student).map(\.field).prefix(2) == [
        "intermediate_matches[0].module_T", "intermediate_matches[0].module_S",
      ])
  }

  @Test func aKDLossOfTheCallersOwnTakesThePlaceOfTheNamedOne() throws {
    let (teacher, student) = (try tinyModel(layers: 3, seed: 1), try tinyModel(seed: 2))
    let config = DistillationConfig(temperature: 3)
    let named = try GeneralDistiller(config, teacher: teacher, student: student)
    let soft: KDFunction = { student, teacher, kind, tau, context in
      #expect(kind == .classes && tau == 3)
      let loss = student.softCrossEntropy(teacher: teacher, temperature: 3)
      return loss * 9
    }
    let own = try GeneralDistiller(config, teacher: LiveTeacher(teacher), student: student, kdLoss: soft)
    let loss = { (distiller: GeneralDistiller) in try distiller.loss(tinyBatch(), progress: 0, in: .inference)
    }
    #expect(try loss(own).total.item == loss(named).total.item)
    // Nobody knows where the minimum of such a loss lies.
    #expect(try loss(own).parts.map(\.name) == ["unweighted_kd_loss", "unweighted_hard_label_loss"])
    let wrong: KDFunction = { student, _, _, _, _ in student }
    let vector = try GeneralDistiller(config, teacher: LiveTeacher(teacher), student: student, kdLoss: wrong)
    #expect(throws: DistillationError.self) { try loss(vector) }
    #expect(throws: DistillationError.self) {
      try GeneralDistiller(
        DistillationConfig(temperatureSchedule: .cwsm(beta: 1)), teacher: LiveTeacher(teacher),
        student: student, kdLoss: soft)
    }
  }

  /// A distiller with one function overridden: the distance of two inner values on top of everything else.
  private final class MyDistiller: GeneralDistiller {
    override func computeLoss(
      student: Answers, teacher: Answers, batch: Batch, progress: Double,
      in context: Context
    ) throws -> StepLoss {
      let loss = try super.computeLoss(
        student: student, teacher: teacher, batch: batch, progress: progress, in: context)
      let own = try student.value("encoder.layer.1.intermediate")
      let other = try teacher.value("encoder.layer.2.intermediate")
      return loss.adding(own.meanSquaredError(to: other), weight: 0.5, name: "unweighted_inner")
    }
  }

  /// The same distance as a term, in the place of an override.
  private struct Inner: LossTerm {
    let name = "inner"
    let teacherTap: String
    let studentTap: String
    var share = 0.5
    var studentTaps: [String] { [studentTap] }
    var teacherTaps: [String] { [teacherTap] }
    func weight(progress: Double) -> Double { share }
    func loss(student: Answers, teacher: Answers, batch: Batch, in context: Context) throws -> Tensor {
      try student.value(studentTap).meanSquaredError(to: teacher.value(teacherTap))
    }
  }

  private final class MySchedules: GeneralDistiller {
    override func kdLossWeight(progress: Double) -> Double { 1 - progress * progress }
    override func hardLabelWeight(progress: Double) -> Double { 3 * progress }
    override func temperatures(student: Tensor, teacher: Tensor) -> [Float]? {
      [Float](repeating: 2, count: student.shape.rowCount)
    }
  }

  @Test func schedulesOfYourOwnAreOverrides() throws {
    let teachers = try TeacherEnsemble(
      [try tinyModel(layers: 3, seed: 1), try tinyModel(layers: 4, seed: 5)].map { LiveTeacher($0) })
    let student = try tinyModel(seed: 2)
    let plain = try GeneralDistiller(
      DistillationConfig(temperature: 2, hardLabelWeight: 1), teacher: teachers, student: student)
    let mine = try MySchedules(
      DistillationConfig(temperature: 9, hardLabelWeight: 1), teacher: teachers, student: student)
    let parts = try plain.loss(tinyBatch(), progress: 0, in: .inference).parts
    let part = { (name: String) in try #require(parts.first { $0.name == name }).value }
    let expected = 0.75 * (try part("unweighted_kd_loss")) + 1.5 * (try part("unweighted_hard_label_loss"))
    let found = try mine.loss(tinyBatch(), progress: 0.5, in: .inference).total.item
    #expect(abs(found - expected) < 1e-5)
  }

  @Test func aDistillerOfYourOwnOverridesOneFunction() throws {
    let (teacher, student) = (try tinyModel(layers: 3, seed: 1), try tinyModel(seed: 2))
    let config = DistillationConfig(hardLabelWeight: 1)
    let plain = try GeneralDistiller(config, teacher: teacher, student: student)
    let mine = try MyDistiller(
      config, teacher: LiveTeacher(teacher), student: student,
      terms: [
        Inner(
          teacherTap: "encoder.layer.2.intermediate", studentTap: "encoder.layer.1.intermediate", share: 0)
      ])
    let before = try plain.loss(tinyBatch(), progress: 0, in: .inference)
    let loss = try mine.loss(tinyBatch(), progress: 0, in: .inference)
    #expect(loss.parts.map(\.name) == before.parts.map(\.name) + ["inner", "unweighted_inner"])
    let inner = try #require(loss.parts.last).value
    let term = try GeneralDistiller(
      config, teacher: LiveTeacher(teacher), student: student,
      terms: [Inner(teacherTap: "encoder.layer.2.intermediate", studentTap: "encoder.layer.1.intermediate")])
    let added = try term.loss(tinyBatch(), progress: 0, in: .inference)
    #expect(added.total.item == loss.total.item && added.parts.last?.value == inner)
    #expect(inner > 0.001)
    #expect(abs(loss.total.item - before.total.item - 0.5 * inner) < 1e-5)

    var settings = TrainingConfig()
    settings.learningRate = 5e-3
    settings.numTrainEpochs = 20
    settings.saveStrategy = .never
    let examples = (0..<16).map {
      EncodedExample(ids: [2, Int32(5 + $0), 3], segments: [0, 0, 0], label: 1)
    }
    try mine.train(examples, config: settings)
    let after = try mine.loss(Batch(examples, at: [0, 1]), progress: 0, in: .inference)
    #expect(try #require(after.parts.last).value < inner)
  }
}
