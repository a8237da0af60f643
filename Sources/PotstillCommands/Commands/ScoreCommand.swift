import ArgumentParser
import Evaluation
import Foundation
import ModelFormats

extension TagScheme: ExpressibleByArgument {}

/// `potstill score`.
package struct ScoreCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Score predictions made by anyone, as the official scripts do.",
    discussion: """
      squad, squad_v2, cmrc2018 and drcd take {id: text} as JSON and the data set's JSON. seqeval takes CoNLL files: a \
      token a line, the tag in the last column, a blank line between sentences; the same sentences in both. The other \
      metrics take one value a line, or TSV with a header (prediction or label), or without one (--no-header), or JSON \
      lines when the name ends in .jsonl. Predictions with a column index belong to the rows of that index in the gold \
      file, or to its rows counted from 0. Labels that are numbers are compared as numbers. With --multi-label a value is \
      a set of labels, joined by commas or as a list in JSON; f1_micro, f1_macro and accuracy (of whole sets).

      seqeval reads faulty tags as conlleval does: an I or E after O, E or S, or of another type than the tag before it, \
      begins an entity; an entity ends before a B, S or O or another type, and behind an E or S. --mode strict takes \
      only entities that keep to the scheme.

        potstill score --metric squad predictions.json dev-v1.1.json
        potstill score --metric squad_v2 --na-prob-file null_odds.json \\
          predictions.json dev-v2.0.json
        potstill score --metric seqeval --mode strict --scheme IOB2 pred.txt gold.txt
        potstill score --metric accuracy --metric f1 predict_results.txt dev.tsv
        potstill score --metric matthews_correlation --no-header --label-column 1 \\
          predictions.tsv CoLA/dev.tsv

      Names and numbers are those of the official scripts, to the last digit.
      """)

  /// How `seqeval` reads entities.
  package enum Mode: String, CaseIterable, ExpressibleByArgument {
    /// As conlleval.
    case lenient = "default"
    /// By the scheme alone.
    case strict
  }

  @Option(
    name: .customLong("metric"),
    help: ArgumentHelp(
      "One of \(ScoreMetric.names); accuracy and what follows may be given several times.",
      valueName: "metric"))
  package var metrics: [String] = []

  @Option(help: "seqeval: the scheme of strict mode (default: what the gold tags show).")
  package var scheme: TagScheme?

  @Option(help: "seqeval: whether any tags are read, or only entities that keep to the scheme.")
  package var mode: Mode = .lenient

  @Option(
    help: ArgumentHelp("squad_v2: no-answer probabilities or null odds, {id: number}.", valueName: "file"))
  package var naProbFile: String?

  @Option(help: ArgumentHelp("squad_v2: answer \"\" where the probability is greater.", valueName: "number"))
  package var naProbThresh: Double = 1

  @Option(help: ArgumentHelp("f1: the label that counts as found.", valueName: "label"))
  package var posLabel: String = "1"

  @Option(help: ArgumentHelp("The column of the predictions.", valueName: "column"))
  package var predictionColumn: String?

  @Option(help: ArgumentHelp("The column of the gold values.", valueName: "column"))
  package var labelColumn: String?

  @Flag(
    help:
      "A column given as a number is a position, counted from 0, in a table without a header (CoLA's label: 1)."
  )
  package var noHeader = false

  @Flag(help: "f1_micro, f1_macro, accuracy: each value is a set of labels, which may be empty.")
  package var multiLabel = false

  @Option(help: ArgumentHelp("--multi-label: what separates the labels of a value.", valueName: "text"))
  package var labelSeparator: String = ","

  @Option(
    help: ArgumentHelp(
      "--multi-label: all labels that there are (default: those that occur); f1_macro is a mean over these.",
      valueName: "a,b,c"))
  package var labels: String?

  @Flag(help: "Print one JSON object.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  @Argument(help: "The predictions.")
  package var predictions: String

  @Argument(help: "The gold answers, tags, labels or numbers.")
  package var gold: String

  package init() {}

  package func validate() throws {
    let metric = try ScoreMetric(metrics, multiLabel: multiLabel)
    if !multiLabel, labels != nil || labelSeparator != "," {
      throw ValidationError("--labels and --label-separator belong to --multi-label.")
    }
    if noHeader, [predictionColumn, labelColumn].allSatisfy({ $0.flatMap { Int($0) } == nil }) {
      throw ValidationError(
        "--no-header is for columns given by their position; add --label-column or --prediction-column with a "
          + "number from 0.")
    }
    if labelSeparator.isEmpty { throw ValidationError("--label-separator is empty; expected a text.") }
    if metric != .entities, scheme != nil || mode == .strict {
      throw ValidationError("--scheme and --mode belong to --metric seqeval.")
    }
    if scheme != nil, mode == .lenient {
      throw ValidationError("--scheme is for strict scoring; add --mode strict, or leave it out.")
    }
    if metric != .answers(.squadV2), naProbFile != nil {
      throw ValidationError("--na-prob-file belongs to --metric squad_v2.")
    }
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let scores: JSONObject
    switch try ScoreMetric(metrics, multiLabel: multiLabel) {
    case .answers(let metric): scores = try answers(metric, console)
    case .entities: scores = try entities(console)
    case .labels(let metrics): scores = try classes(metrics, console)
    case .labelSets(let metrics): scores = try labelSets(metrics, console)
    case .numbers(let metrics): scores = try numbers(metrics, console)
    }
    console.result(json ? JSONValue.object(scores).prettyText : nil, orTable: ScoreTable.of(scores))
  }

  // MARK: The kinds of files

  private func answers(_ metric: AnswerMetric, _ console: Console) throws -> JSONObject {
    let questions = try AnswerFiles.key(
      URL(filePath: gold), stripsIDs: metric == .cmrc2018 || metric == .drcd)
    let texts = try AnswerFiles.predictions(URL(filePath: predictions))
    let odds = try naProbFile.map { try AnswerFiles.probabilities(URL(filePath: $0)) }
    let result = try explained(by: gold) {
      do {
        return try metric.score(
          predictions: texts, questions: questions, noAnswerProbabilities: odds,
          noAnswerThreshold: naProbThresh)
      } catch EvaluationError.missingNoAnswerProbability(let id) {
        throw CommandError(
          "\(naProbFile ?? ""): found no number for the question \"\(id)\", expected one for each prediction")
      }
    }
    for warning in result.warnings.prefix(Self.shownWarnings) { console.warn(warning) }
    if result.warnings.count > Self.shownWarnings {
      console.warn("and so for \(result.warnings.count - Self.shownWarnings) more questions.")
    }
    return result.scores
  }

  private func entities(_ console: Console) throws -> JSONObject {
    let predicted = try TagFile(predictions)
    let expected = try TagFile(gold)
    try predicted.checkPairing(with: expected)
    if mode == .lenient {
      let places = predicted.placesOfOddTags.merging(expected.placesOfOddTags) { first, _ in first }
      for (tag, place) in places.sorted(by: { $0.key < $1.key }).prefix(Self.shownWarnings) {
        console.warn("\(place): \(tag) seems not to be NE tag.")
      }
    }
    do {
      return try EntityScores(
        predictions: predicted.tags, references: expected.tags,
        matching: mode == .strict ? .strict(scheme) : .lenient
      ).json
    } catch .invalidTag(let tag, let sentence, let token, let scheme) {
      // Predictions are read first, except to find out the scheme.
      let isPredicted = scheme != nil && predicted.tags[sentence][token] == tag
      let place = (isPredicted ? predicted : expected).place(sentence: sentence, token: token)
      throw CommandError(
        "\(place): found the tag \"\(tag)\", expected a prefix "
          + (scheme.map { "of \($0.rawValue): \($0.prefixes)" } ?? "that a scheme has"))
    } catch {
      throw CommandError("\(gold): \(error)")
    }
  }

  private func classes(_ metrics: [ClassificationMetric], _ console: Console) throws -> JSONObject {
    let (predicted, expected) = try values(console)
    let classes = LabelClasses(predicted.values + expected.values)
    try classes.check(predicted, against: expected)
    let matrix = ConfusionMatrix(
      predictions: classes.indices(predicted.values), labels: classes.indices(expected.values))
    var scores = JSONObject()
    for metric in metrics {
      let table = metric == .f1 ? try classes.binary(matrix, positive: posLabel) : matrix
      scores[metric.rawValue] = .double(metric.value(table))
    }
    return scores
  }

  private func labelSets(_ metrics: [MultiLabelMetric], _ console: Console) throws -> JSONObject {
    let (predicted, expected) = try values(console, allowingEmpty: true)
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

  private func numbers(_ metrics: [RegressionMetric], _ console: Console) throws -> JSONObject {
    let (predicted, expected) = try values(console)
    let (x, y) = (try predicted.numbers(), try expected.numbers())
    var scores = JSONObject()
    for metric in metrics {
      scores[metric.rawValue] = .double(
        try explained(by: gold) { try metric.value(predictions: x, labels: y) })
    }
    return scores
  }

  private func values(
    _ console: Console, allowingEmpty: Bool = false
  ) throws -> (predicted: ValueFile, expected: ValueFile) {
    let predicted = try ValueFile(
      predictions, column: predictionColumn, usual: ValueFile.predictionNames, noHeader: noHeader,
      allowsEmpty: allowingEmpty)
    let expected = try ValueFile(
      gold, column: labelColumn, usual: ValueFile.labelNames, noHeader: noHeader, allowsEmpty: allowingEmpty)
    let pairs = try predicted.paired(with: expected)
    let leftOut = expected.count - pairs.gold.count
    if leftOut > 0 {
      console.warn(
        "\(leftOut) of the \(expected.count) rows of \(gold) have no prediction; they are not scored")
    }
    return (pairs.predicted, pairs.gold)
  }

  /// Puts the file in front of what the scores have to say of its content.
  private func explained<Result>(by file: String, _ work: () throws -> Result) throws -> Result {
    do { return try work() } catch let error as EvaluationError { throw CommandError("\(file): \(error)") }
  }

  private static let shownWarnings = 5
}
