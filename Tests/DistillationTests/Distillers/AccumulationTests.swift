import Datasets
import Distillation
import Encoders
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Several micro-batches are the update that one batch of all their rows is, whatever each loss is a mean over.
@Suite struct AccumulationTests {
  /// One head with a loss to try on it.
  struct Case: CustomTestStringConvertible, Sendable {
    let head: String
    let config: DistillationConfig
    let name: String
    var testDescription: String { "\(head), \(name)" }

    init(_ head: String, _ name: String, _ config: DistillationConfig) {
      (self.head, self.name, self.config) = (head, name, config)
    }
  }

  private static let attention: [MatchLossType] = [
    .attentionMSE, .attentionMSESum, .attentionCE, .attentionCEMean,
  ]
  private static let hidden: [MatchLossType] = [.hiddenMSE, .cos, .pkd, .fsp, .gram, .mmd, .nst]

  private static func matching(_ loss: MatchLossType) -> DistillationConfig {
    DistillationConfig(
      kdLossWeight: 0.5, hardLabelWeight: 0.75,
      intermediateMatches: [IntermediateMatch(teacherLayer: 2, studentLayer: 1, loss: loss, weight: 3)])
  }

  static let cases: [Case] = {
    var cases: [Case] = []
    for head in ["classes", "numbers", "side by side", "tags", "answers", "words"] {
      cases.append(Case(head, "labels", DistillationConfig(kdLossWeight: 0, hardLabelWeight: 1)))
      cases.append(Case(head, "logits", DistillationConfig(temperature: 3)))
      cases.append(Case(head, "logits and labels", DistillationConfig(temperature: 3, hardLabelWeight: 0.5)))
      cases.append(Case(head, "mse and labels", DistillationConfig(kdLossType: .mse, hardLabelWeight: 0.5)))
    }
    let layers: [MatchLossType] = attention + hidden + [.minilm, .minilmv2]
    for head in ["classes", "tags"] {
      for type in [KDLossType.reverseKL, .jsd, .dkd] {
        cases.append(Case(head, type.rawValue, DistillationConfig(kdLossType: type, hardLabelWeight: 0.5)))
      }
      for loss in layers { cases.append(Case(head, loss.rawValue, matching(loss))) }
    }
    for head in ["answers", "words"] {
      for loss in [MatchLossType.hiddenMSE, .pkd, .attentionMSE] {
        cases.append(Case(head, loss.rawValue, matching(loss)))
      }
    }
    let pooler = CustomMatch(teacherModule: "pooler", studentModule: "pooler", weight: 2)
    let layer = CustomMatch(teacherModule: "encoder.layer.1", studentModule: "encoder.layer.0", weight: 2)
    cases.append(
      Case(
        "classes", "modules",
        DistillationConfig(hardLabelWeight: 0.5, matches: [.custom(pooler), .custom(layer)])))
    return cases
  }()

  /// Eight examples of many lengths, two without a target.
  private static func examples(_ head: String) -> [EncodedExample] {
    (0..<8).map { index in
      let length = 3 + (index * 5) % 6
      let ids = (0..<length).map { Int32(4 + (index * 7 + $0 * 3) % 36) }
      let target: ExampleTarget? =
        switch head {
        case "classes": .label(Int32(index % 3))
        case "numbers": .value(Float(index) / 4 - 1)
        case "side by side": .labels((0..<3).map { (index + $0) % 2 == 0 })
        case "tags":
          .tags((0..<length).map { ($0 + index) % 3 == 0 ? EncodedExample.noLabel : Int32(($0 + index) % 3) })
        case "answers": .span(start: Int32(index % 3), end: Int32(2))
        default:
          .tags((0..<length).map { ($0 + index) % 4 == 1 ? Int32(10 + index) : EncodedExample.noLabel })
        }
      return EncodedExample(
        ids: ids, segments: [Int32](repeating: 0, count: length),
        target: index == 2 || index == 5 ? .none : target ?? .none)
    }
  }

