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
