import Datasets
import Distillation
import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// One student of several tasks: which task is drawn when, what an update of it does, and what comes out.
@Suite struct MultiTaskTests {
  private static let counts = [60, 20, 12]

  /// Random sequences with targets of a kind.
  private func examples(_ count: Int, seed: UInt64, target: (_ index: Int, _ length: Int) -> ExampleTarget)
    -> [EncodedExample]
  {
    let random = RandomSource(seed: seed)
    return (0..<count).map { index in
      let length = 3 + index % 4
      let ids = (0..<length - 2).map { Int32(5 + random.bits(at: UInt64(index * 8 + $0)) % 35) }
      return EncodedExample(
        ids: [2] + ids + [3], segments: [Int32](repeating: 0, count: length), target: target(index, length))
    }
  }

  private func model(
    _ head: TaskHead, _ labels: [String], problem: ProblemType? = nil, layers: Int, seed: UInt64,
    dropout: Float = 0
  ) throws -> TaskModel {
    var config = try tinyModel(layers: layers, dropout: dropout).config
    (config.head, config.labels, config.problemType) = (head, labels, problem)
    return try TaskModel(config: config, seed: seed)
  }

  /// Classes, a number and tags on one encoder of two layers; the last task has no teacher.
  private func world(
    dropout: Float = 0, weights: [Double] = [1, 1, 1], tau: Double = 1
  ) throws -> (distiller: MultiTaskDistiller, students: [TaskModel], distillers: [GeneralDistiller]) {
    let shapes: [(TaskHead, [String], ProblemType?)] = [
      (.sequenceClassification, ["bad", "fine", "good"], .singleLabel),
      (.sequenceClassification, ["LABEL_0"], .regression), (.tokenClassification, ["O", "B", "I"], nil),
    ]
    let students = try shapes.enumerated().map { index, shape in
      try model(shape.0, shape.1, problem: shape.2, layers: 2, seed: UInt64(10 + index), dropout: dropout)
    }
    let shared = try students.enumerated().map { index, student in
      try student.sharingEncoder(of: students[0], headPrefix: "heads.\(index)")
    }
    let teachers = try (0..<2).map { index in
      try model(
        shapes[index].0, shapes[index].1, problem: shapes[index].2, layers: 3, seed: UInt64(20 + index))
    }
    let configs = [
      DistillationConfig(
        temperature: 2,
        matches: [.match(IntermediateMatch(teacherLayer: 3, studentLayer: 2, projection: ProjectionConfig()))]
      ),
      DistillationConfig(temperature: 1, hardLabelWeight: 0.5),
    ]
    let distillers = try (0..<2).map { index in
      try GeneralDistiller(
        configs[index], teacher: LiveTeacher(teachers[index]), student: shared[index],
        projectionPrefix: "projections.\(index)")
    }
    let data = [
      examples(Self.counts[0], seed: 1) { index, _ in index % 2 == 0 ? .label(Int32(index % 3)) : .none },
      examples(Self.counts[1], seed: 2) { index, _ in .value(Float(index % 5)) },
      examples(Self.counts[2], seed: 3) { _, length in .tags((0..<length).map { Int32($0 % 3) }) },
    ]
    let objectives: [any TrainingObjective] = distillers + [SupervisedObjective(shared[2])]
    let names = ["mood", "score", "names"]
    let distiller = try MultiTaskDistiller(
      names.indices.map { index in
        DistillationTask(
          names[index], objective: objectives[index], examples: data[index], samplingWeight: weights[index])
      }, tau: tau)
    return (distiller, shared, distillers)
  }