  private static func model(_ head: String, layers: Int, seed: UInt64) throws -> TaskModel {
    var config = try tinyModel(layers: layers, seed: seed).config
    switch head {
    case "classes": break
    case "numbers": (config.labels, config.problemType) = (["value"], .regression)
    case "side by side": config.problemType = .multiLabel
    case "tags": config.head = .tokenClassification
    case "answers": (config.head, config.labels) = (.questionAnswering, ["LABEL_0", "LABEL_1"])
    default: config.head = .maskedLanguageModel
    }
    return try TaskModel(config: config, seed: seed)
  }

  private final class Log: TrainingObserver {
    var loss = 0.0
    var parts: [(name: String, value: Double)] = []
    func stepDone(_ progress: TrainingProgress) { loss = progress.loss }
    func logged(_ entry: TrainingLogEntry) { parts = entry.parts }
  }

  /// What one update by plain gradient descent changes, the loss and its parts.
  private static func update(
    _ objective: any TrainingObjective, _ examples: [EncodedExample], _ micro: [[Int]]
  ) throws -> (change: [Float], loss: Double, parts: [(name: String, value: Double)]) {
    var config = TrainingConfig()
    (config.optim, config.learningRate, config.maxGradNorm, config.maxSteps) = (.sgd, 1, 0, 1)
    (config.gradientAccumulationSteps, config.saveStrategy) = (micro.count, .never)
    let parameters = objective.groups.flatMap(\.parameters)
    let before = parameters.map { $0.values }
    let log = Log()
    let data = TrainingData(
      exampleCount: examples.count, batches: { _ in micro }, batch: { Batch(examples, at: $0) })
    _ = try TrainingLoop(config: config, objective: objective, data: data, observers: [log]).run()
    let change = zip(parameters, before).flatMap { zip($0.values, $1).map { $0 - $1 } }
    return (change, log.loss, log.parts)
  }

  private func expectSame(
    _ make: () throws -> any TrainingObjective, _ examples: [EncodedExample],
    _ splits: [[[Int]]] = [[[0, 1], [2, 3], [4, 5], [6, 7]], [[0], [1, 2, 3, 4], [5], [6, 7]]]
  ) throws {
    let whole = try Self.update(make(), examples, [Array(examples.indices)])
    let largest = whole.change.map(abs).max() ?? 0
    #expect(largest > 1e-4, "nothing is learnt")
    for split in splits {
      let parts = try Self.update(make(), examples, split)
      // Sums over few rows in another order: a few last bits of the largest gradient.
      let error = zip(whole.change, parts.change).map { abs($0 - $1) }.max() ?? 0
      #expect(error < 1e-5 * max(1, largest), "\(split): off by \(error) of \(largest)")
      #expect(abs(whole.loss - parts.loss) < 1e-5 * max(1, abs(whole.loss)), "\(split)")
      #expect(whole.parts.map(\.name) == parts.parts.map(\.name))
      for (a, b) in zip(whole.parts, parts.parts) {
        #expect(abs(a.value - b.value) < 1e-5 * max(1, abs(a.value)), "\(split): \(a) \(b)")
      }
    }
  }

  @Test(arguments: cases)
  func microBatchesAreOneUpdate(_ trial: Case) throws {
    if trial.name.hasPrefix("mse"), trial.head == "numbers" { return }
    let teacher = try Self.model(trial.head, layers: 2, seed: 1)
    try expectSame(
      {
        try GeneralDistiller(
          trial.config, teacher: teacher, student: try Self.model(trial.head, layers: 1, seed: 2))
      }, Self.examples(trial.head))
  }

  @Test("DistilBERT's three losses, over hidden tokens and over all", arguments: [true, false])
  func tripleLoss(_ restricted: Bool) throws {
    let teacher = try Self.model("words", layers: 2, seed: 1)
    for weight in [0.0, 1] {
      let loss = TripleLoss(alphaCos: weight, restrictsCEToMask: restricted)
      try expectSame(
        { try loss.distiller(teacher: teacher, student: try Self.model("words", layers: 1, seed: 2)) },
        Self.examples("words"))
    }
  }

