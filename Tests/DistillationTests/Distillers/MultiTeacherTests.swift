import Datasets
import Distillation
import Encoders
import Foundation
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Several teachers of one student: what is averaged, by hand and against TextBrewer, for every kind of head.
@Suite struct MultiTeacherTests {
  private func softmax(_ logits: Tensor) -> [Float] { logits.softmax().values }

  /// `textbrewer.md` §1.20, the last row, and the same with other shares.
  @Test func meansAreThoseOfTextBrewersGoldenNumbers() {
    let teachers = [Tensor([3, 0, 0], shape: [1, 3]), Tensor([0, 0, 1], shape: [1, 3])]
    let logits = MeanLogits.ofLogits(teachers, shares: [0.5, 0.5])
    #expect(logits.values == [1.5, 0, 0.5])
    for (found, expected) in zip(softmax(logits), [0.6285, 0.1402, 0.2312] as [Float]) {
      #expect(abs(found - expected) < 1e-4)
    }
    let mean = MeanLogits.ofProbabilities(teachers, shares: [0.5, 0.5], kind: .classes, temperature: 1)
    for (found, expected) in zip(softmax(mean), [0.5607, 0.1286, 0.3107] as [Float]) {
      #expect(abs(found - expected) < 1e-4)
    }
    // Divided by the temperature they were averaged at they give the mean distribution back, whatever the shares.
    let tau = 4.0
    let warm = MeanLogits.ofProbabilities(teachers, shares: [0.75, 0.25], kind: .classes, temperature: tau)
    let parts = teachers.map { softmax($0 * Float(1 / tau)) }
    for (index, found) in softmax(warm * Float(1 / tau)).enumerated() {
      #expect(abs(found - (0.75 * parts[0][index] + 0.25 * parts[1][index])) < 1e-6)
    }
  }

  @Test func meansOfLabelsSideBySideAndOfPositions() {
    let teachers = [Tensor([3, -2, 80, 0], shape: [2, 2]), Tensor([-1, -2, 90, 1], shape: [2, 2])]
    let sigmoid = { (x: Double) in 1 / (1 + exp(-x)) }
    let mean = MeanLogits.ofProbabilities(
      teachers, shares: [0.25, 0.75], kind: .independentLabels, temperature: 2)
    for (index, found) in mean.values.enumerated() {
      let expected =
        0.25 * sigmoid(Double(teachers[0].values[index]) / 2)
        + 0.75 * sigmoid(Double(teachers[1].values[index]) / 2)
      #expect(abs(sigmoid(Double(found) / 2) - expected) < 1e-6)
    }
    #expect(mean.values.allSatisfy { $0.isFinite })
    // Each sequence's positions are a distribution of their own.
    let scores = [Tensor([1, 2, 0, 5]), Tensor([0, 1, 3, -300])]
    let positions = MeanLogits.ofProbabilities(
      scores, shares: [0.5, 0.5], kind: .positions(starts: [0, 3, 4]), temperature: 1
    ).values.map(Double.init)
    let total = positions[0..<3].reduce(0) { $0 + exp($1) }
    #expect(abs(total - 1) < 1e-5 && abs(positions[3]) < 1e-5)
  }

  private func teachers(_ weights: [Double] = [2, 1]) throws -> [WeightedTeacher] {
    [
      WeightedTeacher(LiveTeacher(try tinyModel(layers: 3, seed: 1)), weights[0]),
      WeightedTeacher(LiveTeacher(try tinyModel(layers: 4, hidden: 12, heads: 3, seed: 7)), weights[1]),
    ]
  }

  private func logits(_ model: TaskModel) -> Tensor { model(tinyBatch().tokens, in: .inference).logits }

  private func kdLoss(_ loss: StepLoss) throws -> Float {
    try #require(loss.parts.first { $0.name == "unweighted_kd_loss" }).value
  }

