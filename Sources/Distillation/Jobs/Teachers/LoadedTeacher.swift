import Encoders
import Foundation
import ModelFormats
import Tasks
import Tokenization
import Training

/// Teacher of a job: a model, its answers kept in a cache, both, or the answers of a file.
final class LoadedTeacher {
  /// The name in messages.
  let path: String
  /// Sizes, head and labels.
  let config: EncoderConfig
  /// Tokenizer of its texts.
  let tokenizer: any Tokenizer
  /// The model; nil where only its answers are at hand.
  let folder: TokenizedModel?
  /// The model in the precision in which it answers; nil where only its answers are at hand.
  let answering: TokenizedModel?
  /// Answers to the training data, where they were kept before.
  let answers: TeacherCacheFile?
  /// Answers of a file, which belong to no model.
  let stated: AnswersOfRows?
  /// The cache as the user named it.
  let cachePath: String?
  /// The weight among several teachers.
  let weight: Double
  /// Description that a configuration is checked against.
  let description: ModelDescription
  /// A fingerprint of the tokenizer.
  private(set) lazy var tokenizerFingerprint = CacheKey.fingerprint(of: tokenizer)
  /// The evaluation of all validation rows, where the check before the training made one.
  var checked: (reading: TokenizedRows.Reading, evaluation: TaskEvaluation)?
  /// The model as distillers ask it, whose weights are hashed once.
  private let live: LiveTeacher?

  /// Loads the model, the cache, or both.
  init(
    _ teacher: JobTeacher, kind: TaskKind, allowsNonFinite: Bool, listener: any WorkListener
  ) throws {
    (cachePath, stated) = (teacher.cache, nil)
    weight = teacher.weight
    answers = try teacher.cache.map { try TeacherCacheFile(URL(filePath: $0)) }
    if let path = teacher.path {
      let folder = try TokenizedModel(path, for: kind, allowsNonFinite: allowsNonFinite, listener: listener)
      let answering = try folder.held(in: teacher.precision)
      (self.folder, self.answering) = (folder, answering)
      (self.path, config, tokenizer) = (path, folder.model.config, folder.tokenizer)
      description = ModelDescription(
        answering.model, name: path, vocabulary: folder.tokenizer.vocabulary.tokens)
      live = LiveTeacher(answering.model, description: description)
      if let answers { try Self.check(answers, in: TeacherPrecision(of: answering.model)) }
      return
    }
    guard let answers else {
      preconditionFailure("A teacher is a model or a cache; a job asks for one.")
    }
    try Self.check(answers, in: teacher.precision)
    (folder, answering, live) = (nil, nil, nil)
    path = answers.description.teacherName
    config = try answers.description.config()
    tokenizer = try Self.tokenizer(beside: answers)
    description = ModelDescription(
      config, name: path, parameterCount: answers.description.parameterCount,
      vocabulary: tokenizer.vocabulary.tokens)
    try Self.check(answers, of: config, path, kind: kind)
    if let known = answers.description.key.tokenizer, tokenizerFingerprint != known {
      throw TaskError(
        "\(answers.url.deletingLastPathComponent().path): the tokenizer beside the answers is not the one they were "
          + "built with; build the cache again")
    }
  }

  /// The tokenizer that a cache's answers were built with.
  private static func tokenizer(beside answers: TeacherCacheFile) throws -> any Tokenizer {
    do { return try loadTokenizer(directory: answers.url.deletingLastPathComponent()) } catch {
      throw TaskError(
        "\(answers.url.path): the tokenizer beside the answers cannot be read: \(error). Run the same 'potstill cache' once "
          + "more, which completes the folder, or add --teacher")
    }
  }

  /// A teacher that is a file of answers, whose texts a model reads as a base of the student does.
  init(_ stated: AnswersOfRows, weight: Double, base: StudentBase, task: TaskDefinition) {
    (self.stated, self.weight, path) = (stated, weight, stated.path)
    (folder, answering, live, answers, cachePath) = (nil, nil, nil, nil, nil)
    tokenizer = base.tokenizer
    config = base.config.answering(task, labels: task.modelLabels)
    description = ModelDescription(
      answersOf: stated.path, head: config.head, problem: config.problem, labels: config.labels,
      vocabularySize: config.vocabularySize)
  }

  /// Checks that kept answers are those of a teacher in a precision.
  private static func check(_ answers: TeacherCacheFile, in precision: TeacherPrecision) throws(TaskError) {
    let found = answers.description.precision
    if found != precision { throw precision.fault(ofAnswersIn: found, at: answers.url.path) }
  }

  /// Checks that kept answers are to tasks of a kind.
  private static func check(
    _ answers: TeacherCacheFile, of config: EncoderConfig, _ name: String, kind: TaskKind
  ) throws {
    let remedy = "build a cache of a teacher for this task"
    if let problem = kind.problemType, config.head == kind.head, config.problem != problem {
      throw TaskError(
        "\(answers.url.path) holds answers of problem type \(config.problem.rawValue), but the task is of the kind "
          + "\(kind.rawValue); \(remedy)")
    }
    if let fault = config.outputFault {
      throw TaskError("\(answers.url.path): the teacher \(name) \(fault)")
    }
    if config.head != kind.head {
      throw TaskError(
        "\(answers.url.path) holds answers of a \(config.head.rawValue) head, but the task is of the kind "
          + "\(kind.rawValue); \(remedy)")
    }
  }

  /// The longest input, special tokens included, that model, tokenizer and task allow.
  func lengthLimit(_ asked: Int?) -> Int {
    [asked, tokenizer.modelMaxLength, config.maxPositions].compactMap { $0 }.min() ?? 512
  }

  /// A fingerprint of the weights, made once.
  var fingerprint: String? { stated?.fingerprint ?? answers?.description.key.teacher ?? live?.fingerprint }

  /// Number of times that the weights were hashed.
  var hashCount: Int { live?.hashCount ?? 0 }

  /// The teacher as distillers ask it.
  ///
  /// - Throws: `DistillationError.cache` when the answers are another model's.
  func teacher() throws -> any Teacher {
    if let stated { return AnswersTeacher(stated.logits, description: description) }
    if let answers { return try StoredTeacher(answers, answersOf: live, description: description) }
    guard let live else { preconditionFailure("A teacher is a model or a cache; a job asks for one.") }
    return live
  }
}

/// Work that a job does once, which tests count.
package enum CountedWork: Hashable {
  /// Rows of a split tokenized for a reader.
  case tokenized(split: String, reader: String)
  /// A distiller made, and with it its matches resolved.
  case builtDistiller(String)
  /// A model evaluated on rows outside the training loop.
  case evaluated(String)
}

/// Listener that counts the work of a job.
package protocol WorkCounter: WorkListener {
  /// A piece of work is done.
  func count(_ work: CountedWork)
}

extension WorkListener {
  /// Counts a piece of work, where this is a counter.
  func counted(_ work: CountedWork) { (self as? any WorkCounter)?.count(work) }
}
