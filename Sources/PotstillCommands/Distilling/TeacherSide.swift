import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tokenization
import Training

/// The teacher of a run: a model, its answers kept in a cache, or both.
struct TeacherSide {
  /// What messages call it.
  let path: String
  /// Its sizes, head and labels.
  let config: EncoderConfig
  /// What turns text into its ids.
  let tokenizer: any Tokenizer
  /// The model; nil where only its answers are at hand.
  let folder: TokenizedModel?
  /// The model as distillers ask it, whose weights are hashed once.
  private let live: LiveTeacher?
  /// Its answers to the training data, where they were kept before.
  let answers: TeacherCacheFile?
  /// The cache as the user named it.
  let cachePath: String?

  /// The teachers of a run in order: models, caches, or a cache for each model.
  ///
  /// - Throws: `UsageError` when there are models and caches, but not as many; what loading throws.
  static func all(_ models: [String], caches: [String], kind: TaskKind, console: Console) throws
    -> [TeacherSide]
  {
    guard models.isEmpty || caches.isEmpty || models.count == caches.count else {
      throw UsageError(
        "found \(models.count) --teacher and \(caches.count) --teacher-cache; give a cache for each teacher in the same "
          + "order, only teachers, or only caches")
    }
    return try (0..<max(models.count, caches.count)).map { index in
      try TeacherSide(
        model: models.isEmpty ? nil : models[index], cache: caches.isEmpty ? nil : caches[index], kind: kind,
        console: console)
    }
  }

  /// Loads the model, the cache, or both.
  init(model path: String?, cache: String?, kind: TaskKind, console: Console) throws {
    cachePath = cache
    let url = cache.map { URL(filePath: $0) }
    answers = try url.map { try TeacherCacheFile($0) }
    if let path {
      let folder = try TokenizedModel(path, for: kind, console: console)
      self.folder = folder
      (self.path, config, tokenizer) = (path, folder.model.config, folder.tokenizer)
      live = LiveTeacher(
        folder.model,
        description: ModelDescription(folder.model, name: path, vocabulary: tokenizer.vocabulary.tokens))
      return
    }
    guard let answers else {
      preconditionFailure("A teacher is a model or a cache; the options ask for one.")
    }
    (folder, live) = (nil, nil)
    self.path = answers.description.teacherName
    config = try answers.description.config()
    tokenizer = try loadTokenizer(directory: answers.url.deletingLastPathComponent())
    if let problem = kind.problemType, config.head == kind.head, config.problem != problem {
      throw CommandError(
        "\(answers.url.path) holds answers of problem type \(config.problem.rawValue), but the task is of the kind "
          + "\(kind.rawValue); build a cache of a teacher for this task")
    }
    if let fault = config.outputFault {
      throw CommandError("\(answers.url.path): the teacher \(self.path) \(fault)")
    }
    if config.head != kind.head {
      throw CommandError(
        "\(answers.url.path) holds answers of a \(config.head.rawValue) head, but the task is of the kind "
          + "\(kind.rawValue); build a cache of a teacher for this task")
    }
    if let known = answers.description.key.tokenizer, CacheKey.fingerprint(of: tokenizer) != known {
      throw CommandError(
        "\(answers.url.deletingLastPathComponent().path): the tokenizer beside the answers is not the one they were "
          + "built with; build the cache again")
    }
  }

  /// The longest input, special tokens included, that model, tokenizer and task allow.
  func lengthLimit(_ asked: Int?) -> Int {
    [asked, tokenizer.modelMaxLength, config.maxPositions].compactMap { $0 }.min() ?? 512
  }

  /// A fingerprint of its weights.
  var fingerprint: String? { answers?.description.key.teacher ?? live?.fingerprint }

  /// The teacher as distillers ask it.
  func teacher() throws -> any Teacher {
    if let answers { return try StoredTeacher(answers, answersOf: live, description: description) }
    guard let live else { preconditionFailure("A teacher is a model or a cache; the options ask for one.") }
    return live
  }

  /// What a configuration is checked against.
  var description: ModelDescription {
    live?.description
      ?? ModelDescription(
        config, name: path, parameterCount: answers?.description.parameterCount ?? 0,
        vocabulary: tokenizer.vocabulary.tokens)
  }
}
