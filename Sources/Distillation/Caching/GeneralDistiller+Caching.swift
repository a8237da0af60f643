import Encoders
public import Foundation
import ModelFormats
public import TaskData
import Tasks
public import Tokenization

extension GeneralDistiller {
  /// Asks the teacher once about every example and learns from the answers kept in a file from then on.
  ///
  /// A file that holds them already, of an earlier run or of a student before, is used as it is; one that a crash left
  /// half-finished is gone on with; one of another teacher, of other examples or of other layers is replaced.
  ///
  /// - Parameters:
  ///   - examples: What `train` will be given.
  ///   - url: The file.
  ///   - name: What messages call the teacher.
  ///   - tokenizer: The teacher's tokenizer, if it is known.
  ///   - budget: How much disk the file may take; by default half of what is free.
  ///   - progress: Told of the examples done.
  /// - Throws: `DistillationError.cache` when no cache can serve this distiller, it is too large, damaged or cannot be
  ///   written.
  @discardableResult
  public func cacheTeacher(
    over examples: [EncodedExample], in url: URL, name: String = "teacher",
    tokenizer: (any Tokenizer)? = nil, budget: CacheBudget? = nil,
    progress: (_ done: Int) throws -> Void = { _ in }
  ) throws -> TeacherCacheFile {
    if let cacheObstacle { throw DistillationError.cache(file: url.path, message: cacheObstacle) }
    guard let teacher else {
      preconditionFailure("A teacher that is not there can answer nothing; its answers are at hand already.")
    }
    let examples = alignment?.examples.teacher ?? examples
    let description = TeacherCacheDescription(
      teacher: teacher, name: name, tokenizer: tokenizer, examples: examples, parts: cachedParts)
    var file: TeacherCacheFile?
    if FileManager.default.fileExists(atPath: url.path) {
      let found = try TeacherCacheFile(url)
      if found.faults(for: description.key, parts: cachedParts).isEmpty { file = found }
    }
    let answers =
      try file
      ?? TeacherCacheFile.build(
        url, description: description, examples: examples, teacher: teacher,
        budget: budget ?? .halfOfFreeSpace(at: url), progress: progress)
    frozenTeacher.file = answers
    return answers
  }

  /// Learns from answers of the teacher that are there already.
  ///
  /// - Throws: `DistillationError.cache` when they lack what the configuration needs, or are another teacher's.
  public func use(_ answers: TeacherCacheFile) throws(DistillationError) {
    if let cacheObstacle { throw .cache(file: answers.url.path, message: cacheObstacle) }
    try answers.check(teacher: teacher, parts: cachedParts)
    frozenTeacher.file = answers
  }

  /// The answers that are kept must be to the examples that come.
  func checkAnswers(to examples: [EncodedExample]) throws(DistillationError) {
    if let aligned = alignment?.examples {
      precondition(
        aligned.teacher.count == examples.count,
        "The teacher reads \(aligned.teacher.count) examples, the student \(examples.count); align the ones to train on."
      )
    }
    if config.cacheTeacherLogits, !matches.isEmpty, frozenTeacher.file == nil {
      throw .invalidConfiguration([
        Fault(
          "cache_teacher_logits",
          "keeps logits in memory, but the matches need layers as well; call cacheTeacher(over:in:) before train, or "
            + "set it to false")
      ])
    }
    if cachedParts.isEmpty { return }
    for file in answerFiles { try file.check(examples: alignment?.examples.teacher ?? examples) }
  }
}

extension TeacherCacheFile {
  /// Throws what keeps it from being used, as far as it is known what for.
  func check(
    teacher: TaskModel? = nil, examples: [EncodedExample]? = nil, parts: [CachedPart] = []
  ) throws(DistillationError) {
    let faults = faults(
      teacher: teacher.map { CacheKey.fingerprint(of: $0) },
      data: examples.map { CacheKey.fingerprint(of: $0) }, parts: parts)
    guard faults.isEmpty else {
      throw .cache(
        file: url.path, message: "does not fit: " + faults.joined(separator: "; ") + ". Build another one")
    }
  }
}

extension DistillationConfig {
  /// Why a teacher's answers cannot be kept; nil if they can.
  package func cacheObstacle(teacher: ModelDescription) -> String? {
    if teacher.family.answersWithTokens {
      return "which words are masked changes from epoch to epoch, so the teacher must be asked each time"
    }
    for case .custom(let match) in matches {
      return "\(match.moduleT) is a named module, whose values are not kept"
    }
    return nil
  }
}
