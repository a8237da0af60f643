import Datasets
public import Evaluation
public import Foundation
import Kernels
import ModelFormats
public import Tasks

/// Facts of a finished run that its other files do not tell: `report.json` of the run folder.
public struct RunFacts: Sendable, Equatable, Codable {
  /// Way in which the model was made.
  public enum Method: String, Sendable, Codable, CaseIterable {
    /// From labels alone.
    case fineTuning = "fine-tuning"
    /// From a teacher.
    case distillation
    /// Layer by layer out of its teacher.
    case theseus = "bert-of-theseus"
    /// From plain text, with a teacher or without.
    case pretraining
  }

  /// Form of a task's answers, on which the scores of rows depend.
  public enum AnswerForm: String, Sendable, Codable, CaseIterable {
    /// One label a row.
    case labels
    /// Any number of labels a row.
    case labelSets = "label_sets"
    /// A number a row.
    case values
    /// A tag for each word.
    case tags
    /// A text for each question.
    case answers

    /// The form of some answers.
    public init(_ predictions: TaskPredictions) {
      self =
        switch predictions {
        case .labels: .labels
        case .labelSets: .labelSets
        case .values: .values
        case .tags: .tags
        case .answers: .answers
        }
    }
  }

  /// Task of the run.
  public struct Task: Sendable, Equatable, Codable {
    /// The name.
    public var name: String
    /// The spelling of its kind.
    public var kind: String
    /// The summary of the task file.
    public var summary: String?
    /// The language of the texts as a BCP 47 tag.
    public var language: String?
    /// The labels, or types of entities.
    public var labels: [String]
    /// The scores that decide between models, the first before the others.
    public var metrics: [String]
    /// Form of its answers; nil where no row was answered.
    public var answers: AnswerForm?
    /// The script that scores answers to questions.
    public var script: AnswerMetric?
    /// The longest input in tokens; nil of a run of an earlier version.
    public var maxSequenceLength: Int?

    /// The facts of a task.
    ///
    /// - Parameters:
    ///   - definition: The task.
    ///   - name: The name in the run.
    ///   - predictions: Answers to some of its rows; nil without any.
    public init(_ definition: TaskDefinition, name: String, answered predictions: TaskPredictions?) {
      self.name = name
      (kind, summary, language) = (definition.kind.rawValue, definition.summary, definition.language)
      (labels, metrics) = (definition.labels, definition.metrics)
      maxSequenceLength = definition.maxSequenceLength
      answers = predictions.map { AnswerForm($0) }
      script =
        answers == .answers
        ? definition.isScoredAsCMRC
          ? .cmrc2018 : definition.questions.version2WithNegative ? .squadV2 : .squad
        : nil
    }

    enum CodingKeys: String, CodingKey {
      case name, kind, summary, language, labels, metrics, answers, script
      case maxSequenceLength = "max_seq_length"
    }
  }

  /// Model of the closing table.
  public struct Model: Sendable, Equatable, Codable {
    /// Role of a model in the run.
    public enum Role: String, Sendable, Codable, CaseIterable {
      /// A teacher.
      case teacher
      /// The student on the labels alone.
      case baseline
      /// The student, or the model that was fine-tuned.
      case student
    }

    /// Role of the model.
    public var role: Role
    /// The name, without the folders of the machine.
    public var name: String
    /// The number of layers; nil of a file of answers, which is no model.
    public var layers: Int?
    /// The number of parameters; nil of a file of answers.
    public var parameters: Int?
    /// The bytes of its weights in their file; nil of a file of answers, and in reports of older versions.
    public var bytes: Int?
    /// Sentences a second in batches; nil when it was not measured.
    public var samplesPerSecond: Double?
    /// Milliseconds for one sentence alone, the median; nil when it was not measured.
    public var latency: Double?
    /// The scores by the names of their metrics.
    public var scores: [String: Double]

    /// The facts of a measured model.
    public init(_ measurement: ModelMeasurement, as role: Role, named name: String) {
      (self.role, self.name) = (role, name)
      layers = measurement.isModel ? measurement.layers : nil
      parameters = measurement.isModel ? measurement.parameters : nil
      bytes = measurement.isModel ? measurement.bytes : nil
      samplesPerSecond = measurement.samplesPerSecond.map { ($0 * 10).rounded() / 10 }
      latency = measurement.latency.map { ($0 * 1000).rounded() / 1000 }
      scores = [:]
      for metric in measurement.metrics where metric.value.isFinite { scores[metric.name] = metric.value }
    }

