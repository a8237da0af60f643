import Datasets
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Tensors
import Tokenization
import Training

/// Distiller of one student on several tasks: a shared encoder, and for each task a head, a teacher, a configuration and a
/// sampling weight; TextBrewer's `MultiTaskDistiller`.
///
/// ```swift
/// let base = try TaskModel.student(.evenlySpaced(layerCount: 3), of: teachers[0])
/// let tasks = try names.indices.map { index in
///   let student = try TaskModel.student(.evenlySpaced(layerCount: 3), of: teachers[index])
///     .sharingEncoder(of: base, headPrefix: "heads.\(index)")
///   return DistillationTask(
///     names[index],
///     objective: try GeneralDistiller(
///       configs[index], teacher: teachers[index], student: student, projectionPrefix: "projections.\(index)"),
///     examples: examples[index])
/// }
/// try MultiTaskDistiller(tasks).train(config: training)
/// ```
///
/// Each update is of one task, drawn as `TaskSampler` says. Parts of the loss are logged as `sst2/unweighted_kd_loss`, with
/// the task's total as `sst2/loss`; scores as `sst2/accuracy`, and `average` is the mean of each task's own metric.
public final class MultiTaskDistiller: TrainingObjective {
  /// The tasks in order.
  public let tasks: [DistillationTask]
  /// The power of the tasks' sizes in their chance: 1 draws in proportion to them, 0 evenly.
  public let tau: Double
  /// The parameters of all tasks, each once.
  public var groups: [ParameterGroup] {
    var seen: Set<ObjectIdentifier> = []
    return tasks.flatMap(\.objective.groups).compactMap { group in
      let own = group.parameters.filter { seen.insert(ObjectIdentifier($0)).inserted }
      guard !own.isEmpty else { return nil }
      return ParameterGroup(
        name: group.name, parameters: own, learningRate: group.learningRate,
        learningRateFactor: group.learningRateFactor, weightDecay: group.weightDecay)
    }
  }
  /// Offsets of each task's examples among those of all.
  private let offsets: [Int]

