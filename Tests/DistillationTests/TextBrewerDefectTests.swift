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

/// Each defect of TextBrewer's repository, as the repaired behaviour shows it.
///
/// Those of the training loop, a missing checkpoint interval (B2) and the dropped tail of an epoch (B9), are in the tests of
/// `Training`; two packages under one version (B16) in those of the command.
@Suite struct TextBrewerDefectTests {
  /// Keeps the loss of every update and what every evaluation found.
  private final class Notes: TrainingObserver {
    var losses: [Double] = []
    var results: [EvaluationResult] = []

    func stepDone(_ progress: TrainingProgress) { losses.append(progress.loss) }

    func evaluated(_ result: EvaluationResult, step: Int, epoch: Double, isBest: Bool) {
      results.append(result)
    }
  }

  private func distiller(
    _ config: DistillationConfig, seed: UInt64 = 2, dropout: Float = 0, adaptorT: Adaptor? = nil,
    adaptorS: Adaptor? = nil
  ) throws -> GeneralDistiller {
    try GeneralDistiller(
      config, teacher: try tinyModel(layers: 3, hidden: 12, heads: 3, dropout: dropout, seed: 1),
      student: try tinyModel(seed: seed), adaptorT: adaptorT, adaptorS: adaptorS)
  }

  private func examples(_ count: Int) -> [EncodedExample] {
    (0..<count).map { index in
      let ids = [2, 5 + index % 30, 7 + index % 20, 3].map { Int32($0) }
      return EncodedExample(ids: ids, segments: [0, 0, 0, 0], label: Int32(index % 3))
    }
  }

