public import Encoders
import ModelFormats
import Tasks
import Tokenization

/// Numbers that a teacher's weights are held in while it answers.
public enum TeacherPrecision: String, Sendable, CaseIterable, Codable {
  /// The floats of its folder.
  case float32
  /// 8-bit integers made of them (`TaskModel.quantized`), which answer faster and a little differently.
  case int8

  /// The precision of a model as it is held.
  public init(of model: TaskModel) { self = model.isQuantized ? .int8 : .float32 }

  /// Error of answers that were kept by a teacher in another precision than the one asked for.
  func fault(ofAnswersIn found: TeacherPrecision, at path: String) -> TaskError {
    TaskError(
      "\(path) holds answers of a teacher in \(found.rawValue), but those of one in \(rawValue) are asked for; say "
        + "--teacher-precision \(found.rawValue), or build a cache with --teacher-precision \(rawValue)")
  }
}

extension TokenizedModel {
  /// The model with its weights in a precision; itself where they are.
  ///
  /// - Throws: `TaskError` for a model that has no such form.
  func held(in precision: TeacherPrecision) throws(TaskError) -> TokenizedModel {
    switch precision {
    case .float32: return self
    case .int8:
      if model.isQuantized { return self }
      do throws(ModelError) {
        return TokenizedModel(
          path: "\(path) (\(precision.rawValue))", model: try model.quantized(), tokenizer: tokenizer)
      } catch {
        throw TaskError("\(path): --teacher-precision \(precision.rawValue): \(error)")
      }
    }
  }
}

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