  /// A distiller of several tasks.
  ///
  /// - Parameters:
  ///   - tasks: The tasks; their names are different and their examples not empty.
  ///   - tau: The power of the tasks' sizes, at least 0.
  /// - Throws: `DistillationError.invalidConfiguration` with every fault.
  public init(_ tasks: [DistillationTask], tau: Double = 1) throws(DistillationError) {
    let faults = Self.faults(tasks, tau: tau)
    guard faults.isEmpty else { throw .invalidConfiguration(faults) }
    self.tasks = tasks
    self.tau = tau
    offsets = tasks.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.examples.count) }
  }

  /// The chance of each task to be drawn for an update.
  public var probabilities: [Double] { sampler(TrainingConfig()).probabilities }

  /// Trains the student; see `TrainingLoop.run(resumingFrom:)`.
  ///
  /// - Parameters:
  ///   - config: Epochs (of all tasks' data together) or steps, batches, learning rate and the like.
  ///   - asking: Work for each task that asks its teacher ahead, done once the first update is due; nil for none.
  ///   - checkpoints: Where checkpoints go.
  ///   - observers: Told of everything, in this order.
  ///   - point: The checkpoint of the run to go on from.
  /// - Throws: `TrainingError`, `DistillationError` when labels or a teacher's kept answers are not those of a task's
  ///   examples, and what an objective, a score or an observer throws.
  @discardableResult
  public func train(
    config: TrainingConfig, asking: [(() throws -> Void)?]? = nil, checkpoints: CheckpointFolder? = nil,
    observers: [any TrainingObserver] = [], resumingFrom point: ResumePoint? = nil
  ) throws -> TrainingSummary {
    for (index, task) in tasks.enumerated() {
      guard let distiller = task.objective as? GeneralDistiller else { continue }
      try distiller.take(config, for: task.examples)
      try distiller.prepare(
        for: task.examples, data: TrainingData(task.examples, config: config), config: config,
        asking: asking?[index])
    }
    let hasScores = tasks.contains { $0.score != nil }
    let loop = TrainingLoop(
      config: config, objective: self, data: data(config), evaluate: hasScores ? evaluate : nil,
      checkpoints: checkpoints, observers: observers)
    return try loop.run(resumingFrom: point)
  }

  /// The batches of a run, as positions among the examples of all tasks.
  ///
  /// - Parameter config: Decides batch sizes, accumulation and seed.
  public func data(_ config: TrainingConfig) -> TrainingData {
    let sampler = sampler(config)
    return TrainingData(
      exampleCount: offsets[tasks.count],
      batches: { epoch in
        sampler.batches(epoch: epoch).map { task, indices in indices.map { $0 + self.offsets[task] } }
      },
      batchCount: { _ in sampler.stepsPerEpoch * config.gradientAccumulationSteps },
      batch: { indices in
        let (task, offset) = self.place(of: indices)
        let local = try self.tasks[task].examples.batch(at: indices.map { $0 - offset })
        return Batch(tokens: local.tokens, targets: local.targets, indices: indices)
      },
      rows: {
        try self.tasks.map { task in
          let fingerprint = EncodedExample.fingerprint(of: task.examples)
          try task.examples.check()
          return fingerprint
        }.joined()
      },
      place: { index in
        let (task, offset) = self.place(of: [index])
        return self.tasks[task].examples.place(of: index - offset)
          ?? "\(index - offset) of \(self.tasks[task].name)"
      })
  }

  private func sampler(_ config: TrainingConfig) -> TaskSampler {
    TaskSampler(
      tasks.map { TrainingData($0.examples, config: config) }, weights: tasks.map(\.samplingWeight), tau: tau,
      accumulation: config.gradientAccumulationSteps, seed: config.dataSeed ?? config.seed)
  }

  /// State of the tasks' objectives in a checkpoint.
  public var state: [Parameter] { tasks.flatMap(\.objective.state) }

  /// Weight of a batch by its own task.
  public func weight(of batch: Batch) -> Double {
    let (task, local) = self.local(batch)
    return task.objective.weight(of: local)
  }

  /// Makes the teachers ready.
  public func begin() throws { for task in tasks { try task.objective.begin() } }

  /// Makes the task of an update's micro-batches ready for them.
  public func prepare(for batches: [Batch]) throws {
    let all = batches.map { local($0) }
    try all.first?.task.objective.prepare(for: all.map(\.batch))
  }

  /// The loss of the batch's own task.
  public func loss(_ batch: Batch, progress: Double, in context: Context) throws -> StepLoss {
    let (task, local) = self.local(batch)
    let loss = try task.objective.loss(local, progress: progress, in: context)
    return StepLoss(
      loss.total,
      parts: [("\(task.name)/loss", loss.total.item)]
        + loss.parts.map { ("\(task.name)/\($0.name)", $0.value) })
  }

  /// Part of the batch's own task.
  public func chance(of batch: Batch) -> ChancePart? {
    let (task, local) = self.local(batch)
    return task.objective.chance(of: local)?.renamed { "\(task.name)/\($0 ?? "loss")" }
  }

  /// Scores every task that can be scored; see `summary(of:)`.
  public func evaluate() throws -> EvaluationResult { summary(of: try tasks.map { try $0.score?() }) }

  /// The scores of the tasks as those of the run: `average` first, then each task's loss and metrics under its name.
  ///
  /// - Parameter results: One for each task in order; nil for a task that was not scored.
  public func summary(of results: [EvaluationResult?]) -> EvaluationResult {
    precondition(
      results.count == tasks.count, "There are \(results.count) results for \(tasks.count) tasks.")
    var (losses, averaged): ([Double], [Double]) = ([], [])
    var metrics: [Score] = []
    var (examples, runtime) = (0, 0.0)
    for (task, result) in zip(tasks, results) {
      guard let result else { continue }
      if let loss = result.loss {
        losses.append(loss)
        metrics.append(Score("\(task.name)/loss", loss))
      }
      metrics += result.metrics.map { Score("\(task.name)/\($0.name)", $0.value) }
      if let counted = task.metric.flatMap({ name in result.metrics.first { $0.name == name } })
        ?? result.metrics.first
      {
        averaged.append(counted.value)
      }
      examples += result.examples
      runtime += result.runtime
    }
    let mean = { (values: [Double]) in values.isEmpty ? nil : values.reduce(0, +) / Double(values.count) }
    return EvaluationResult(
      loss: mean(losses), metrics: (mean(averaged).map { [Score("average", $0)] } ?? []) + metrics,
      examples: examples, runtime: runtime)
  }

  /// The task of a batch, and the batch as positions in the task's own data, by which its teacher is cached.
  private func local(_ batch: Batch) -> (task: DistillationTask, batch: Batch) {
    let (task, offset) = place(of: batch.indices)
    return (
      tasks[task],
      Batch(tokens: batch.tokens, targets: batch.targets, indices: batch.indices.map { $0 - offset })
    )
  }

  private func place(of indices: [Int]) -> (task: Int, offset: Int) {
    guard let first = indices.first, let last = indices.max(), first >= 0,
      let next = offsets.firstIndex(where: { first < $0 }), last < offsets[next],
      indices.min() ?? 0 >= offsets[next - 1]
    else {
      preconditionFailure(
        "A batch of several tasks' examples, or of none, was asked for: positions \(indices).")
    }
    return (next - 1, offsets[next - 1])
  }

  private static func faults(_ tasks: [DistillationTask], tau: Double) -> [Fault] {
    var faults: [Fault] = []
    if tasks.isEmpty { faults.append(Fault("tasks", "found none, expected at least one")) }
    if !(tau >= 0 && tau.isFinite) {
      faults.append(Fault("tau", "found \(tau), expected at least 0: 1 in proportion, 0 evenly"))
    }
    var names: Set<String> = []
    for (index, task) in tasks.enumerated() {
      let field = "tasks[\(index)]"
      if task.name.isEmpty || task.name.contains("/") {
        faults.append(Fault("\(field).name", "found \"\(task.name)\", expected a name without /"))
      }
      if !names.insert(task.name).inserted {
        faults.append(
          Fault("\(field).name", "\(task.name) is there twice; give each task a name"))
      }
      if let fault = NumberLimits.shareFault(task.samplingWeight) {
        faults.append(Fault("\(field).weight", fault))
      }
      if task.examples.isEmpty {
        faults.append(Fault("\(field).examples", "\(task.name) has no example to learn from"))
      }
    }
    return faults
  }
}

/// One of the tasks of a `MultiTaskDistiller`: a head on the shared encoder with its teacher, its settings and its data.
public struct DistillationTask {
  /// Name in logs and scores, such as `sst2`.
  public let name: String
  /// Objective on its batches: a `GeneralDistiller` with the task's own teacher and configuration, or a
  /// `SupervisedObjective` where there is no teacher.
  public let objective: any TrainingObjective
  /// Examples that the student learns the task from.
  public let examples: EncodedExamples
  /// Sampling weight relative to the other tasks, beside its size; more than 0.
  public let samplingWeight: Double
  /// Scores the student on the task; nil never does.
  public let score: (() throws -> EvaluationResult)?
  /// Score that counts in the average over tasks; nil takes the first.
  public let metric: String?

  /// A task; the objectives of all tasks must train parameters of different names on one encoder.
  public init(
    _ name: String, objective: any TrainingObjective, examples: some ExampleRows, samplingWeight: Double = 1,
    metric: String? = nil, score: (() throws -> EvaluationResult)? = nil
  ) {
    self.name = name
    self.objective = objective
    self.examples = examples.encodedExamples
    self.samplingWeight = samplingWeight
    self.metric = metric
    self.score = score
  }
}
