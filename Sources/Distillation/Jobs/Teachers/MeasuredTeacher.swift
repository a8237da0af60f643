import Encoders
import Evaluation
import ModelFormats
import Tasks
import Training

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

extension ModelMeasurement {
  /// Record of a file of answers, which has scores where it answers every row.
  init(of stated: AnswersOfRows, on data: EncodedTask) throws {
    let evaluation = try stated.validationLogits.map { logits in
      let (answers, scores) = try data.score(logits)
      return TaskEvaluation(
        result: EvaluationResult(loss: nil, metrics: scores, examples: data.rowCount, runtime: 0),
        predictions: answers, of: data)
    }
    self.init(
      name: stated.path, layers: 0, parameters: 0, samplesPerSecond: nil, latency: nil,
      metrics: evaluation?.result.metrics ?? [], evaluation: evaluation)
  }

  /// Record of the teacher that built a cache.
  ///
  /// - Parameter metrics: The scores to look for.
  /// - Throws: `ModelError.configuration`.
  init(of teacher: TeacherCacheDescription, _ metrics: [String]) throws {
    self.init(
      name: teacher.teacherName, layers: try teacher.config().layerCount,
      parameters: teacher.parameterCount, samplesPerSecond: nil, latency: nil,
      metrics: metrics.compactMap { name in
        teacher.teacherResults["eval_" + name]?.doubleValue.map { Score(name, $0) }
      })
  }
}
