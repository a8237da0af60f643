import Distillation
import Encoders
import Foundation
import TaskData
import Tasks
import Tokenization
import Training

/// A task of a multi-task run as the student reads it.
struct PreparedTask {
  /// The task of the distiller.
  let task: DistillationTask
  /// What distils its teacher; nil where it is learnt from labels alone.
  let distiller: GeneralDistiller?
  /// A fingerprint of the rows that it is scored on; nil without any.
  let validation: String?
  private let member: MultitaskMember
  private let descriptions: (teacher: ModelDescription, student: ModelDescription)?

  /// Tokenizes a task's rows, and makes what trains its part of a student, once everything fits.
  ///
  /// - Parameter onLabelsAlone: Whether its teacher is left out.
  init(
    _ member: MultitaskMember, of student: SharedStudent, at index: Int, training: TrainingConfig,
    onLabelsAlone: Bool
  ) throws {
    self.member = member
    let definition = member.task
    let own = student.folder(index, path: student.name)
    let order = try LabelOrder(
      model: own.model, path: member.teacher?.path ?? student.name, task: definition)
    let asked = definition.maxSequenceLength
    let limit = [own.lengthLimit(asked), member.teacher?.lengthLimit(asked)].compactMap { $0 }.min()
    if let teacher = member.teacher {
      try TokenizedModel.checkPairs(
        member.data.train, config: teacher.config, tokenizer: own.tokenizer, path: teacher.path)
    }
    var examples = order.relabel(try own.encode(member.data.train, of: definition, limit: limit).examples)
    let validation = try member.data.validation.map { try own.encode($0, of: definition, limit: limit) }
    self.validation = validation.map { EncodedExample.fingerprint(of: $0.examples) }
    let objective: any TrainingObjective
    if let teacher = member.teacher, !onLabelsAlone {
      var description = ModelDescription(
        own.model, name: student.name, vocabulary: student.tokenizer.vocabulary.tokens)
      description.copiedLayers = student.copiedLayers
      let descriptions = (teacher: teacher.description, student: description)
      let distiller = try GeneralDistiller(
        member.config, teacher: teacher.teacher(), student: own.model, description: description,
        hasLabels: examples.contains { $0.target != .none }, seed: training.seed,
        projectionPrefix: "projections.\(index)")
      (objective, self.distiller, self.descriptions) = (distiller, distiller, descriptions)
    } else {
      examples = examples.filter { $0.target != .none }
      if examples.isEmpty {
        throw CommandError(
          "\(member.entry.name) has no labels to learn from"
            + (onLabelsAlone ? "; --baseline needs some of every task" : "; give it a teacher"))
      }
      (objective, distiller, descriptions) = (SupervisedObjective(own.model), nil, nil)
    }
    task = DistillationTask(
      member.entry.name, objective: objective, examples: examples, samplingWeight: member.entry.weight,
      metric: definition.metrics.first,
      score: validation.map { rows in
        { try evaluateTask(own.model, rows, outputs: order.outputs).result }
      })
  }

  /// What the student learns from.
  var examples: [EncodedExample] { task.examples }

  /// How the teacher is asked; nil without one.
  ///
  /// - Parameters:
  ///   - options: How large a file of its answers may be.
  ///   - epochs: The passes over the task's data.
  ///   - folder: The run folder; nil for a plan without one.
  func caching(_ options: CachingOptions, epochs: Double, folder: URL?) throws -> TeacherCaching? {
    guard let distiller else { return nil }
    return try TeacherCaching(
      wish: member.wish, given: member.entry.teacherCache, options: options, config: member.config,
      parts: distiller.cachedParts,
      obstacle: distiller.cacheObstacle, examples: examples, epochs: epochs,
      folder: folder.map { member.folder(in: $0) })
  }

  /// What the task's part of a run would do and need; nil without a teacher.
  func plan(_ training: TrainingConfig, cache: CachePlan?) throws -> DistillationPlan? {
    guard let descriptions else { return nil }
    let batches = TrainingData(examples, config: training).batches(0)
    return try DistillationPlan(
      member.config, teacher: descriptions.teacher, student: descriptions.student, training: training,
      tokensPerBatch: batches.map { batch in batch.reduce(0) { $0 + examples[$1].length } }.max() ?? 0,
      sequenceLength: examples.map(\.length).max() ?? 0,
      hasLabels: examples.contains { $0.target != .none }, cache: cache)
  }
}