  @Test("plain fine-tuning", arguments: ["classes", "numbers", "side by side", "tags", "answers", "words"])
  func supervised(_ head: String) throws {
    try expectSame({ SupervisedObjective(try Self.model(head, layers: 1, seed: 2)) }, Self.examples(head))
  }

  @Test("labels smoothed and weighed", arguments: ["classes", "side by side", "tags"])
  func weighed(_ head: String) throws {
    let smoothing = head == "side by side" ? 0 : 0.2
    let loss = HardLabelLoss(smoothing: smoothing, weights: [0.25, 1, 3.5])
    try expectSame(
      { SupervisedObjective(try Self.model(head, layers: 1, seed: 2), loss: loss) }, Self.examples(head))
    let teacher = try Self.model(head, layers: 2, seed: 1)
    for config in [
      DistillationConfig(kdLossWeight: 0, hardLabelWeight: 1),
      DistillationConfig(temperature: 3, hardLabelWeight: 0.5),
    ] {
      try expectSame(
        {
          let distiller = try GeneralDistiller(
            config, teacher: teacher, student: try Self.model(head, layers: 1, seed: 2))
          distiller.hardLabelLoss = loss
          return distiller
        }, Self.examples(head))
    }
  }

  @Test("a teacher with other tokens", arguments: [TaskHead.sequenceClassification, .tokenClassification])
  func aligned(_ head: TaskHead) throws {
    let world = try AlignedWorld(head)
    let examples = try world.encode(world.byteLevel).examples
    let alignment = try world.aligned(student: world.byteLevel, teacher: world.wordPiece)
    let config = DistillationConfig(
      hardLabelWeight: 0.5,
      intermediateMatches: [.hiddenMSE, .pkd, .mmd].map {
        IntermediateMatch(
          teacherLayer: 2, studentLayer: 1, loss: $0,
          projection: $0.needsEqualSizes ? ProjectionConfig(.linear) : nil)
      })
    try expectSame(
      {
        try GeneralDistiller(
          config, teacher: AlignedTeacher(LiveTeacher(world.teacher), examples: alignment),
          student: try AlignedWorld(head).student)
      }, examples)
  }

  @Test(
    "losses that relate the rows of a whole batch are refused by name",
    arguments: [
      (DistillationConfig(kdLossType: .dist), "kd_loss_type: dist"),
      (DistillationConfig(temperatureSchedule: .cwsm(beta: 1)), "temperature_scheduler: it sets"),
      (matching(.rkdDistance), "intermediate_matches[0].loss: rkd_distance"),
      (matching(.rkdAngle), "intermediate_matches[0].loss: rkd_angle"),
      (matching(.irg), "intermediate_matches[0].loss: irg"),
      (
        DistillationConfig(intermediateMatches: [IntermediateMatch(.emd)].compactMap { $0 }),
        "intermediate_matches[0].loss: emd"
      ),
    ])
  func wholeBatches(_ config: DistillationConfig, _ expected: String) throws {
    let distiller = try GeneralDistiller(
      config, teacher: try Self.model("classes", layers: 2, seed: 1),
      student: try Self.model("classes", layers: 1, seed: 2))
    let examples = Self.examples("classes")
    func train(_ steps: Int) throws {
      var training = TrainingConfig()
      (training.gradientAccumulationSteps, training.maxSteps, training.saveStrategy) = (steps, 1, .never)
      training.perDeviceTrainBatchSize = 4
      try distiller.train(examples, config: training)
    }
    let refusal = message { try train(2) }
    #expect(refusal.contains(expected) && refusal.contains("gradient_accumulation_steps is 2"), "\(refusal)")
    try train(1)
  }
}
