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
    guard let live = teacher.sources[0] as? LiveTeacher, let model = live.model else {
      preconditionFailure("A teacher that is no model can fill no cache; its answers are at hand already.")
    }
    let examples = teacher.alignment?.teacher ?? examples
    let description = TeacherCacheDescription(
      live, of: model, name: name, tokenizer: tokenizer, examples: examples, parts: cachedParts)
    var file: TeacherCacheFile?
    if FileManager.default.fileExists(atPath: url.path) {
      let found = try TeacherCacheFile(url)
      if found.faults(for: description.key, parts: cachedParts).isEmpty { file = found }
    }
    let answers =
      try file
      ?? TeacherCacheFile.build(
        url, description: description, examples: examples, teacher: model,
        budget: budget ?? .halfOfFreeSpace(at: url), progress: progress)
    try use(answers)
    return answers
  }

  /// Learns from answers of the teacher that are there already; of several teachers, from the first one's, and keeps the
  /// logits of the others in memory.
  ///
  /// - Throws: `DistillationError.cache` when they lack what the configuration needs, or are another teacher's.
  public func use(_ answers: TeacherCacheFile) throws(DistillationError) {
    if let cacheObstacle { throw .cache(file: answers.url.path, message: cacheObstacle) }
    let live = teacher.sources[0] as? LiveTeacher
    let stored = try StoredTeacher(answers, answersOf: live, description: teacher.sources[0].description)
    let others = teacher.replacingSources { source, number in number == 0 ? stored : source }
    teacher = others.remembering()
    try checkAnswers()
  }

  /// The files of answers that are used must hold what is needed of each example.
  func checkAnswers() throws(DistillationError) {
    for (number, source) in teacher.sources.enumerated() {
      guard let stored = source as? StoredTeacher else { continue }
      try stored.file.check(
        parts: number == 0
          ? cachedParts : config.usesTeacherLogits ? CachedPart.logits(of: stored.config) : [])
    }
  }

  /// Layers must be kept on disk where answers shall be kept.
  func checkCaching() throws(DistillationError) {
    if config.cacheTeacherLogits, !matches.isEmpty, !(teacher.sources[0] is StoredTeacher) {
      throw .invalidConfiguration([
        Fault(
          "cache_teacher_logits",
          "keeps logits in memory, but the matches need layers as well; call cacheTeacher(over:in:) before train, or "
            + "set it to false")
      ])
    }
  }
}

extension DistillationConfig {
  /// Why a teacher's answers cannot be kept; nil if they can.
  ///
  /// - Parameter matches: The matches as they apply to the models.
  package func cacheObstacle(teacher: ModelDescription, matches: [Match]) -> String? {
    if teacher.family.answersWithTokens {
      return "which words are masked changes from epoch to epoch, so the teacher must be asked each time"
    }
    if let match = matches.first(where: { !$0.isOfLayers }) {
      return "\(match.teacher.name) is a named module, whose values are not kept"
    }
    return nil
  }
}
