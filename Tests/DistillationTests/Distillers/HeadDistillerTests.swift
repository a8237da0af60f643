import Datasets
import Distillation
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Distillation of heads other than one class a sequence; BERT of Tests/Fixtures/heads teaches ELECTRA.
@Suite struct HeadDistillerTests {
  private static let heads = ["token", "answer", "masked"]

  /// Two models of a head with the batch and targets of the teacher's fixture.
  private struct World {
    let teacher: TaskModel
    let student: TaskModel
    let batch: Batch
    let targets: any TaskTargets
    let examples: [EncodedExample]

    init(_ head: String) throws {
      let fixtures = Fixtures.url("heads")
      teacher = try TaskModel(directory: fixtures.appending(path: "bert/" + head))
      student = try TaskModel(directory: fixtures.appending(path: "electra/" + head))
      let golden = try SafetensorsFile(path: fixtures.appending(path: "bert/\(head)/golden.safetensors").path)
      func integers(_ name: String) throws -> [Int32] { try golden.integers(name).map { Int32($0) } }
      let (ids, segments, starts) = (
        try integers("ids"), try integers("segments"), try golden.integers("starts")
      )
      examples = zip(starts, starts.dropFirst()).map {
        EncodedExample(ids: Array(ids[$0..<$1]), segments: Array(segments[$0..<$1]))
      }
      batch = Batch(examples, at: Array(examples.indices))
      targets =
        switch teacher.head {
        case .questionAnswering:
          SpanTargets(firsts: try integers("start_positions"), lasts: try integers("end_positions"))
        case .maskedLanguageModel: ClassTargets(maskedWords: try integers("tags"))
        default: ClassTargets(try integers("tags"))
        }
    }

    func distiller(_ config: DistillationConfig, adaptorT: Adaptor? = nil) throws -> GeneralDistiller {
      let distiller = try GeneralDistiller(config, teacher: teacher, student: student, adaptorT: adaptorT)
      distiller.targets = { [targets] _ in targets }
      return distiller
    }
  }

  private func part(_ loss: StepLoss, _ name: String) throws -> Float {
    try #require(loss.parts.first { $0.name == name }, "no \(name)").value
  }

  @Test(arguments: heads)
  func totalPartsAndGradientsMatchTextBrewer(_ head: String) throws {
    let world = try World(head)
    let golden = try Golden("heads/\(head).safetensors")
    var config = DistillationConfig(
      temperature: 4, kdLossWeight: 0.75, hardLabelWeight: 0.5,
      intermediateMatches: [IntermediateMatch(teacherLayer: 1, studentLayer: 1, weight: 0.5)])
    config.compatibility = .textbrewer
    let distiller = try world.distiller(config)
    let context = Context(tape: Tape())
    let loss = try distiller.loss(world.batch, progress: 0, in: context)
    expectClose(loss.total, try golden.tensor("total"), head)
    for name in golden.names where name.hasPrefix("part/") {
      let found = try part(loss, String(name.dropFirst("part/".count)))
      expectClose(Tensor(found), try golden.tensor(name), name)
    }
    context.tape?.backward(from: loss.total)
    for parameter in world.student.parameters {
      let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient")
      expectClose(gradient, try golden.tensor("grad/" + parameter.name), relative: 1e-4, parameter.name)
    }
    #expect(distiller.weight(of: world.batch) == (head == "answer" ? 4 : 45))
  }

  @Test(arguments: heads)
  func aCopyHasNothingLeftToLearn(_ head: String) throws {
    let world = try World(head)
    let copy = try TaskModel.student(.evenlySpaced(layerCount: 1), of: world.teacher)
    let distiller = try GeneralDistiller(
      DistillationConfig(temperature: 2), teacher: world.teacher, student: copy)
    distiller.targets = { _ in world.targets }
    let context = Context(tape: Tape())
    let loss = try distiller.loss(world.batch, progress: 0, in: context)
    #expect(try part(loss, "kd_kl_divergence") == 0)
    #expect(try part(loss, "unweighted_kd_loss") > 0.5)
    context.tape?.backward(from: loss.total)
    for parameter in copy.parameters {
      let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient").values
      #expect(gradient.allSatisfy { abs($0) < 1e-5 }, "\(parameter.name)")
    }
  }