  private func training(_ change: (inout TrainingConfig) -> Void = { _ in }) -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 5e-3
    config.perDeviceTrainBatchSize = 4
    config.numTrainEpochs = 1
    config.saveStrategy = .never
    config.loggingSteps = 4
    change(&config)
    return config
  }

  /// The task of each update of an epoch, as positions among all examples tell.
  private func draws(_ distiller: MultiTaskDistiller, _ config: TrainingConfig, epoch: Int) -> [Int] {
    distiller.data(config).batches(epoch).map { batch in
      batch[0] < Self.counts[0] ? 0 : batch[0] < Self.counts[0] + Self.counts[1] ? 1 : 2
    }
  }

  @Test func tasksAreDrawnByExamplesWeightAndTau() throws {
    func chances(_ weights: [Double], tau: Double) throws -> [Double] {
      try world(weights: weights, tau: tau).distiller.probabilities
    }
    func expect(_ found: [Double], _ expected: [Double]) {
      let total = expected.reduce(0, +)
      for (a, b) in zip(found, expected) { #expect(abs(a - b / total) < 1e-12) }
    }
    expect(try chances([1, 1, 1], tau: 1), [60, 20, 12])
    expect(try chances([1, 1, 1], tau: 0), [1, 1, 1])
    expect(try chances([1, 6, 1], tau: 1), [60, 120, 12])
    expect(
      try chances([1, 1, 2], tau: 0.5),
      [Double(60).squareRoot(), Double(20).squareRoot(), 2 * Double(12).squareRoot()])
    // Over many epochs the draws come near their chances: 23 updates an epoch, standard deviation below 0.01.
    let distiller = try world().distiller
    let drawn = (0..<120).flatMap { draws(distiller, training(), epoch: $0) }
    #expect(drawn.count == 120 * 23)
    for (task, size) in Self.counts.enumerated() {
      let share = Double(drawn.count { $0 == task }) / Double(drawn.count)
      #expect(abs(share - Double(size) / 92) < 0.04, "\(task): \(share)")
    }
  }

  @Test func everyTasksExamplesComePassAfterPass() throws {
    let distiller = try world().distiller
    let config = training { $0.gradientAccumulationSteps = 2 }
    let data = distiller.data(config)
    // 15, 5 and 3 batches of 4 make 8, 3 and 2 updates of two batches.
    #expect(data.batchCount(0) == 26 && data.batchCount(5) == 26)
    let batches = (0..<40).flatMap { data.batches($0) }
    #expect(batches.count == 40 * 26)
    // Both micro-batches of an update are of one task.
    for update in stride(from: 0, to: batches.count, by: 2) {
      #expect(
        try distiller.data(config).batch(batches[update] + batches[update + 1]).count == batches[update].count
          + batches[update + 1].count)
    }
    let first = batches.filter { $0[0] < Self.counts[0] }.joined()
    for pass in 0..<3 {
      #expect(Set(first.dropFirst(pass * 60).prefix(60)).count == 60, "pass \(pass)")
    }
    // The same epoch again, whoever asks and in whatever order.
    let again = try world().distiller.data(config)
    #expect(again.batches(3) == data.batches(3) && again.batches(0) == data.batches(0))
    #expect(data.batches(3) != data.batches(2))
  }

  @Test func aLossIsThatOfTheTasksOwnDistillerAndMovesItsOwnHead() throws {
    let (distiller, students, distillers) = try world()
    let data = distiller.data(training())
    for (task, offset) in [0, 60].enumerated() {
      let batch = try data.batch([offset + 1, offset + 4])
      let context = recording()
      let loss = try distiller.loss(batch, progress: 0, in: context)
      let local = Batch(distiller.tasks[task].examples, at: [1, 4])
      let expected = try distillers[task].loss(local, progress: 0, in: .inference)
      #expect(abs(loss.total.item - expected.total.item) < 1e-5)
      let name = distiller.tasks[task].name
      #expect(loss.parts.map(\.name) == ["\(name)/loss"] + expected.parts.map { "\(name)/\($0.name)" })
      #expect(distiller.weight(of: batch) == 2)
      context.tape?.backward(from: loss.total)
      for (other, student) in students.enumerated() {
        let head = student.parameters.filter { $0.name.hasPrefix("heads.") }
        #expect(head.count >= 2)
        #expect(head.allSatisfy { ($0.gradient != nil) == (other == task) }, "\(task), \(other)")
      }
      #expect(students[2].parameters[0].gradient != nil)
      for parameter in distiller.groups.flatMap(\.parameters) { parameter.zeroGradient() }
    }
    // Every parameter once: the shared encoder, three heads, one projection.
    let names = distiller.groups.flatMap(\.parameters).map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.count { $0.hasPrefix("bert.encoder") || $0.hasPrefix("bert.embeddings") } == 5 + 2 * 16)
    #expect(names.count { $0.hasPrefix("heads.") } == 4 + 4 + 2 && names.contains("projections.0.0.weight"))
  }

  @Test func aRunLearnsAllTasksAndResumesToTheBit() throws {
    try FixedThreads.run {
      let folder = FileManager.default.temporaryDirectory.appending(path: "tasks-\(UUID().uuidString)")
      defer { try? FileManager.default.removeItem(at: folder) }
      let settings = training {
        $0.numTrainEpochs = 3
        $0.gradientAccumulationSteps = 2
        $0.saveStrategy = .steps
        $0.saveSteps = 13
        $0.saveTotalLimit = nil
      }
      let log = LogRecorder()
      let whole = try world(dropout: 0.1)
      let summary = try whole.distiller.train(
        config: settings, checkpoints: CheckpointFolder(folder), observers: [log])
      #expect(summary.globalStep == 39)
      // A part is logged where its task was drawn, as a mean over its own updates.
      let parts = log.entries.flatMap(\.parts)
      for name in ["mood/unweighted_kd_loss", "score/unweighted_hard_label_loss", "names/loss"] {
        #expect(parts.contains { $0.name == name }, "\(name)")
      }
      #expect(log.entries.count == 10)

      let resumed = try world(dropout: 0.1)
      let rest = LogRecorder()
      try resumed.distiller.train(
        config: settings, checkpoints: CheckpointFolder(folder), observers: [rest],
        resumingFrom: .checkpoint(folder.appending(path: "checkpoint-26")))
      #expect(rest.losses.count == 13 && rest.losses == log.losses.suffix(13))
      for (a, b) in zip(
        whole.distiller.groups.flatMap(\.parameters), resumed.distiller.groups.flatMap(\.parameters))
      { #expect(a.values == b.values, "\(a.name)") }

      // Each task's student is a directory of its own, complete.
      for (index, student) in whole.students.enumerated() {
        let directory = folder.appending(path: "student-\(index)")
        try student.save(to: directory)
        let loaded = try TaskModel(directory: directory)
        #expect(loaded.loadReport?.fresh == [] && loaded.loadReport?.ignored == [])
        #expect(loaded.config.labels == student.config.labels && loaded.head == student.head)
        let logits = { (model: TaskModel) in model(tinyBatch().tokens, in: .inference).logits.values }
        #expect(logits(loaded) == logits(student))
      }
    }
  }

  /// TextBrewer's crashes before the first step when there are fewer steps than a checkpoint interval.
  @Test func fewerStepsThanACheckpointInterval() throws {
    let (distiller, students, _) = try world()
    let before = students[0].parameters[0].values
    let folder = FileManager.default.temporaryDirectory.appending(path: "tasks-\(UUID().uuidString)")
    let summary = try distiller.train(
      config: training {
        $0.maxSteps = 2
        $0.saveStrategy = .steps
        $0.saveSteps = 500
      }, checkpoints: CheckpointFolder(folder))
    #expect(summary.globalStep == 2 && students[0].parameters[0].values != before)
  }

  @Test func scoresAreReportedByTaskAndAveraged() throws {
    let plain = try world().distiller
    let scored = try MultiTaskDistiller(
      plain.tasks.enumerated().map { index, task in
        DistillationTask(
          task.name, objective: task.objective, examples: task.examples, metric: index == 1 ? "f1" : nil,
          score: index == 2
            ? nil
            : {
              EvaluationResult(
                loss: Double(index + 1), metrics: [Score("accuracy", 0.5), Score("f1", 0.75)], examples: 10,
                runtime: 1)
            })
      })
    let result = try scored.evaluate()
    #expect(result.loss == 1.5 && result.examples == 20)
    #expect(
      result.names == [
        "eval_loss", "eval_average", "eval_mood/loss", "eval_mood/accuracy", "eval_mood/f1",
        "eval_score/loss",
        "eval_score/accuracy", "eval_score/f1",
      ])
    #expect(result.value("eval_average") == 0.625)
    let summary = try scored.train(
      config: training {
        $0.evalStrategy = .epoch
        $0.metricForBestModel = "average"
      })
    #expect(summary.bestMetric == 0.625)
  }

  @Test func faultsComeTogether() throws {
    let task = try world().distiller.tasks[0]
    let error = #expect(throws: DistillationError.self) {
      try MultiTaskDistiller(
        [
          task, task,
          DistillationTask("a/b", objective: task.objective, examples: [], samplingWeight: -1),
        ], tau: .nan)
    }
    let text = error.map { "\($0)" } ?? ""
    for part in [
      "5 faults", "tau: found nan", "mood is there twice", "\"a/b\"", "weight: found -1", "no example",
    ] {
      #expect(text.contains(part), "\(text)")
    }
    let wide = try tinyModel(hidden: 12, heads: 3)
    #expect(throws: ModelError.self) { try wide.sharingEncoder(of: try tinyModel(), headPrefix: "heads.0") }
  }

  private final class LogRecorder: TrainingObserver {
    var entries: [TrainingLogEntry] = []
    var losses: [Double] = []
    func logged(_ entry: TrainingLogEntry) { entries.append(entry) }
    func stepDone(_ progress: TrainingProgress) { losses.append(progress.loss) }
  }
}
