public import Datasets
public import Encoders
public import ModelFormats
public import Tasks
import Tensors
import Tokenization

/// Teacher: whatever answers a batch with logits and inner values.
///
/// `LiveTeacher` is a model, `StoredTeacher` a file of answers, `ClosureTeacher` a function of one's own; `RememberingTeacher`,
/// `ReorderedTeacher`, `AlignedTeacher` and `TeacherEnsemble` wrap others.
public protocol Teacher {
  /// Sizes, head and labels, against which configurations are checked.
  var description: ModelDescription { get }

  /// The answers to a batch: constants, without dropout and without a tape.
  ///
  /// - Parameters:
  ///   - batch: The packed sequences as the student reads them, with their places in the data set.
  ///   - request: What is asked.
  /// - Throws: What keeps it from answering.
  func answers(to batch: Batch, wanting request: AnswerRequest) throws -> Answers

  /// The model behind; nil where none is there.
  var model: TaskModel? { get }

  /// Whether answers are kept, so that no example is asked about twice.
  var keepsAnswers: Bool { get }

  /// The training examples as it reads them; nil where it reads the student's tokens.
  var alignment: AlignedExamples? { get }

  /// Faults and doubts about it for a student, beside those of any teacher of its description.
  func faults(with config: DistillationConfig, student: ModelDescription, hasLabels: Bool?) -> [Fault]

  /// Prepares the teacher for training.
  ///
  /// - Parameters:
  ///   - examples: What it will be asked about, as the student reads it.
  ///   - config: What its answers are for.
  ///   - batches: The batches of the first epoch, as places in the examples.
  /// - Throws: `DistillationError` when its answers are to something else.
  func prepare(
    for examples: EncodedExamples, config: DistillationConfig, batches: @escaping () -> [[Int]]
  ) throws(DistillationError)

  /// The teacher with its sources replaced, which answer below all wrappers.
  ///
  /// - Parameter change: Gives another teacher for one, numbered from 0.
  func replacingSources(
    _ change: (_ source: any Teacher, _ number: Int) throws -> any Teacher
  ) rethrows -> any Teacher
}

extension Teacher {
  /// No model.
  public var model: TaskModel? { nil }
  /// False: answers are computed anew.
  public var keepsAnswers: Bool { false }
  /// Nil: the teacher reads the student's tokens.
  public var alignment: AlignedExamples? { nil }
  /// No faults.
  public func faults(with config: DistillationConfig, student: ModelDescription, hasLabels: Bool?) -> [Fault]
  {
    []
  }
  /// Does nothing.
  public func prepare(
    for examples: EncodedExamples, config: DistillationConfig, batches: @escaping () -> [[Int]]
  ) throws(DistillationError) {}
  /// The replacement of this teacher, which is its own source.
  public func replacingSources(
    _ change: (_ source: any Teacher, _ number: Int) throws -> any Teacher
  ) rethrows -> any Teacher {
    try change(self, 0)
  }

  /// The teacher with its logits kept in memory from their first use, where nothing keeps them yet.
  public func remembering() -> any Teacher {
    replacingSources { source, _ in source.keepsAnswers ? source : RememberingTeacher(source) }
  }

  /// The teachers that answer below all wrappers.
  var sources: [any Teacher] {
    var found: [any Teacher] = []
    _ = replacingSources { source, _ in
      found.append(source)
      return source
    }
    return found
  }
}

/// Question to a teacher about a batch.
public struct AnswerRequest: Sendable {
  /// Whether logits are wanted.
  public var logits: Bool
  /// Names of the inner values and attention maps that are wanted.
  public var taps: Set<String>
  /// Tokens that a head that reads tokens is asked for, as rows of the batch; nil: all.
  public var rows: [Int32]?
  /// τ at which logits become probabilities, where a mean or a move of probabilities is asked for.
  public var temperature: Double

  /// A question; by default about all logits.
  public init(logits: Bool = true, taps: Set<String> = [], rows: [Int32]? = nil, temperature: Double = 1) {
    (self.logits, self.taps, self.rows, self.temperature) = (logits, taps, rows, temperature)
  }
}

/// Teacher that is a model, which runs without dropout and without a tape and never changes.
///
/// Where nobody asks for logits its head does not run, so a model without a head of the student's kind can teach layers.
public final class LiveTeacher: Teacher {
  private let taught: TaskModel
  /// Sizes, head and labels, under the name that messages use.
  public let description: ModelDescription
  private let adaptor: Adaptor
  /// Whether the standard adaptor reads the model's output, whose answers a cache can keep.
  let isStandard: Bool
  private var knownFingerprint: String?
  /// Number of times that the weights were hashed.
  package private(set) var hashCount = 0

  /// A model as a teacher.
  ///
  /// - Parameters:
  ///   - model: The model.
  ///   - description: The name that messages use, the vocabulary and the like; by default the model's own sizes.
  ///   - adaptor: The reader of its output; by default what fits its head.
  public init(_ model: TaskModel, description: ModelDescription? = nil, adaptor: Adaptor? = nil) {
    taught = model
    self.description = description ?? ModelDescription(model, name: "teacher")
    isStandard = adaptor == nil
    self.adaptor = adaptor ?? Adaptors.teacher(of: model.config)
  }

  /// The model.
  public var model: TaskModel? { taught }

