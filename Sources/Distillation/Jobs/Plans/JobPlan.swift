import Datasets
import Encoders
import Foundation
public import ModelFormats
import Tasks
import Tensors
import Training

/// Plan of what a job will do and need, worked out before the first step; what `--dry-run` prints.
public struct JobPlan: Sendable {
  /// Section of the plan: lines and warnings.
  struct Section {
    /// The lines without warnings.
    var lines: [String]
    /// Warnings.
    var warnings: [Fault] = []

    /// A section of lines without warnings.
    init(_ lines: [String]) { self.lines = lines }

    /// The plan of a distillation.
    init(_ plan: DistillationPlan) {
      // A plan ends with its warnings, a line each.
      lines = plan.lines.dropLast(plan.warnings.count)
      warnings = plan.warnings
    }
  }

  /// The plan for people, without warnings.
  public let lines: [String]
  /// The plan for people, each warning after what it is about.
  public let linesWithWarnings: [String]
  /// Warnings about the configurations, each once.
  public let warnings: [Fault]
  /// The plan for machines; of two stages a list under `stages`, of several tasks one under `tasks`.
  public let json: JSONValue

  /// The plan with further lines, such as about what is written on the way.
  init(_ plan: JobPlan, lines more: [String]) {
    lines = plan.lines + more
    linesWithWarnings = plan.linesWithWarnings + more
    (warnings, json) = (plan.warnings, plan.json)
  }

  init(_ sections: [Section], warnings: [Fault]? = nil, json: JSONValue) {
    lines = sections.flatMap(\.lines)
    linesWithWarnings = sections.flatMap { $0.lines + $0.warnings.map { "warning  \($0)" } }
    self.warnings =
      warnings
      ?? sections.flatMap(\.warnings).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    self.json = json
  }

  /// The plan of a training on labels.
  init(labelsOf task: PreparedTask, training: TrainingConfig) throws {
    let data = TrainingData(task.examples, config: training)
    let steps = try StepPlan(data, config: training).totalSteps
    let lengths = task.examples.lengths
    let tokens = data.batches(0).map { batch in batch.reduce(0) { $0 + lengths[$1] } }.max() ?? 0
    let memory = MemoryEstimate(
      teacher: nil, furtherTeachers: [], student: task.description, projectionCount: 0,
      optimizerStates: training.optimizer.stateNames.count, optimizerShares: training.optimizerShares,
      recomputes: training.gradientCheckpointing,
      tokens: tokens, sequenceLength: lengths.max() ?? 0,
      idleWordValues: task.idleWordValues(of: task.examples, in: data, steps: steps, training))
    self.init(
      [
        Section([
          "task     \(task.loaded.task.name): \(grouped(task.examples.count)) examples",
          "loss     1 × labels, no teacher",
          "steps    \(grouped(steps))",
          memory.line(tokens: tokens),
        ])
      ],
      json: [
        "examples": .integer(task.examples.count), "steps": .integer(steps), "memory": memory.json,
      ])
  }

  /// The plan of a distillation in one stage or two.
  init(_ stages: [JobStage]) {
    if stages.count == 1, let only = stages.first {
      self.init([Section(only.plan)], warnings: only.plan.warnings, json: only.plan.json)
      return
    }
    let sections = stages.flatMap { stage in
      [Section([stage.part.title].compactMap { $0 }), Section(stage.plan)]
    }
    // What two stages share is said once; what one says twice stays.
    let first = stages[0].plan.warnings
    let others = stages.dropFirst().flatMap(\.plan.warnings).filter { !first.contains($0) }
    self.init(
      sections, warnings: first + others, json: ["stages": .array(stages.map(\.plan.json))])
  }

