import Tasks

/// Measurements of a teacher: as its folder holds it and, where it answers in 8-bit integers, as it answers.
struct MeasuredTeacher {
  /// The teacher as it is.
  let whole: ModelMeasurement
  /// The teacher as it answers; nil where that is the same.
  var answering: ModelMeasurement?

  /// Both, for a table.
  var rows: [ModelMeasurement] { [whole] + (answering.map { [$0] } ?? []) }
}

extension LoadedTeacher {
  /// Measures a teacher that is a model, and once more in the form in which it answers; nil of other teachers.
  func measured(
    on validation: TokenizedRows, of task: TaskDefinition, _ listener: any WorkListener
  ) throws -> MeasuredTeacher? {
    guard let folder else { return nil }
    func measure(_ model: TokenizedModel) throws -> ModelMeasurement {
      let reading = try validation.reading(of: model, tokenizer: tokenizerFingerprint)
      let latency = ModelMeasurement.latency(of: model.model, on: reading.data.examples)
      if model.model === folder.model, let known = checked, known.reading === reading {
        return ModelMeasurement(of: model, latency: latency, known.evaluation)
      }
      listener.counted(.evaluated(model.path))
      return ModelMeasurement(
        of: model, latency: latency,
        try EvaluationData(task: task, examples: validation.rows)
          .evaluate(model, encoded: reading.data, listener: listener))
    }
    return MeasuredTeacher(
      whole: try measure(folder),
      answering: try answering.flatMap { $0.model === folder.model ? nil : try measure($0) })
  }
}
