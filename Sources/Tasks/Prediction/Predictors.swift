public import Encoders
public import Foundation
public import TaskData

/// Classifier of texts: the labels of a model that was trained for one label a text, or for several side by side.
///
/// ```swift
/// let classifier = try Classifier(directory: URL(filePath: "student"))
/// let answer = try classifier("a gripping, funny film")
/// print(answer.label, answer.score)
/// ```
public final class Classifier: @unchecked Sendable {
  // Sendable because the model is loaded for it alone and nobody trains it: a forward pass only reads.

  /// Answer to one text.
  public struct Prediction: Sendable, Equatable {
    /// The likeliest label.
    public let label: String
    /// Its probability, 0 to 1.
    public let score: Double
    /// The probability of each label, in the order of `labels`; of labels side by side each by itself.
    public let probabilities: [Double]
    /// The labels that apply: the likeliest, or of labels side by side those more likely than not.
    public let labels: [String]
  }

  /// The labels in the order of the model's outputs.
  public let labels: [String]
  private let model: TokenizedModel
  private let family: any TextFamily

  /// Loads a folder with a trained classifier.
  ///
  /// - Throws: What loading throws; `TaskError` when the model answers something else.
  public init(directory: URL) throws {
    model = try TokenizedModel(directory.path)
    let config = model.model.config
    guard let family = config.taskFamily as? any TextFamily, family.hasLabels,
      !model.model.startsWithFreshHead
    else {
      throw TaskError(
        "\(directory.path) is trained for \(config.taskFamily.purpose) of the kind "
          + "\(config.taskFamily.kind.rawValue); expected a model with a trained head for labels of texts")
    }
    self.family = family
    labels = config.labels
  }

  /// Labels texts, cut at the model's length.
  ///
  /// - Throws: `TokenizerError.truncation` when the model's length leaves no room.
  public func callAsFunction(_ texts: [String]) throws -> [Prediction] {
    let examples = try model.encode(texts.map { TextExample(text: $0) }, limit: model.lengthLimit())
    return model.logits(of: examples).map { logits in
      let probabilities = family.probabilities(logits)
      let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
      return Prediction(
        label: labels[best], score: probabilities[best], probabilities: probabilities,
        labels: family.form == .independentLabels
          ? zip(labels, logits).compactMap { $1 > 0 ? $0 : nil } : [labels[best]])
    }
  }

  /// Labels one text.
  public func callAsFunction(_ text: String) throws -> Prediction { try self([text])[0] }
}

/// Tagger of texts: the named entities that a token classifier finds.
public final class Tagger: @unchecked Sendable {
  // Sendable because the model is loaded for it alone and nobody trains it: a forward pass only reads.

  /// Entity of a text.
  public struct Entity: Sendable, Equatable {
    /// The label of the entity, without B- and I-.
    public let type: String
    /// The mean probability of its words' tags, 0 to 1.
    public let score: Double
    /// Its text.
    public let text: String
    /// Where it stands, in Unicode scalars of the text.
    public let range: Range<Int>
  }

  private let model: TokenizedModel
  private let predictor: EntityPredictor

  /// Loads a folder with a trained token classifier.
  ///
  /// - Throws: What loading throws; `TaskError` when the model answers something else.
  public init(directory: URL) throws {
    model = try TokenizedModel(directory.path)
    try model.check(for: EntityRecognition())
    predictor = EntityPredictor(model)
  }

  /// Finds the entities of texts; long ones are seen in overlapping windows.
  ///
  /// - Throws: `TokenizerError.truncation` when the model's length leaves no room.
  public func callAsFunction(_ texts: [String]) throws -> [[Entity]] {
    try predictor.entities(of: texts, limit: model.lengthLimit())
  }

  /// Finds the entities of one text.
  public func callAsFunction(_ text: String) throws -> [Entity] { try self([text])[0] }
}

/// Reader of passages: the spans with which a model answers questions.
public final class Reader: @unchecked Sendable {
  // Sendable because the model is loaded for it alone and nobody trains it: a forward pass only reads.

  /// Answer to one question.
  public struct Answer: Sendable, Equatable {
    /// The answer; empty where the passage has none.
    public let text: String
    /// Its probability among the candidates, 0 to 1.
    public let score: Double
    /// Where it stands, in Unicode scalars of the passage; nil where there is none.
    public let range: Range<Int>?
    /// By how much "no answer" scores better than the best answer; nil where each question has one.
    public let nullScoreDiff: Double?
  }

  private let model: TokenizedModel
  private let predictor: AnswerPredictor

  /// Loads a folder with a model that answers questions.
  ///
  /// - Parameters:
  ///   - directory: The folder.
  ///   - settings: How answers are found, such as their greatest length and whether there may be none.
  /// - Throws: What loading throws; `TaskError` when the model answers something else.
  public init(directory: URL, settings: QuestionSettings = QuestionSettings()) throws {
    model = try TokenizedModel(directory.path)
    try model.check(for: QuestionAnswering())
    predictor = AnswerPredictor(model, settings: settings)
  }

  /// Answers questions, each from its passage; long passages are seen in overlapping windows.
  ///
  /// - Throws: `TokenizerError.truncation` when the model's length leaves no room; `TaskError` when it has no segment for a
  ///   second text.
  public func callAsFunction(_ questions: [(question: String, passage: String)]) throws -> [Answer] {
    try predictor.answers(
      to: questions.enumerated().map { Question(id: "\($0)", text: $1.question, context: $1.passage) },
      limit: model.lengthLimit())
  }

  /// Answers one question.
  public func callAsFunction(_ question: String, in passage: String) throws -> Answer {
    try self([(question, passage)])[0]
  }
}

extension TokenizedModel {
  /// Checks that the model has a trained head for a family of tasks.
  ///
  /// - Throws: `TaskError`.
  func check(for family: some TaskFamily) throws {
    guard model.head == family.head, !model.startsWithFreshHead else {
      throw TaskError(
        "\(path) has no trained head for \(family.purpose); expected a model that was trained for it")
    }
  }

  /// The logits of each example, row-major; of token heads a row a token.
  func logits(of examples: [EncodedExample]) -> [[Float]] {
    ModelAnswers(model, examples, outputs: nil, batch: .tokens(4096), progress: { _ in }).logits
  }
}