  private func settings(epochs: Double = 1) -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 1e-2
    config.perDeviceTrainBatchSize = 8
    config.numTrainEpochs = epochs
    config.saveStrategy = .never
    return config
  }

  /// B1: matches of named modules crash in the first batch.
  @Test func b1NamedModulesAreMatched() throws {
    let distiller = try distiller(
      DistillationConfig(
        kdLossWeight: 0,
        matches: [
          .custom(
            CustomMatch(
              teacherModule: "encoder.layer.2.attention.output",
              studentModule: "encoder.layer.1.attention.output",
              weight: 2,
              projection: ProjectionConfig(.linear)))
        ]))
    let context = recording()
    let loss = try distiller.loss(tinyBatch(), progress: 0, in: context)
    context.tape?.backward(from: loss.total)
    let part = try #require(loss.parts.first { $0.name.contains("hidden_mse") }?.value)
    #expect(part > 0 && abs(loss.total.item - 2 * part) < 1e-5)
    #expect(distiller.projections.allSatisfy { $0?.weight.gradient != nil })
    for type in [MatchLossType.emd, .irgTransformation, .minilmv2, .attentionMSE] {
      let match = CustomMatch(teacherModule: "pooler", studentModule: "pooler", loss: .named(type))
      #expect(throws: DistillationError.self) {
        try self.distiller(DistillationConfig(matches: [.custom(match)]))
      }
    }
  }

  /// B3: several tasks crash when there are fewer steps than a checkpoint interval.
  @Test func b3FewStepsOfSeveralTasks() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "tasks-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    let base = try tinyModel(seed: 2)
    let tasks = try ["one", "two"].enumerated().map { index, name in
      let student = try tinyModel(seed: UInt64(2 + index)).sharingEncoder(
        of: base, headPrefix: "heads.\(index)")
      return DistillationTask(name, objective: SupervisedObjective(student), examples: examples(16))
    }
    var config = settings()
    (config.maxSteps, config.saveStrategy, config.saveSteps) = (2, .steps, 500)
    let before = base.parameters[0].values
    let summary = try MultiTaskDistiller(tasks).train(config: config, checkpoints: CheckpointFolder(folder))
    #expect(summary.globalStep == 2 && base.parameters[0].values != before)
  }

  /// B4: a scheduler throws the configured weight away after the first step.
  @Test func b4SchedulesScaleTheConfiguredWeight() {
    let weights = [0, 0.25, 0.5, 0.75].map { WeightSchedule.linearDecay.weight(5, progress: $0) }
    #expect(weights == [5, 3.75, 2.5, 1.25])
    let replaced = [0, 0.25, 0.5, 0.75].map {
      WeightSchedule.linearDecay.weight(5, progress: $0, compatibility: .textbrewer)
    }
    #expect(replaced == [5, 0.75, 0.5, 0.25])
  }

  /// B5: without the factor τ² gradients shrink with the square of the temperature.
  @Test func b5TheTemperatureDoesNotShrinkGradients() throws {
    func norm(_ temperature: Double, isCompensated: Bool) throws -> Float {
      let student = Parameter(name: "", value: Tensor([1, 0.2, -0.5, 0.3, 0.9, -0.1], shape: [2, 3]))
      let context = Context(tape: Tape())
      let loss = KDLoss(.ce, isCompensated: isCompensated)(
        student: student.tensor(in: context), teacher: Tensor([0, 1, 0.5, -1, 0.4, 0], shape: [2, 3]),
        temperature: temperature)
      context.tape?.backward(from: loss)
      return try #require(student.gradient).values.map { $0 * $0 }.reduce(0, +).squareRoot()
    }
    #expect(try norm(8, isCompensated: true) > 0.9 * norm(2, isCompensated: true))
    #expect(try norm(8, isCompensated: false) < 0.1 * norm(2, isCompensated: false))
  }

  /// B6: scores of −1e-3 and below count as padding, so that all-(−1) and all-(−5) are the same.
  @Test(arguments: [
    (MatchLossType.attentionMSE, Float(16), Float(0)), (.attentionMSESum, 64, 0),
  ])
  func b6NegativeScoresCount(type: MatchLossType, expected: Float, textBrewer: Float) throws {
    let maps = { (value: Float) in
      AttentionMaps(
        values: Tensor(repeating: value, shape: [2 * (9 + 4)]), heads: 2, queryStarts: [0, 3, 5],
        keyStarts: [0, 3, 5])
    }
    func loss(_ compatibility: Compatibility?) -> Float {
      type.loss.ofAttention(
        student: maps(-1), teacher: maps(-5), compatibility: compatibility
      ).item
    }
    #expect(abs(loss(nil) - expected) < 1e-4)
    #expect(loss(.textbrewer) == textBrewer)
  }

  /// B7: shifted probabilities and a mask together fail, so that tags cannot be distilled so.
  @Test func b7ProbabilitiesShiftInChosenRows() throws {
    let (logits, taught) = (
      Tensor([1, 2, 0, 0, 3, 1], shape: [3, 2]), Tensor([5, 1, 0, 0, 2, 4], shape: [3, 2])
    )
    func loss(shift: Bool, _ teacher: Tensor) throws -> Float {
      var config = DistillationConfig(temperature: 1)
      config.probabilityShift = shift
      let distiller = try distiller(
        config,
        adaptorT: { _, _, _ in Answers(logits: [teacher], logitRows: [[0, 2]]) },
        adaptorS: { _, _, _ in Answers(logits: [logits], logitRows: [[0, 2]], labels: [[1, -1]]) })
      return try distiller.loss(tinyBatch(), progress: 0, in: .inference).total.item
    }
    // The first row's values change places; the last one has no label.
    let swapped = Tensor([1, 5, 0, 0, 2, 4], shape: [3, 2])
    #expect(try loss(shift: true, taught) == loss(shift: false, swapped))
    #expect(try loss(shift: true, taught) != loss(shift: false, taught))
  }

  /// B8: the cache holds whole batches, so that their make-up freezes, and grows when the same data comes again.
  @Test func b8TheCacheKnowsExamplesWhateverTheBatch() throws {
    var config = DistillationConfig(temperature: 2)
    config.cacheTeacherLogits = true
    var batches: [[Int]] = []
    let distiller = try distiller(
      config,
      adaptorS: { batch, output, context in
        batches.append(batch.indices)
        return Adaptors.features(batch, output, context)
      })
    let data = examples(32)
    try distiller.train(data, config: settings(epochs: 3))
    #expect(distiller.cache?.count == 32)
    #expect(Set(batches.map { Set($0) }).count > 8, "the same batches came in every epoch")
  }

  /// B10: a feature under a misspelt name is silently missing.
  ///
  /// The values that a match needs are kept by name, whatever an adaptor gives; a name that no module has is refused.
  @Test func b10MissingFeaturesAreNamed() throws {
    let distiller = try distiller(
      DistillationConfig(kdLossWeight: 0, matches: [.map(.uniform)]),
      adaptorS: { _, output, _ in Answers(logits: [output.logits]) })
    let parts = try distiller.loss(tinyBatch(), progress: 0, in: .inference).parts
    #expect(parts.filter { $0.name.hasPrefix("unweighted_hidden") && $0.value > 0 }.count == 3)
    let misspelt = CustomMatch(teacherModule: "encoder.layer.2", studentModule: "encoder.layr.1")
    #expect {
      try self.distiller(DistillationConfig(matches: [.custom(misspelt)]))
    } throws: {
      "\($0)".contains("no module \"encoder.layr.1\"; did you mean encoder.layer.1?")
    }
  }

  /// B11: the teacher's mask is read and ignored.
  @Test func b11TheTeachersRowsCount() throws {
    func loss(teacher: [Int32], student: [Int32]) throws -> Float {
      try distiller(
        DistillationConfig(
          kdLossWeight: 0, matches: [.match(IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: .mmd))]),
        adaptorT: { batch, output, context in
          var result = Adaptors.features(batch, output, context)
          result.rows = teacher
          return result
        },
        adaptorS: { batch, output, context in
          var result = Adaptors.features(batch, output, context)
          result.rows = student
          return result
        }
      ).loss(tinyBatch(), progress: 0, in: .inference).total.item
    }
    #expect(
      try loss(teacher: [1, 5, 8], student: [1, 5, 8]) != loss(teacher: [2, 6, 9], student: [1, 5, 8]))
    #expect(throws: DistillationError.self) { try loss(teacher: [1, 5], student: [1, 5, 8]) }
  }

  /// B12: projections take the optimizer's constructor defaults, are not clipped and not saved. (Checkpoints with
  /// projections: `projectionsAreKeptInCheckpointsButNotExported`.)
  @Test func b12ProjectionsTrainLikeTheStudent() throws {
    let distiller = try distiller(DistillationConfig(matches: [.map(.uniform)]))
    let groups = distiller.groups.filter { $0.name.hasPrefix("projections") }
    #expect(groups.flatMap(\.parameters).count == 6)
    // No rate or decay of their own: those of the run, as for the student.
    #expect(groups.allSatisfy { $0.learningRate == nil })
    #expect(groups.first { $0.name == "projections" }?.weightDecay == nil)
    // One norm over all groups limits the step: without a rate of decay both move by as much.
    var config = settings()
    config.maxGradNorm = 1e-12
    config.optim = .sgd
    config.weightDecay = 0
    let before = groups.flatMap(\.parameters).map(\.values)
    try distiller.train(examples(8), config: config)
    let after = groups.flatMap(\.parameters).map(\.values)
    for (a, b) in zip(before.joined(), after.joined()) { #expect(abs(a - b) < 1e-9) }
  }

  /// B13: a teacher left in training mode teaches with dropout.
  @Test func b13TheTeacherNeverDropsAnything() throws {
    let distiller = try distiller(DistillationConfig(), dropout: 0.5)
    let losses = try [5, 6].map { seed in
      try distiller.loss(
        tinyBatch(), progress: 0,
        in: Context(tape: Tape(), isTraining: true, random: RandomSource(seed: UInt64(seed)))
      ).total.item
    }
    #expect(losses[0] == losses[1])
  }

  /// B14: a run changes the configuration it was given (weights move on by their schedules, projections are
  /// written out), so that a second one starts elsewhere.
  @Test func b14ASecondRunIsTheFirstAgain() throws {
    let config = DistillationConfig(
      kdLossWeight: 5, kdLossWeightSchedule: .linearDecay, hardLabelWeight: 2,
      hardLabelWeightSchedule: .linearGrowth,
      matches: [.map(.uniform, projection: ProjectionConfig(.linear))])
    try FixedThreads.run {
      let (one, other) = (try distiller(config), try distiller(config))
      let start = one.groups.flatMap(\.parameters).map(\.values)
      var losses: [[Double]] = []
      var weights: [[[Float]]] = []
      // The same distiller twice, from the same weights, and another of the same configuration.
      for distiller in [one, one, other] {
        let parameters = distiller.groups.flatMap(\.parameters)
        for (parameter, values) in zip(parameters, start) {
          parameter.assign(Tensor(values, shape: parameter.shape))
        }
        let notes = Notes()
        try distiller.train(examples(24), config: settings(epochs: 2), observers: [notes])
        losses.append(notes.losses)
        weights.append(parameters.map(\.values))
      }
      #expect(losses[0].count == 6 && weights[0] != start)
      #expect(losses[0] == losses[1] && losses[0] == losses[2])
      #expect(weights[0] == weights[1] && weights[0] == weights[2])
      #expect(one.config == config)
    }
  }

  /// B15: a pair of layers in the wrong container fails in the first batch; here every form is read or refused before.
  @Test func b15LayersAreCheckedBeforeTheFirstStep() throws {
    let read = DistillationConfig(
      json: [
        "matches": [
          ["layer_T": [3, 3], "layer_S": [2, 2], "loss": "mmd"], ["layer_T": 3, "layer_S": 2, "loss": "mmd"],
        ]
      ])
    #expect(read.readingFaults.isEmpty && read.matches[0] == read.matches[1])
    let wrong = DistillationConfig(
      json: [
        "matches": [
          ["layer_T": "3, 3", "layer_S": [2, 2], "loss": "mmd"],
          ["layer_T": [3, 3], "layer_S": [2, 2], "loss": "cos"],
        ]
      ])
    #expect(wrong.readingFaults.map(\.field) == ["matches[0].layer_T", "matches[1].layer_T"])
    #expect(throws: DistillationError.self) { try distiller(wrong) }
    let code = MatchSource.match(IntermediateMatch(teacherLayers: [3], studentLayers: [2, 2], loss: .mmd))
    #expect(throws: DistillationError.self) { try distiller(DistillationConfig(matches: [code])) }
  }

  /// B17: examples are broken: one gives a student words of another vocabulary than the teacher's, one measures the
  /// teacher in place of the student.
  ///
  /// Potstill's own are run: code by `ExampleTests`, commands and recipes by `DocumentationTests`.
  @Test func b17TheStudentIsMeasuredAndSharesTheVocabulary() throws {
    let teacher = try tinyModel(layers: 3, seed: 1)
    #expect(throws: DistillationError.self) {
      try GeneralDistiller(
        DistillationConfig(), teacher: teacher, student: try tinyModel(vocabulary: 41, seed: 2))
    }
    let student = try tinyModel(seed: 2)
    let distiller = try GeneralDistiller(DistillationConfig(), teacher: teacher, student: student)
    var config = settings()
    config.evalStrategy = .epoch
    try FixedThreads.run {
      let notes = Notes()
      try distiller.train(examples(24), validation: examples(9), config: config, observers: [notes])
      let measured = try #require(notes.results.last?.loss)
      let own = try evaluateClassifier(student, examples(9)).result.loss
      let other = try evaluateClassifier(teacher, examples(9)).result.loss
      #expect(measured == own && measured != other)
    }
  }
}
