public import Datasets
public import Evaluation
import ModelFormats

/// Report on robustness: scores, changed answers, agreement and calibration of models on rows as they are and as perturbations
/// change them.
///
/// The first model is what the others are compared with, as a teacher with its students. All numbers of a change are of the
/// rows that it changes, before and after, so that rows it does not fit dilute nothing.
///
/// ```swift
/// let report = try RobustnessReport(of: [teacher, student], on: data)
/// for finding in report.findings { print(finding) }
/// ```
public struct RobustnessReport: Sendable {
  /// Rows that are asked about: the clean ones, those of a perturbation, or those of another domain.
  public struct Condition: Sendable {
    /// The name in tables: `clean`, a perturbation's, or the path of a file.
    public let name: String
    /// The perturbation; nil of clean rows and of another domain.
    public let perturbation: Perturbation?
    /// The number of rows that all numbers are of: all, or those that the perturbation changes.
    public let rowCount: Int
    /// The answers of each model, in the order of the models; none where there is no row.
    public let results: [Result]
    /// Whether the rows are of another domain.
    public let isOutOfDomain: Bool
  }

  /// Measures of one model under a condition.
  public struct Result: Sendable {
    /// The task's metrics; none where the true answers are not known, as after a negation.
    public let scores: [Score]
    /// The same on the same rows unchanged; of another domain on all clean rows.
    public let cleanScores: [Score]
    /// Loss of score: the first metric of the unchanged rows less that of the changed ones; of an error the other way round.
    public let drop: Double?
    /// Standard error of the drop where every changed answer may as well have been lost as won: √flips by the rows, as in
    /// McNemar's test (1947), on the scale of the metric; nil where no answer can change.
    public let dropError: Double?
    /// The number of rows whose answer is another one than before the change; nil of numbers, clean rows and another domain.
    public let flips: Int?
    /// The mean distance of a number from that before the change; nil of other answers.
    public let meanChange: Double?
    /// The one answer that the model gives to all rows, so that no change can move it; nil where it gives several, and of numbers.
    public let constantAnswer: String?
    /// The share of rows that are answered as the first model answers them; nil of that model itself and of numbers.
    public let agreement: Double?
    /// Pearson's correlation of numbers with those of the first model.
    public let correlation: Double?
    /// The calibration of the answers; nil where none is known to be right or wrong, and of numbers.
    public let calibration: Calibration?
    /// The Brier score of the probabilities of labels.
    public let brier: Double?
  }

  /// The task.
  public let task: TaskDefinition
  /// The settings.
  public let settings: RobustnessSettings
  /// Names of the models, the first being what the others are compared with.
  public let models: [String]
  /// The conditions, that of the clean rows first.
  public let conditions: [Condition]

  /// Asks models about rows as they are and as they are changed.
  ///
  /// - Parameters:
  ///   - models: One model or more; the first is what the others are compared with.
  ///   - data: Labelled rows.
  ///   - outOfDomain: Rows of other domains by the names that they shall have.
  ///   - settings: Which changes, how strong, by which seed.
  ///   - listener: Hears how far it has come.
  /// - Throws: `TaskError` for a kind of task whose rows cannot be changed, and for a model of other labels;
  ///   `TokenizerError`; `EvaluationError`.
  public init(
    of models: [TokenizedModel], on data: EvaluationData,
    outOfDomain: [(name: String, data: EvaluationData)] = [],
    settings: RobustnessSettings = RobustnessSettings(), listener: any WorkListener = SilentListener()
  ) throws {
    precondition(!models.isEmpty, "A report on robustness needs a model.")
    try settings.check(data.task, data.examples)
    (task, self.settings, self.models) = (data.task, settings, models.map(\.path))
    conditions = try RobustnessRun(models, data, settings, listener).conditions(outOfDomain)
  }

  /// The name of the metric that drops are of; nil where no row is labelled.
  public var metric: String? { conditions.first?.results.first?.scores.first?.name }
}

/// Settings of a report on robustness.
public struct RobustnessSettings: Sendable, Hashable {
  /// The kinds of changes; nil for all that suit the rows.
  public var kinds: [Perturbation.Kind]?
  /// The share of words, in Chinese characters, that a change with a strength may change, above 0 and up to 1.
  public var strength: Double
  /// The seed, which decides the changes.
  public var seed: UInt64

  /// Settings; the usual ones are all changes, at one word in ten.
  public init(
    kinds: [Perturbation.Kind]? = nil, strength: Double = Perturbation.usualStrength, seed: UInt64 = 42
  ) {
    (self.kinds, self.strength, self.seed) = (kinds, strength, seed)
  }

  /// The kinds that a list of names asks for, such as `typos,case`.
  ///
  /// - Parameter option: The option of the list, for messages.
  /// - Throws: `TaskError` for a name that none has.
  public static func kinds(reading text: String, option: String) throws -> [Perturbation.Kind] {
    let names = Perturbation.Kind.allCases.map(\.rawValue)
    let known = "known are \(names.joined(separator: ", "))"
    guard text.contains(where: { $0 != "," && !$0.isWhitespace }) else {
      throw TaskError("\(option) names no perturbation; \(known)")
    }
    var kinds: [Perturbation.Kind] = []
    for part in text.split(separator: ",") {
      let name = part.filter { !$0.isWhitespace }
      guard let kind = Perturbation.Kind(rawValue: name) else {
        let near = suggestion(for: name, among: names).map { "; did you mean \($0)?" }
        throw TaskError("\(option): there is no perturbation \"\(name)\"" + (near ?? "; \(known)"))
      }
      if !kinds.contains(kind) { kinds.append(kind) }
    }
    return kinds
  }

  /// Checks that rows of a task can be changed.
  ///
  /// - Throws: `TaskError`.
  package func check(_ task: TaskDefinition, _ rows: TaskExamples? = nil) throws {
    guard task.kind.family.takesPerturbations else {
      let others = TaskKind.allCases.filter(\.family.takesPerturbations).map(\.rawValue)
      throw TaskError(
        "task \(task.name) is a \(task.kind.rawValue), whose answers stand at places that a change of the text moves; "
          + "robustness is measured for the kinds \(others.joined(separator: ", "))")
    }
    if case .sentences = rows, let fault = (kinds ?? []).compactMap(\.faultForWords).first {
      throw TaskError("task \(task.name): " + fault)
    }
    guard strength > 0, strength <= 1 else {
      throw TaskError("the strength is \(strength); expected more than 0 and at most 1")
    }
  }

  /// The changes that suit some rows.
  func perturbations(of rows: TaskExamples) -> [Perturbation] {
    let kinds =
      kinds
      ?? Perturbation.Kind.allCases.filter { kind in
        if case .sentences = rows { kind.keepsWords } else { true }
      }
    return kinds.map { Perturbation($0, strength: strength) }
  }
}