  @Test(arguments: TeacherAverage.allCases, [KDLossType.ce, .mse, .reverseKL])
  func lossesAreThoseWorkedOutByHand(average: TeacherAverage, type: KDLossType) throws {
    if average == .probabilities && type == .mse { return }
    let student = try tinyModel(seed: 2)
    let teachers = try teachers()
    let config = DistillationConfig(temperature: 2, kdLossType: type)
    let distiller = try severalTeachers(config, teachers: teachers, average: average, student: student)
    let shares: [Double] = [2.0 / 3.0, 1.0 / 3.0]
    #expect((distiller.teacher as? TeacherEnsemble)?.shares == shares)
    let found = try kdLoss(distiller.loss(tinyBatch(), progress: 0, in: .inference))
    let own = logits(student)
    let others = try teachers.map { logits(try #require($0.teacher.model)) }
    let loss = { (teacher: Tensor) in
      KDLoss(type)(student: own, teacher: teacher, temperature: 2).item
    }
    let expected: Float =
      switch average {
      case .logits:
        loss(Tensor(zip(others[0].values, others[1].values).map { ($0 * 2 + $1) / 3 }, shape: own.shape))
      case .losses: (2 * loss(others[0]) + loss(others[1])) / 3
      case .probabilities:
        loss(
          Tensor(
            zip(
              softmax(others[0] * 0.5),
              softmax(others[1] * 0.5)
            ).map { 2 * log(($0 * 2 + $1) / 3) }, shape: own.shape))
      }
    #expect(abs(found - expected) < 2e-5 * max(1, abs(expected)))
  }

  /// Total, parts and gradients of TextBrewer's MultiTeacherDistiller, and of PyTorch for the means it does not have.
  @Test(arguments: TeacherAverage.allCases)
  func totalPartsAndGradientsMatchTextBrewer(average: TeacherAverage) throws {
    let labels = ["LABEL_0", "LABEL_1", "LABEL_2"]
    func load(_ name: String, _ model: TaskModel, factor: Float = 1) throws -> TaskModel {
      let golden = try Golden("objective/\(name).safetensors")
      for parameter in model.parameters {
        parameter.assign((try golden.tensor(parameter.name)) * factor)
      }
      return model
    }
    let teachers = try [Float(1), 0.75].map { factor in
      try load("teacher", tinyModel(layers: 4, hidden: 12, heads: 3, labels: labels), factor: factor)
    }
    let student = try load("student", tinyModel(labels: labels))
    let config = DistillationConfig(
      temperature: 3, kdLossWeight: 0.75, hardLabelWeight: 0.5, compatibility: .textbrewer)
    let distiller = try severalTeachers(
      config, teachers: teachers.map { WeightedTeacher(LiveTeacher($0)) }, average: average, student: student)
    let golden = try Golden("objective/teachers.safetensors")
    let context = recording()
    let loss = try distiller.loss(tinyBatch(), progress: 0, in: context)
    let prefix = average.rawValue + "/"
    expectClose(loss.total, try golden.tensor(prefix + "total"), "total")
    #expect(loss.parts.map(\.name) == ["unweighted_kd_loss", "unweighted_hard_label_loss"])
    for part in loss.parts {
      expectClose(Tensor(part.value), try golden.tensor(prefix + "part/" + part.name), part.name)
    }
    context.tape?.backward(from: loss.total)
    for parameter in student.parameters {
      let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient")
      let expected = try golden.tensor(prefix + "grad/" + parameter.name)
      expectClose(gradient, expected, relative: 1e-4, parameter.name)
    }
  }

  @Test func crossEntropiesAreLinearInTheTeacher() throws {
    let student = try tinyModel(seed: 2)
    let loss = { (average: TeacherAverage) in
      try severalTeachers(
        DistillationConfig(temperature: 3), teachers: try self.teachers(), average: average, student: student
      ).loss(tinyBatch(), progress: 0, in: .inference)
    }
    let (losses, probabilities) = (try loss(.losses), try loss(.probabilities))
    #expect(abs(losses.total.item - probabilities.total.item) < 1e-5)
    let divergence = { (loss: StepLoss) in loss.parts.first { $0.name == "kd_kl_divergence" }?.value ?? -1 }
    #expect(abs(divergence(losses) - divergence(probabilities)) < 1e-6 && divergence(losses) > 0)
    #expect(abs(try loss(.logits).total.item - losses.total.item) > 1e-4)
  }

  @Test(arguments: TeacherAverage.allCases)
  func gradientsAgreeWithCentralDifferences(average: TeacherAverage) throws {
    let student = try tinyModel(seed: 2)
    // The first teacher's layers are matched.
    let config = DistillationConfig(
      temperature: 2, hardLabelWeight: 0.3,
      matches: [.match(IntermediateMatch(teacherLayer: 3, studentLayer: 2))])
    let distiller = try severalTeachers(
      config, teachers: try teachers(), average: average, student: student)
    let context = recording()
    let loss = try distiller.loss(tinyBatch(), progress: 0, in: context)
    #expect(loss.parts.contains { $0.name == "unweighted_hidden_hidden_mse_2_3" })
    context.tape?.backward(from: loss.total)
    for parameter in student.parameters.suffix(4) {
      let gradient = try #require(parameter.gradient).values
      let original = parameter.values
      let index = try #require(gradient.indices.max { abs(gradient[$0]) < abs(gradient[$1]) })
      let step: Float = 1 / 256
      let value = { (shift: Float) in
        var changed = original
        changed[index] += shift
        parameter.assign(Tensor(changed, shape: parameter.shape))
        return Double(try distiller.loss(tinyBatch(), progress: 0, in: .inference).total.item)
      }
      let numeric = (try value(step) - value(-step)) / Double(2 * step)
      parameter.assign(Tensor(original, shape: parameter.shape))
      #expect(abs(numeric - Double(gradient[index])) < 1e-3 + 0.02 * abs(numeric), "\(parameter.name)")
    }
  }

  @Test func oneTeacherTwiceIsOneTeacher() throws {
    let student = try tinyModel(seed: 2)
    let teacher = try tinyModel(layers: 3, seed: 1)
    let config = DistillationConfig(temperature: 2)
    let single = try GeneralDistiller(config, teacher: teacher, student: student)
    for average in TeacherAverage.allCases {
      let double = try severalTeachers(
        config, teachers: [WeightedTeacher(LiveTeacher(teacher), 3), WeightedTeacher(LiveTeacher(teacher))],
        average: average,
        student: student)
      let (a, b) = (
        try single.loss(tinyBatch(), progress: 0, in: .inference),
        try double.loss(tinyBatch(), progress: 0, in: .inference)
      )
      #expect(a.parts.map(\.name) == b.parts.map(\.name))
      for (a, b) in zip(a.parts, b.parts) { #expect(abs(a.value - b.value) < 1e-5, "\(a.name)") }
    }
  }

  @Test func labelsMayBeInAnotherOrder() throws {
    let student = try tinyModel(seed: 2)
    let teacher = try tinyModel(layers: 3, seed: 1)
    let names = ["good", "BAD", "fine"]
    let shuffled = try tinyModel(layers: 3, labels: names, seed: 1)
    // Its rows for bad, fine, good are 1, 2, 0.
    let head = ["classifier.weight", "classifier.bias"]
    for parameter in shuffled.parameters where head.contains(parameter.name) {
      let source = try #require(teacher.parameters.first { $0.name == parameter.name })
      let (values, width) = (source.values, source.count / 3)
      let rows = [2, 0, 1].flatMap { Array(values[$0 * width..<($0 + 1) * width]) }
      parameter.assign(Tensor(rows, shape: parameter.shape))
    }
    let loss = { (other: any Teacher) in
      try severalTeachers(
        DistillationConfig(),
        teachers: [WeightedTeacher(LiveTeacher(try tinyModel(layers: 4, seed: 5))), WeightedTeacher(other)],
        student: student
      ).loss(tinyBatch(), progress: 0, in: .inference).total.item
    }
    let expected = try loss(LiveTeacher(teacher))
    #expect(abs(try loss(LiveTeacher(shuffled)) - expected) < 1e-6)
    #expect(
      abs(
        try loss(ReorderedTeacher(LiveTeacher(shuffled), labels: student.config.labels, outputs: [1, 2, 0]))
          - expected) < 1e-6)
    #expect(
      abs(
        try loss(ReorderedTeacher(LiveTeacher(shuffled), labels: student.config.labels, outputs: [0, 1, 2]))
          - expected) > 1e-4)
  }

  /// Every kind of head distils from two teachers: the loss is finite and moves the student.
  @Test(arguments: [
    (TaskHead.sequenceClassification, ProblemType.regression), (.sequenceClassification, .multiLabel),
    (.tokenClassification, .singleLabel), (.questionAnswering, .singleLabel),
    (.maskedLanguageModel, .singleLabel),
  ])
  func everyHead(head: TaskHead, problem: ProblemType) throws {
    func model(_ layers: Int, _ seed: UInt64) throws -> TaskModel {
      var config = try tinyModel(layers: layers).config
      config.head = head
      config.problemType = head == .sequenceClassification ? problem : nil
      if head == .questionAnswering { config.labels = ["LABEL_0", "LABEL_1"] }
      return try TaskModel(config: config, seed: seed)
    }
    let teachers = [
      WeightedTeacher(LiveTeacher(try model(3, 1))), WeightedTeacher(LiveTeacher(try model(4, 7)), 2),
    ]
    let averages: [TeacherAverage] = problem == .regression ? [.logits, .losses] : TeacherAverage.allCases
    for average in averages {
      let student = try model(2, 2)
      let distiller = try severalTeachers(
        DistillationConfig(temperature: 2), teachers: teachers, average: average, student: student)
      let tags: [Int32] = [-100, 11, 12, -100]
      let batch = Batch(
        tokens: TokenBatch(sequences: [([2, 11, 12, 3], [0, 0, 0, 0]), ([2, 21, 3], [0, 0, 0])]),
        targets: [head == .maskedLanguageModel ? .tags(tags) : .none, .none], indices: [0, 1])
      let context = recording()
      let loss = try distiller.loss(batch, progress: 0, in: context)
      #expect(loss.total.item.isFinite)
      context.tape?.backward(from: loss.total)
      #expect(student.parameters[0].gradient?.values.contains { $0 != 0 } == true, "\(average)")
    }
  }

  @Test func everyTeacherIsCached() throws {
    var runs = [0, 0]
    let teachers = try teachers().enumerated().map { index, teacher in
      WeightedTeacher(
        LiveTeacher(
          try #require(teacher.teacher.model),
          adaptor: { batch, output, context in
            runs[index] += 1
            return Adaptors.features(batch, output, context)
          }), teacher.weight)
    }
    var config = DistillationConfig(temperature: 2)
    config.cacheTeacherLogits = true
    let distiller = try severalTeachers(config, teachers: teachers, student: try tinyModel(seed: 2))
    let first = try distiller.loss(tinyBatch(), progress: 0, in: .inference).total.item
    let again = try distiller.loss(tinyBatch(), progress: 0, in: .inference).total.item
    #expect(runs == [1, 1] && first == again)
  }

  @Test func faultsOfAllTeachersComeTogether() throws {
    func message(
      _ config: DistillationConfig, _ teachers: [WeightedTeacher], _ average: TeacherAverage = .logits
    ) throws -> String {
      let student = try tinyModel(seed: 2)
      do {
        _ = try severalTeachers(config, teachers: teachers, average: average, student: student)
        return ""
      } catch { return "\(error)" }
    }
    let good = try tinyModel(layers: 3, seed: 1)
    let two = try tinyModel(layers: 3, labels: ["no", "yes"], seed: 3)
    let text = try message(
      DistillationConfig(temperature: -1),
      [
        WeightedTeacher(LiveTeacher(good), 0),
        WeightedTeacher(LiveTeacher(two, description: ModelDescription(two, name: "second/"))),
      ])
    for part in ["temperature: found -1", "teacher_weights[0]: found 0", "with second/: it has 3 labels"] {
      #expect(text.contains(part), "\(text)")
    }
    #expect(text.components(separatedBy: "temperature: found").count == 2)
    #expect(try message(DistillationConfig(), []).contains("teacher: found none"))
    let pair = [good, try tinyModel(layers: 3, seed: 4)].map { WeightedTeacher(LiveTeacher($0)) }
    #expect(
      try message(DistillationConfig(kdLossType: .mse), pair, .probabilities).contains(
        "teacher_average: kd_loss_type mse"))
    #expect(
      try message(
        DistillationConfig(temperatureSchedule: .cwsm(beta: 1), logitStandardization: true), pair,
        .probabilities
      ).contains("2 faults"))
  }
}