  @Test(arguments: ["token", "answer"])
  func cachedLogitsAreThoseOfTheTeacher(_ head: String) throws {
    let world = try World(head)
    var config = DistillationConfig(temperature: 2)
    let plain = try world.distiller(config)
    config.cacheTeacherLogits = true
    var runs = 0
    let adaptor = Adaptors.teacher(of: world.teacher.config)
    let counting: Adaptor = { batch, output, context in
      runs += 1
      return try adaptor(batch, output, context)
    }
    let distiller = try world.distiller(config, adaptorT: counting)
    func value(_ distiller: GeneralDistiller, _ places: [Int]) throws -> Float {
      let batch = Batch(world.examples, at: places)
      distiller.targets = { world.student.config.taskFamily.targets(of: $0) }
      return try distiller.loss(batch, progress: 0, in: .inference).total.item
    }
    for places in [[0, 1, 2, 3], [3, 1], [2], [0, 3, 2]] {
      #expect(abs(try value(distiller, places) - value(plain, places)) < 1e-5)
    }
    #expect(runs == 1)
    let cache = try #require(distiller.cache)
    #expect(cache.count == 4 && cache.byteCount == 45 * (head == "token" ? 5 : 2) * 4)
    #expect(cache.logits(of: [3, 0])?.map(\.shape) == (head == "token" ? [[20, 5]] : [[20], [20]]))
    #expect(cache.logits(of: [0, 4]) == nil)
  }

  @Test func probabilityShiftMovesPositions() throws {
    let world = try World("answer")
    func loss(_ teacher: [Float], shift: Bool) throws -> Float {
      var config = DistillationConfig(temperature: 2)
      config.probabilityShift = shift
      let distiller = try GeneralDistiller(
        config, teacher: world.teacher, student: world.student,
        adaptorT: { _, _, _ in Answers(logits: [Tensor(teacher)]) },
        adaptorS: { _, _, _ in
          Answers(
            logits: [Tensor([1, 0, 2, 3, 1, 0, 0.5])], logitsKind: .positions(starts: [0, 3, 5, 7]),
            labels: [[2, -100, 5]])
        })
      return try distiller.loss(world.batch, progress: 0, in: .inference).total.item
    }
    // Only the first sequence has a position inside itself.
    let shifted = try loss([4, 1, 2, 0, 3, 1, 0], shift: true)
    #expect(try shifted == loss([2, 1, 4, 0, 3, 1, 0], shift: false))
  }

  @Test(arguments: ["regression", "multilabel"])
  func sequencesWithoutOneClass(_ name: String) throws {
    let directory = Fixtures.url("heads/bert/" + name)
    let teacher = try TaskModel(directory: directory)
    let student = try TaskModel.student(.preset(.tiny), of: teacher, seed: 4)
    let world = try World("token")
    let (own, other) = (
      student(world.batch.tokens, in: .inference).logits, teacher(world.batch.tokens, in: .inference).logits
    )
    let distiller = try GeneralDistiller(
      DistillationConfig(temperature: 2, hardLabelWeight: 1), teacher: teacher, student: student)
    let isRegression = name == "regression"
    let targets = (0..<own.count).map { Float(($0 * 5 + 1) % 2) }
    distiller.targets = { _ in
      isRegression ? NumberTargets.values(targets) : NumberTargets.labelMatrix(targets)
    }
    let loss = try distiller.loss(world.batch, progress: 0, in: .inference)
    let (kd, hard) = (
      try part(loss, "unweighted_kd_loss"), try part(loss, "unweighted_hard_label_loss")
    )
    let labels = Tensor(targets, shape: own.shape)
    if isRegression {
      #expect(abs(kd - own.meanSquaredError(to: other).item) < 1e-6)
      #expect(abs(hard - own.meanSquaredError(to: labels).item) < 1e-6)
      #expect(!loss.parts.contains { $0.name == "kd_kl_divergence" })
    } else {
      #expect(abs(hard - own.binaryCrossEntropy(targets: labels).item) < 1e-6)
      #expect(try part(loss, "kd_kl_divergence") > 0)
    }
    #expect(distiller.weight(of: world.batch) == 4)
  }

  @Test func impossiblePairsAreRefused() throws {
    let (token, answer, masked) = (try World("token"), try World("answer"), try World("masked"))
    func message(_ config: DistillationConfig, _ teacher: TaskModel, _ student: TaskModel) -> String {
      faults(config, teacher: teacher, student: student).map { "\($0)" }.joined(separator: "\n")
    }
    let plain = DistillationConfig()
    #expect(message(plain, token.teacher, answer.student).contains("heads cannot be compared"))
    #expect(message(plain, answer.teacher, answer.student) == "")
    #expect(
      message(DistillationConfig(temperatureSchedule: .cwsm(beta: 1)), answer.teacher, answer.student)
        .contains("temperature_scheduler"))
    #expect(
      message(DistillationConfig(cacheTeacherLogits: true), masked.teacher, masked.student)
        .contains("cache_teacher_logits"))
    let numbers = try TaskModel(directory: Fixtures.url("heads/bert/regression"))
    let other = try TaskModel.student(.preset(.tiny), of: numbers)
    #expect(message(DistillationConfig(probabilityShift: true), numbers, other).contains("probability_shift"))
    // Matches need no head in common.
    let matches = DistillationConfig(
      kdLossWeight: 0, intermediateMatches: [IntermediateMatch(teacherLayer: 1, studentLayer: 1)])
    #expect(message(matches, token.teacher, answer.student) == "")
  }
}
