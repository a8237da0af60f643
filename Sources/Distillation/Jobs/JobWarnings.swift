import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Training

extension PreparedTask {
  /// Warnings about the teachers, found before the first step; each answers some of the validation rows for it.
  func teacherWarnings(_ listener: any WorkListener) throws -> [Fault] {
    var found: [Fault?] = []
    let config = loaded.task.distillation
    if config.usesTeacherLogits {
      for teacher in teachers {
        found.append(teacher.stated?.warningOfChance)
        guard let validation = loaded.validation else { continue }
        found.append(
          try teacher.warningOfChance(
            on: validation, of: definition, limit: sharesTokens ? limit : nil, listener))
      }
    }
    if teachers.count > 1, !config.usesTeacherLogits {
      found.append(
        Fault(
          "teacher",
          "of \(teachers.count) teachers only \(teachers[0].path) counts, since kd_loss_weight is 0: layers are "
            + "matched with the first", severity: .warning))
    }
    return found.compactMap { $0 }
  }

  /// Warnings of settings of the loss on labels where no label counts.
  func labelWarnings(_ training: TrainingConfig) -> [Fault] {
    guard !teachers.isEmpty, !loaded.task.distillation.usesLosses else { return [] }
    let given = [
      ("label_smoothing_factor", training.labelSmoothingFactor > 0),
      ("class_weights", training.classWeights != nil),
    ]
    return given.filter(\.1).map { key, _ in
      Fault(
        key,
        "is about the loss on labels, which does not count: hard_label_weight is 0; give it a number above 0",
        severity: .warning)
    }
  }

  /// The note that some labels are rare among the training rows, and what to try; nil where none is, or weights are set.
  ///
  /// A label is rare that comes a tenth as often as the commonest, or in less than 5 % of the rows and half of an even share.
  ///
  /// - Parameters:
  ///   - training: The settings.
  ///   - isAlone: Whether the job has no other task.
  func noteOfImbalance(_ training: TrainingConfig, isAlone: Bool) -> String? {
    let family = definition.kind.family
    guard training.classWeights == nil, family.form.hasClasses, case .sequences = family.rows else {
      return nil
    }
    let labels = student.model.config.labels
    let counts = LabelCounts(examples, outputs: labels.count, of: family)
    let order = labels.indices.sorted { counts.counts[$0] > counts.counts[$1] }
    guard counts.total > 0, let first = order.first, let last = order.last else { return nil }
    let (most, least) = (counts.counts[first], counts.counts[last])
    let share = Double(least) / Double(counts.total)
    guard most >= 10 * least || share < min(0.05, 0.5 / Double(labels.count)) else { return nil }
    func text(_ label: Int) -> String {
      let percent = 100 * Double(counts.counts[label]) / Double(counts.total)
      return "\(labels[label]) \(String(format: "%.1f", percent)) %"
    }
    let shown =
      order.count <= 6 ? order.map(text) : order.prefix(2).map(text) + ["…"] + order.suffix(3).map(text)
    var advice = "--class-weights balanced"
    if isAlone, training.bestMetricName != "eval_f1_macro", training.evalStrategy != .never {
      // F1 of two labels is that of the second, which may not be the rare one.
      advice +=
        definition.metrics.contains("f1_macro")
        ? " and --metric-for-best-model f1_macro"
        : " and --metric-for-best-model f1_macro, with f1_macro among the metrics of the task's file"
    }
    let name = isAlone ? "" : "\(loaded.task.name): "
    return "\(name)some labels are rare: \(shown.joined(separator: ", ")); where they matter, try \(advice)"
  }

  /// The warning of models that read texts of different length; nil where none is cut by it.
  var warningOfLengths: Fault? {
    guard let teacher = teachers.first, sharesTokens else { return nil }
    return DistillationGuards.unequalLengths(
      teacher: teacher.lengthLimit(definition.maxSequenceLength),
      student: student.lengthLimit(definition.maxSequenceLength),
      longest: examples.lengths.max() ?? 0)
  }
}

extension AnswersOfRows {
  /// Rows below which an agreement says nothing.
  private static let fewRows = 20

  /// The warning that answers are no better than guessing on training rows that have a label; nil where they are, or where
  /// too few rows have both.
  fileprivate var warningOfChance: Fault? {
    guard let agreement, agreement.data.rowCount >= Self.fewRows else { return nil }
    return DistillationGuards.teacherAtChance(
      path, agreement.evaluation, on: agreement.data, rows: "training rows",
      remedy: "do its labels mean what the task's do, and are they to these rows?")
  }
}

extension LoadedTeacher {
  /// The warning that the teacher is no better than guessing; nil where it is better, or no row has a label.
  ///
  /// - Parameters:
  ///   - validation: The rows, of which a sample is answered; the closing table is about all of them.
  ///   - task: What the rows are of.
  ///   - limit: The longest input; nil leaves it to model and task.
  fileprivate func warningOfChance(
    on validation: TokenizedRows, of task: TaskDefinition, limit: Int?, _ listener: any WorkListener
  ) throws -> Fault? {
    guard let folder else { return nil }
    let size = TokenizedModel.teacherSample
    guard validation.rows.evenSample(size).labelledCount > 0 else { return nil }
    let reading = try validation.reading(of: folder, tokenizer: tokenizerFingerprint, limit: limit)
    listener.counted(.evaluated(path))
    let sample = try validation.sample(size, as: reading, of: folder)
    let evaluation = try folder.checking(sample, of: task, listener)
    if validation.rows.count <= size { checked = (reading, evaluation) }
    return DistillationGuards.teacherAtChance(path, evaluation, on: sample)
  }
}

extension TokenizedModel {
  /// Validation rows that a teacher answers before the training at most.
  static let teacherSample = 1000

  /// The scores of a teacher on some validation rows, with the warning that it only guesses; nil where no row has a label.
  ///
  /// - Parameters:
  ///   - rows: The validation rows, of which a sample is answered.
  ///   - task: What the rows are of.
  ///   - limit: The longest input; nil leaves it to model and task.
  ///   - listener: Hears how far it has come.
  func checkedAsTeacher(
    on rows: TaskExamples?, of task: TaskDefinition, limit: Int?, _ listener: any WorkListener
  ) throws -> (result: EvaluationResult, warning: Fault?)? {
    guard let sample = rows?.evenSample(Self.teacherSample), sample.labelledCount > 0 else { return nil }
    let encoded = try encode(sample, of: task, limit: limit)
    let evaluation = try checking(encoded, of: task, listener)
    return (evaluation.result, DistillationGuards.teacherAtChance(path, evaluation, on: encoded))
  }

  fileprivate func checking(
    _ data: EncodedTask, of task: TaskDefinition, _ listener: any WorkListener
  ) throws -> TaskEvaluation {
    let labelOrder = try LabelOrder(model: model, path: path, task: task)
    defer { listener.progressEnded() }
    return try evaluateTask(
      model, data, outputs: labelOrder.outputs,
      progress: { listener.progress("Checking the teacher", done: $0, total: data.examples.count) })
  }
}