    enum CodingKeys: String, CodingKey {
      case role, name, layers, parameters, bytes, scores
      case samplesPerSecond = "samples_per_second"
      case latency = "latency_ms"
    }
  }

  /// Numbers of rows.
  public struct Rows: Sendable, Equatable, Codable {
    /// The rows that the model learnt from.
    public var train: Int
    /// Those of them that have labels.
    public var labelled: Int
    /// The rows that it was scored on.
    public var validation: Int

    /// Numbers of rows.
    public init(train: Int, labelled: Int, validation: Int) {
      (self.train, self.labelled, self.validation) = (train, labelled, validation)
    }
  }

  /// Machine of a run.
  public struct Machine: Sendable, Equatable, Codable {
    /// The name of the processor.
    public var processor: String
    /// The processors that the system grants.
    public var processors: Int
    /// The workers in use.
    public var threads: Int
    /// The memory in bytes.
    public var memory: Int

    /// This machine, as the system describes it.
    public init() {
      let machine = Kernels.Machine.probe()
      (processor, processors, memory) = (machine.name, machine.processors, machine.memory)
      threads = Parallel.threadCount
    }

    enum CodingKeys: String, CodingKey {
      case processor, processors, threads
      case memory = "memory_bytes"
    }
  }

  /// Version of the program.
  public var version = LibraryVersion.current
  /// The name of the model: that of its folder.
  public var title: String
  /// Way in which it was made.
  public var method: Method
  /// The task.
  public var task: Task
  /// The model whose weights it began with; nil for random ones.
  public var base: String?
  /// Further tasks of the same run; their metrics are in the folder above.
  public var otherTasks: [String]?
  /// Numbers of rows.
  public var rows: Rows
  /// The models side by side: teachers, baseline, student.
  public var models: [Model]
  /// The machine.
  public var machine = Machine()

  /// Facts of their parts.
  public init(
    title: String, method: Method, task: Task, base: String?, otherTasks: [String]? = nil, rows: Rows,
    models: [Model]
  ) {
    (self.title, self.method, self.task, self.base) = (title, method, task, base)
    (self.otherTasks, self.rows, self.models) = (otherTasks, rows, models)
  }

  enum CodingKeys: String, CodingKey {
    case version = "potstill"
    case title, method, task, base
    case otherTasks = "other_tasks"
    case rows, models, machine
  }

  /// The name of the file in a run folder.
  public static let fileName = "report.json"

  /// Writes `report.json`.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  public func write(to folder: URL) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    try JSONValue(parsing: Array(encoder.encode(self))).write(to: folder.appending(path: Self.fileName))
  }

  /// Reads `report.json` of a run folder.
  ///
  /// - Throws: `FormatError` with the file and the field.
  init(of folder: URL) throws {
    let file = folder.appending(path: Self.fileName)
    let bytes = try FileReader.contents(of: file)
    // The parser of the house first: it says line and column.
    _ = try JSONValue(parsing: bytes, file: file.path)
    do {
      self = try JSONDecoder().decode(RunFacts.self, from: Data(bytes))
    } catch let error as DecodingError {
      let (path, reason) = Self.place(of: error)
      throw FormatError.field(
        file: file.path, path: path.isEmpty ? "(the whole)" : path,
        reason: reason + "; expected what a run of this version writes")
    }
  }

  private static func place(of error: DecodingError) -> (path: String, reason: String) {
    func path(_ keys: [any CodingKey]) -> String {
      keys.map { key in key.intValue.map { "[\($0)]" } ?? key.stringValue }.joined(separator: ".")
    }
    func noun(of type: any Any.Type) -> String {
      switch type {
      case is String.Type: "a text"
      case is Bool.Type: "true or false"
      case is any BinaryInteger.Type: "a whole number"
      case is any BinaryFloatingPoint.Type: "a number"
      case is any RandomAccessCollection.Type: "a list"
      default: "an object"
      }
    }
    switch error {
    case .keyNotFound(let key, let context): return (path(context.codingPath + [key]), "is missing")
    case .typeMismatch(let type, let context):
      return (path(context.codingPath), "is not \(noun(of: type))")
    case .valueNotFound(_, let context): return (path(context.codingPath), "is null")
    case .dataCorrupted(let context): return (path(context.codingPath), context.debugDescription)
    @unknown default: return ("", "cannot be read")
    }
  }
}