  /// The plan of BERT-of-Theseus.
  init(_ distiller: TheseusDistiller, of task: PreparedTask, training: TrainingConfig) throws {
    var student = task.description
    student.trainableCount =
      task.student.model.parameters.filter(\.isTrainable).reduce(0) { $0 + $1.count }
    let plan = try task.plan(
      .labelsAlone, training: training, of: task.examples.withTarget, countsSteps: true,
      student: student)
    let steps = plan.steps ?? 0
    let rates = [0, steps / 4, steps / 2, max(0, steps - 1)].map { step in
      String(format: "%.2f at step %d", distiller.config.rate(at: step, of: steps), step + 1)
    }
    let blocks = distiller.blocks.enumerated().map { index, block in
      "theseus  student layer \(index + 1) for teacher layers \(block.lowerBound + 1) to \(block.upperBound)"
    }
    var object = plan.json.objectValue ?? JSONObject()
    object["theseus"] = .array(distiller.blocks.map { .array($0.map { .integer($0 + 1) }) })
    self.init(
      [
        Section(plan),
        Section(blocks + ["theseus  replaced with probability " + rates.joined(separator: ", ")]),
      ],
      warnings: [], json: .object(object))
  }

  /// The plan of several tasks.
  init(_ shared: SharedTraining) {
    let (distiller, plans) = (shared.distiller, shared.plans)
    var lines: [String] = []
    for (index, task) in distiller.tasks.enumerated() {
      let share = String(format: "%.3f", distiller.probabilities[index])
      lines.append("task     \(task.name): \(grouped(task.examples.count)) examples, \(share) of the updates")
      let own = plans[index].map { Section($0).lines } ?? ["loss     1 × labels, no teacher"]
      lines += own.map { "  " + $0 }
    }
    lines.append("steps    \(grouped(shared.steps))")
    let tasks = distiller.tasks.enumerated().map { index, task -> JSONValue in
      [
        "name": .string(task.name), "examples": .integer(task.examples.count),
        "probability": .double(distiller.probabilities[index]), "plan": plans[index]?.json ?? .null,
      ]
    }
    self.init(
      [Section(lines)], warnings: shared.distillers.flatMap { $0?.warnings ?? [] },
      json: ["tasks": .array(tasks), "steps": .integer(shared.steps)])
  }
}

extension JobPlan {
  /// Lines of what is the same whatever a student learns from: labels, frozen parts and checkpoints.
  ///
  /// - Throws: `TrainingError.configuration` for labels that cannot be learnt as the settings say.
  static func commonLines(_ job: DistillationJob, _ tasks: [PreparedTask]) throws(TrainingError) -> [String] {
    var lines: [String] = []
    for task in tasks {
      let labels = task.student.model.config.labels
      guard let text = try task.hardLabelLoss(job.training).text(labels) else { continue }
      lines.append("labels   " + (tasks.count > 1 ? "\(task.loaded.task.name): " : "") + text)
    }
    guard let model = tasks.first?.student.model else { return lines }
    if let frozen = model.frozenParts(by: job.training) { lines.append("frozen   \(frozen)") }
    if job.training.quantizationAware {
      lines.append(
        "int8     trained and scored as 8-bit integers compute; saved in floats, for TaskModel.quantized()")
    }
    if job.training.saveStrategy == .auto {
      // Weights, and two moments of those that are trained.
      let bytes = model.parameters.reduce(0) { $0 + ($1.isTrainable ? 12 : 4) * $1.count }
      let kept = job.training.saveTotalLimit.map { ", the last \($0) kept" } ?? ""
      lines.append("saved    checkpoints of about \(megabytes(bytes)) MB, at most 1 % of the time\(kept)")
    }
    return lines
  }
}

/// Part of a job that trains a model: one of its trainings, or the only one.
public enum JobPart: Sendable, Hashable {
  /// The only training of a student.
  case student
  /// The first of two stages, which matches layers.
  case features
  /// The second of two stages, which learns predictions.
  case predictions
  /// The same student on the labels alone.
  case baseline

  /// The line that announces it; nil for the only one.
  public var title: String? {
    switch self {
    case .student: nil
    case .features: "stage 1 of 2: features"
    case .predictions: "stage 2 of 2: predictions"
    case .baseline: "baseline: the same student on the labels alone"
    }
  }
}

/// Observer of a job that hears which of its trainings begins.
public protocol JobObserver: TrainingObserver {
  /// A training is about to begin; its steps follow.
  func began(_ part: JobPart)
}

extension DistillationConfig {
  /// A distillation of the labels alone.
  static let labelsAlone = DistillationConfig(kdLossWeight: 0, hardLabelWeight: 1)
}
