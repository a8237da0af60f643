import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tokenization
import Training

/// Everything of a multi-task run that is ready before its first step.
struct MultitaskRun {
  /// One task with what belongs to it.
  struct Member {
    let entry: TaskEntry
    let reader: TaskReader
    let data: RunData
    let teacher: ModelFolder?
  }

  /// The tasks in order.
  let members: [Member]
  /// The settings of the run.
  let training: TrainingConfig
  /// The student.
  let student: SharedStudent
  /// The trainer.
  let distiller: MultiTaskDistiller
  /// The updates of the run.
  let steps: Int
  /// What is doubtful.
  let warnings: [DistillationFault]
  private let plans: [DistillationPlan?]

  /// Reads all data, loads all teachers and makes the student.
  ///
  /// - Throws: Among others `DistillationError.invalidConfiguration` with the faults of all tasks.
  init(
    _ entries: [TaskEntry], student name: String, tau: Double, distillation: DistillationOptions,
    training options: TrainingOptions, console: Console
  ) throws {
    let readers = try entries.map { try $0.options.open(console, unlabelledFile: $0.unlabelledFile) }
    // What suits one task need not suit the others, so their recipes' hyper-parameters do not count.
    var common = readers[0].task
    (common.defaults, common.metrics) = (TaskDefaults(), ["average"])
    let training = try options.config(
      for: common, canEvaluate: readers.contains { $0.task.validationFile != nil })
    self.training = training
    members = try zip(entries, readers).map { entry, reader in
      Member(
        entry: entry, reader: reader,
        data: try RunData(reader, training: options, readsUnlabelled: entry.teacher != nil, console: console),
        teacher: try entry.teacher.map { try ModelFolder($0, for: reader.task.kind) })
    }
    let student = try SharedStudent(
      name, tasks: members.map { ($0.reader.task, $0.teacher) }, seed: training.seed)
    self.student = student
    var (tasks, plans, faults, warnings):
      ([DistillationTask], [DistillationPlan?], [DistillationFault], [DistillationFault]) = ([], [], [], [])
    for (index, member) in members.enumerated() {
      do {
        let (task, plan, found) = try Self.task(
          index, member, student, config: try distillation.config(overriddenBy: member.entry.distillation),
          training: training)
        tasks.append(task)
        plans.append(plan)
        warnings += found
      } catch DistillationError.invalidConfiguration(let found) {
        faults += found.map { DistillationFault("\(member.entry.name), \($0.field)", $0.message) }
      }
    }
    guard faults.isEmpty else { throw DistillationError.invalidConfiguration(faults) }
    distiller = try MultiTaskDistiller(tasks, tau: tau)
    steps = try StepPlan(distiller.data(training), config: training).totalSteps
    (self.plans, self.warnings) = (plans, warnings)
  }

  /// One task of the distiller, and the plan of its part.
  private static func task(
    _ index: Int, _ member: Member, _ student: SharedStudent, config: DistillationConfig,
    training: TrainingConfig
  ) throws -> (DistillationTask, DistillationPlan?, [DistillationFault]) {
    let task = member.reader.task
    let own = student.folder(index, path: student.name)
    let order = try LabelOrder(model: own.model, path: member.teacher?.path ?? student.name, task: task)
    let limit = [own, member.teacher].compactMap { $0?.lengthLimit(task.maxSequenceLength) }.min()
    var examples = order.relabel(try own.encode(member.data.train, of: task, limit: limit).examples)
    let validation = try member.data.validation.map { try own.encode($0, of: task, limit: limit) }
    var objective: any TrainingObjective = SupervisedObjective(own.model)
    var (plan, warnings): (DistillationPlan?, [DistillationFault]) = (nil, [])
    if let teacher = member.teacher {
      let descriptions = (
        teacher: ModelDescription(
          teacher.model, name: teacher.path, vocabulary: teacher.tokenizer.vocabulary.tokens),
        student: ModelDescription(
          own.model, name: student.name, vocabulary: student.tokenizer.vocabulary.tokens)
      )
      let hasLabels = examples.contains { $0.target != .none }
      let distiller = try GeneralDistiller(
        config, teacher: teacher.model, student: own.model, descriptions: descriptions, hasLabels: hasLabels,
        seed: training.seed, projectionPrefix: "projections.\(index)")
      (objective, warnings) = (distiller, distiller.warnings)
      let batches = TrainingData(examples, config: training).batches(0)
      plan = try DistillationPlan(
        config, teacher: descriptions.teacher, student: descriptions.student, training: training,
        tokensPerBatch: batches.map { batch in batch.reduce(0) { $0 + examples[$1].length } }.max() ?? 0,
        sequenceLength: examples.map(\.length).max() ?? 0, hasLabels: hasLabels)
    } else {
      examples = examples.filter { $0.target != .none }
    }
    return (
      DistillationTask(
        member.entry.name, objective: objective, examples: examples, samplingWeight: member.entry.weight,
        metric: task.metrics.first,
        score: validation.map { rows in
          { try evaluateTask(own.model, rows, outputs: order.outputs).result }
        }), plan, warnings
    )
  }

  /// What the run would do, for people.
  var planLines: [String] {
    var lines: [String] = []
    for (index, task) in distiller.tasks.enumerated() {
      let share = String(format: "%.3f", distiller.probabilities[index])
      lines.append("task     \(task.name): \(grouped(task.examples.count)) examples, \(share) of the updates")
      lines += plans[index]?.lines.map { "  " + $0 } ?? ["  loss     1 × labels, no teacher"]
    }
    lines.append("steps    \(grouped(steps))")
    return lines
  }

  /// What the run would do, for machines: `tasks`, each with its `plan`, and `steps`.
  var planJSON: JSONValue {
    let tasks = distiller.tasks.enumerated().map { index, task -> JSONValue in
      [
        "name": .string(task.name), "examples": .integer(task.examples.count),
        "probability": .double(distiller.probabilities[index]), "plan": plans[index]?.json ?? .null,
      ]
    }
    return ["tasks": .array(tasks), "steps": .integer(steps)]
  }
}
