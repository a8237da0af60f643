import Encoders
import Foundation
import ModelFormats

/// What is known of a teacher, which is there itself or has answered before.
struct ImitatedModel {
  /// Its sizes, head and labels.
  let config: EncoderConfig
  /// What a configuration is checked against.
  let description: ModelDescription

  /// - Throws: `DistillationError.cache` when the cache does not say whose answers it holds.
  init(_ teacher: TaskModel?, answers: TeacherCacheFile?) throws(DistillationError) {
    if let teacher {
      config = teacher.config
      description = ModelDescription(teacher, name: "teacher")
      return
    }
    guard let answers else {
      throw .invalidConfiguration([
        Fault("teacher", "found neither a model nor its answers; give one of the two")
      ])
    }
    let stored = answers.description
    do { config = try stored.config() } catch {
      throw .cache(file: answers.url.path, message: "\(error)")
    }
    description = ModelDescription(
      config, name: stored.teacherName, parameterCount: stored.parameterCount)
  }
}