  /// Answers of the model.
  public func answers(to batch: Batch, wanting request: AnswerRequest) throws -> Answers {
    let (context, taps) = (Context.inference, Taps(request.taps))
    context.taps = request.taps.isEmpty ? nil : taps
    if isStandard, !request.logits, taught.config.headTaps.isDisjoint(with: request.taps) {
      taught.runEncoder(batch.tokens, in: context)
      var answers = Answers()
      answers.add(taps)
      return answers
    }
    let output = taught(batch.tokens, rows: taught.head.readsTokens ? request.rows : nil, in: context)
    var answers = try adaptor(batch, output, context)
    answers.add(taps)
    return answers
  }

  /// Fingerprint of the sizes and weights, computed once.
  package var fingerprint: String {
    if let knownFingerprint { return knownFingerprint }
    hashCount += 1
    let fingerprint = CacheKey.fingerprint(of: taught)
    knownFingerprint = fingerprint
    return fingerprint
  }
}

/// Teacher that is a function of one's own: another program's model, rules, people's votes.
public struct ClosureTeacher: Teacher {
  /// Head, labels and name.
  public let description: ModelDescription
  private let answer: (Batch) throws -> Answers

  /// A function as a teacher.
  ///
  /// - Parameters:
  ///   - description: Head, labels and name of what answers; see `ModelDescription.init(answersOf:head:problem:labels:vocabularySize:)`.
  ///   - answer: The answers to a batch, whose `indices` are places in the data set; a row of logits for each sequence, or
  ///     for each token.
  public init(_ description: ModelDescription, answer: @escaping (_ batch: Batch) throws -> Answers) {
    (self.description, self.answer) = (description, answer)
  }

  /// Answers of the function.
  public func answers(to batch: Batch, wanting request: AnswerRequest) throws -> Answers {
    try answer(batch)
  }
}

/// Wrapper of another teacher, which answers for it.
protocol TeacherWrapper: Teacher {
  var wrapped: any Teacher { get }
  /// The same wrapper around another teacher.
  func around(_ other: any Teacher) -> any Teacher
}

extension TeacherWrapper {
  /// The wrapped teacher's description.
  public var description: ModelDescription { wrapped.description }
  /// The wrapped teacher's model.
  public var model: TaskModel? { wrapped.model }
  /// Whether the wrapped teacher's answers are kept.
  public var keepsAnswers: Bool { wrapped.keepsAnswers }
  /// The wrapped teacher's alignment.
  public var alignment: AlignedExamples? { wrapped.alignment }
  /// The wrapped teacher's faults.
  public func faults(with config: DistillationConfig, student: ModelDescription, hasLabels: Bool?) -> [Fault]
  {
    wrapped.faults(with: config, student: student, hasLabels: hasLabels)
  }
  /// Prepares the wrapped teacher.
  public func prepare(
    for examples: EncodedExamples, config: DistillationConfig, batches: @escaping () -> [[Int]]
  ) throws(DistillationError) {
    try wrapped.prepare(for: examples, config: config, batches: batches)
  }
  /// The wrapper of the wrapped teacher with its sources replaced.
  public func replacingSources(
    _ change: (_ source: any Teacher, _ number: Int) throws -> any Teacher
  ) rethrows -> any Teacher {
    around(try wrapped.replacingSources(change))
  }
}

/// Teacher whose outputs are put into the order of a student's labels.
public struct ReorderedTeacher: TeacherWrapper {
  let wrapped: any Teacher
  /// Output of the teacher for each of the student's; nil leaves their order.
  let order: [Int]?
  private let labels: [String]
  private let outputs: [Int]?

  /// A teacher with its outputs in another order.
  ///
  /// - Parameters:
  ///   - teacher: The teacher.
  ///   - labels: The student's labels.
  ///   - outputs: The teacher's output for each of them; nil finds them by name.
  public init(_ teacher: any Teacher, labels: [String], outputs: [Int]? = nil) {
    (wrapped, self.labels, self.outputs) = (teacher, labels, outputs)
    order = Self.order(of: teacher.description.labels, for: labels, outputs)
  }

  /// The teacher's sizes with the student's labels.
  public var description: ModelDescription {
    var description = wrapped.description
    if outputs != nil || order != nil { description.labels = labels }
    return description
  }

  func around(_ other: any Teacher) -> any Teacher {
    ReorderedTeacher(other, labels: labels, outputs: outputs)
  }

  /// Outputs that are not named once each, and what is wrong with the teacher itself.
  public func faults(with config: DistillationConfig, student: ModelDescription, hasLabels: Bool?) -> [Fault]
  {
    let inner = wrapped.faults(with: config, student: student, hasLabels: hasLabels)
    guard let outputs, outputs.sorted() != Array(wrapped.description.labels.indices) else { return inner }
    return inner + [
      Fault("outputs", "\(outputs) does not name each output of \(wrapped.description.name) once")
    ]
  }

  /// The answers with their columns in the student's order.
  public func answers(to batch: Batch, wanting request: AnswerRequest) throws -> Answers {
    var answers = try wrapped.answers(to: batch, wanting: request)
    guard let order else { return answers }
    answers.opinions = answers.opinions.map { opinion in
      Answers.Opinion(
        share: opinion.share, logits: opinion.logits.map { MeanLogits.columns($0, order) })
    }
    return answers
  }

  /// The output for each label; nil where they are in one order, or cannot be told apart by name.
  private static func order(of own: [String], for labels: [String], _ outputs: [Int]?) -> [Int]? {
    if let outputs { return outputs == Array(outputs.indices) ? nil : outputs }
    let own = own.map { $0.lowercased() }
    let found = labels.map { $0.lowercased() }.compactMap { own.firstIndex(of: $0) }
    guard found.count == own.count, Set(found).count == own.count, found != Array(own.indices) else {
      return nil
    }
    return found
  }
}
