public import Evaluation
import Foundation
public import ModelFormats

/// Scoring of predictions made by anyone, read from a file beside one of gold values, as the official scripts do.
///
/// ```swift
/// let scores = try FileScoring("predictions.json", gold: "dev-v1.1.json").scores(ScoreMetric(["squad"]))
/// ```
public struct FileScoring {
  /// The predictions.
  public var predictions: String
  /// The gold answers, tags, labels or numbers.
  public var gold: String
  /// The scheme of strict scoring of entities; nil takes what the gold tags show.
  public var scheme: TagScheme?
  /// Whether only entities that keep to the scheme count.
  public var isStrict = false
  /// The file of no-answer probabilities or null odds of SQuAD 2.0; nil for none.
  public var noAnswerFile: String?
  /// The probability above which the answer is none.
  public var noAnswerThreshold = 1.0
  /// The label that counts as found.
  public var positiveLabel = "1"
  /// The column of the predictions; nil takes the first of the usual ones.
  public var predictionColumn: String?
  /// The column of the gold values; nil takes the first of the usual ones.
  public var labelColumn: String?
  /// Whether columns that are numbers are positions in tables without a header.
  public var noHeader = false
  /// The text between the labels of a set.
  public var labelSeparator = ","
  /// All labels that sets can hold, joined by the separator; nil takes those that occur.
  public var labels: String?

  /// A scoring of two files.
  public init(_ predictions: String, gold: String) { (self.predictions, self.gold) = (predictions, gold) }

  /// The scores under the names of the official scripts.
  ///
  /// - Parameters:
  ///   - metric: The metrics.
  ///   - listener: Hears what the official scripts warn of.
  /// - Throws: `TaskError`, `FormatError` with file and line of what is wrong.
  public func scores(
    _ metric: ScoreMetric, listener: any WorkListener = SilentListener()
  ) throws -> JSONObject {
    switch metric {
    case .answers(let metric): try answers(metric, listener)
    case .entities: try entities(listener)
    case .labels(let metrics): try classes(metrics, listener)
    case .labelSets(let metrics): try labelSets(metrics, listener)
    case .numbers(let metrics): try numbers(metrics, listener)
    }
  }

  private func answers(_ metric: AnswerMetric, _ listener: any WorkListener) throws -> JSONObject {
    let questions = try AnswerFiles.key(
      URL(filePath: gold), stripsIDs: metric == .cmrc2018 || metric == .drcd)
    let texts = try AnswerFiles.predictions(URL(filePath: predictions))
    let odds = try noAnswerFile.map { try AnswerFiles.probabilities(URL(filePath: $0)) }
    let result = try explained(by: gold) {
      do {
        return try metric.score(
          predictions: texts, questions: questions, noAnswerProbabilities: odds,
          noAnswerThreshold: noAnswerThreshold)
      } catch EvaluationError.missingNoAnswerProbability(let id) {
        throw TaskError(
          "\(noAnswerFile ?? ""): found no number for the question \"\(id)\", expected one for each prediction"
        )
      }
    }
    for warning in result.warnings.prefix(Self.shownWarnings) { listener.warn(warning) }
    if result.warnings.count > Self.shownWarnings {
      listener.warn("and so for \(result.warnings.count - Self.shownWarnings) more questions.")
    }
    return result.scores
  }

  private func entities(_ listener: any WorkListener) throws -> JSONObject {
    let predicted = try TagFile(predictions)
    let expected = try TagFile(gold)
    try predicted.checkPairing(with: expected)
    if !isStrict {
      let places = predicted.placesOfOddTags.merging(expected.placesOfOddTags) { first, _ in first }
      for (tag, place) in places.sorted(by: { $0.key < $1.key }).prefix(Self.shownWarnings) {
        listener.warn("\(place): \(tag) seems not to be NE tag.")
      }
    }
    do {
      return try EntityScores(
        predictions: predicted.tags, references: expected.tags,
        matching: isStrict ? .strict(scheme) : .lenient
      ).json
    } catch .invalidTag(let tag, let sentence, let token, let scheme) {
      // Predictions are read first, except to find out the scheme.
      let isPredicted = scheme != nil && predicted.tags[sentence][token] == tag
      let place = (isPredicted ? predicted : expected).place(sentence: sentence, token: token)
      throw TaskError(
        "\(place): found the tag \"\(tag)\", expected a prefix "
          + (scheme.map { "of \($0.rawValue): \($0.prefixes)" } ?? "that a scheme has"))
    } catch {
      throw TaskError("\(gold): \(error)")
    }
  }

  private func classes(_ metrics: [ClassificationMetric], _ listener: any WorkListener) throws -> JSONObject {
    let (predicted, expected) = try values(listener)
    let classes = LabelClasses(predicted.values + expected.values)
    try classes.check(predicted, against: expected)
    let matrix = ConfusionMatrix(
      predictions: classes.indices(predicted.values), labels: classes.indices(expected.values))
    var scores = JSONObject()
    for metric in metrics {
      let table = metric == .f1 ? try classes.binary(matrix, positive: positiveLabel) : matrix
      scores[metric.rawValue] = .double(metric.value(table))
    }
    return scores
  }

  private func labelSets(_ metrics: [MultiLabelMetric], _ listener: any WorkListener) throws -> JSONObject {
    let (predicted, expected) = try values(listener, allowingEmpty: true)
    let sets = try LabelSets(
      known: labels, separator: labelSeparator, predictions: predicted, references: expected)
    var scores = JSONObject()
    for metric in metrics {
      scores[metric.rawValue] = .double(
        metric.value(
          predictions: sets.predictions, labels: sets.references, classCount: sets.classes.count))
    }
    return scores
  }

  private func numbers(_ metrics: [RegressionMetric], _ listener: any WorkListener) throws -> JSONObject {
    let (predicted, expected) = try values(listener)
    let (x, y) = (try predicted.numbers(), try expected.numbers())
    var scores = JSONObject()
    for metric in metrics {
      scores[metric.rawValue] = .double(
        try explained(by: gold) { try metric.value(predictions: x, labels: y) })
    }
    return scores
  }

  private func values(
    _ listener: any WorkListener, allowingEmpty: Bool = false
  ) throws -> (predicted: ValueFile, expected: ValueFile) {
    let predicted = try ValueFile(
      predictions, column: predictionColumn, usual: ValueFile.predictionNames, noHeader: noHeader,
      allowsEmpty: allowingEmpty)
    let expected = try ValueFile(
      gold, column: labelColumn, usual: ValueFile.labelNames, noHeader: noHeader, allowsEmpty: allowingEmpty)
    let pairs = try predicted.paired(with: expected)
    let leftOut = expected.count - pairs.gold.count
    if leftOut > 0 {
      listener.warn(
        "\(leftOut) of the \(expected.count) rows of \(gold) have no prediction; they are not scored")
    }
    return (pairs.predicted, pairs.gold)
  }

  /// Names the file in errors about its content.
  private func explained<Result>(by file: String, _ work: () throws -> Result) throws -> Result {
    do { return try work() } catch let error as EvaluationError { throw TaskError("\(file): \(error)") }
  }

  private static let shownWarnings = 5
}
