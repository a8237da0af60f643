import ArgumentParser
import CommandOptions
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Terminal

extension TagScheme: ExpressibleByArgument {}

/// Command `potstill score`.
package struct ScoreCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "score",
    abstract: "Score predictions made by anyone, as the official scripts do.",
    discussion: """
      squad, squad_v2, cmrc2018 and drcd take {id: text} as JSON and the data set's JSON. seqeval takes CoNLL files: a \
      token a line, the tag in the last column, a blank line between sentences; the same sentences in both. The other \
      metrics take one value a line, or TSV or CSV with a header (prediction or label), or without one (--no-header), or JSON \
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

  /// Mode in which `seqeval` reads entities.
  package enum Mode: String, CaseIterable, ExpressibleByArgument {
    /// The rules of conlleval.
    case lenient = "default"
    /// The tagging scheme alone.
    case strict
  }

  @Option(
    name: .customLong("metric"),
    help: ArgumentHelp(
      "One of \(ScoreMetric.names); accuracy and what follows may be given several times.",
      valueName: "metric"), completion: .list(ScoreMetric.names.components(separatedBy: ", ")))
  package var metrics: [String] = []

  @Option(help: "seqeval: the scheme of strict mode (default: what the gold tags show).")
  package var scheme: TagScheme?

  @Option(help: "seqeval: whether any tags are read, or only entities that keep to the scheme.")
  package var mode: Mode = .lenient

  @Option(
    help: ArgumentHelp("squad_v2: no-answer probabilities or null odds, {id: number}.", valueName: "file"),
    completion: .file())
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

  @OptionGroup
  package var general: GeneralOptions

  @Argument(help: "The predictions.", completion: .file())
  package var predictions: String

  @Argument(help: "The gold answers, tags, labels or numbers.", completion: .file())
  package var gold: String

  package init() {}

  package func validate() throws {
    let metric = try metric()
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
    var scoring = FileScoring(predictions, gold: gold)
    (scoring.scheme, scoring.isStrict) = (scheme, mode == .strict)
    (scoring.noAnswerFile, scoring.noAnswerThreshold) = (naProbFile, naProbThresh)
    scoring.positiveLabel = posLabel
    (scoring.predictionColumn, scoring.labelColumn, scoring.noHeader) = (
      predictionColumn, labelColumn, noHeader
    )
    (scoring.labelSeparator, scoring.labels) = (labelSeparator, labels)
    let scores = try scoring.scores(try metric(), listener: console)
    console.result(json ? JSONValue.object(scores).prettyText : nil, orTable: ResultTable.scores(scores))
  }

  private func metric() throws -> ScoreMetric {
    do { return try ScoreMetric(metrics, multiLabel: multiLabel) } catch let error as TaskError {
      throw ValidationError(error.description)
    }
  }
}
