import Datasets
public import Encoders

/// Kind of a task, the `kind` of its file: what it asks of a model.
///
/// A kind is a family of tasks under its spelling in files; each family's file names its own.
public struct TaskKind: RawRepresentable, Hashable, Codable, Sendable, CaseIterable {
  /// The family.
  package let family: any TaskFamily

  /// Kinds in the order in which messages list them.
  public static let allCases: [TaskKind] = [
    .classification,
    .pair,
    .regression,
    .sentenceSimilarity,
    .multiLabel,
    .tokenClassification,
    .questionAnswering,
    .maskedLanguageModel,
  ]

  /// The kind of a family.
  init(_ family: any TaskFamily) { self.family = family }

  /// The kind of a spelling; nil where there is none.
  public init?(rawValue: String) {
    guard let known = Self.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
    self = known
  }

  /// The spelling in files.
  public var rawValue: String { family.name }

  /// Whether both are one kind.
  public static func == (a: TaskKind, b: TaskKind) -> Bool { a.rawValue == b.rawValue }

  /// Hashes the spelling.
  public func hash(into hasher: inout Hasher) { hasher.combine(rawValue) }

  /// The names of the metrics that score the kind, as the official scripts spell them; the first is the usual one.
  public var knownMetrics: [String] { family.metrics }

  /// Whether a task of the kind names its labels (entity types for token classification).
  public var hasLabels: Bool { family.hasLabels }

  /// The head that answers a task of the kind.
  public var head: TaskHead { family.head }

  /// The meaning of the head's outputs; nil where the head says so already.
  public var problemType: ProblemType? { family.problemType }

  /// Whether its rows are texts with columns, rather than sentences, passages or running text.
  package var hasTextRows: Bool { family is any TextFamily }
}

extension TaskKind {
  /// The family of tasks that a head answers.
  package static func family(of head: TaskHead, _ problem: ProblemType) -> any TaskFamily {
    let ofHead = allCases.map(\.family).filter { $0.head == head }
    guard let family = ofHead.first(where: { $0.problemType == nil || $0.problemType == problem }) else {
      preconditionFailure("Every head has a family of tasks, \(head) with \(problem.rawValue) too.")
    }
    return family
  }
}

extension EncoderConfig {
  /// The family of tasks that a model of this configuration answers.
  package var taskFamily: any TaskFamily { TaskKind.family(of: head, problem) }
}
