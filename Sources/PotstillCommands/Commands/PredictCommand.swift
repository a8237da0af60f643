import ArgumentParser
import Cluster
import CommandOptions
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Command `potstill predict`.
package struct PredictCommand: ConsoleCommand, RankedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Answer texts: labels, numbers, entities, answers to questions.",
    discussion: """
      Texts come from the command line, from --input (a text a line, or rows whose text column is found by its name), or \
      from standard input (plain lines or JSON objects), whose rows are answered as they come. Without --json, line ends and tabs of \
      texts are printed as \\n, \\r and \\t, so that each answer is one line of columns.

        potstill predict --model student/ "a gripping, funny film"
        potstill predict --model student/ --input reviews.csv --output labels.csv
        potstill predict --model student/ --input reviews.txt --json > labels.jsonl

      --output keeps the columns of the input and adds prediction and probability (with --all-scores probability_<label>); \
      .jsonl has probabilities by label, the form in which answers teach.

      With --json each text gives one line: {"label": ..., "score": ..., "logits": [...]} of a classifier, where the \
      score is the label's probability; {"value": ...} of a regression; {"labels": [...], "logits": [...]} of several \
      labels side by side; {"entities": [{"entity_group", "score", "word", "start", "end"}]} of a token classifier, named as its labels without \
      B- and I- (O is none), and \
      {"answer", "score", "start", "end"} of a model that answers questions, with places in Unicode scalars of the \
      text. The latter takes questions and passages by turns, or lines {"question", "context"}, none of them empty:

        potstill predict --model qa/ "Who wrote it?" "The report was written by Ada."

      A model trained on questions without an answer (SQuAD 2.0) may find none with --version-2-with-negative: the answer \
      is then "", without start and end, and each line has "null_score_diff", by how much "no answer" scored better than \
      the best answer. What exceeds --null-score-diff-threshold is no answer.
      """)

  @Option(
    help: ArgumentHelp(
      "A Hugging Face directory with a trained model, or a name on its hub.", valueName: "folder"),
    completion: .directory)
  package var model: String

  @Option(
    help: ArgumentHelp(
      "A file of texts: .txt, .csv, .tsv, .jsonl, .json, CoNLL or SQuAD, also .gz or .zst.", valueName: "file"
    ),
    completion: .file())
  package var input: String?

  @Option(help: "The format of the input, where its name does not say it.")
  package var inputFormat: DataFormat?

  @OptionGroup
  package var columns: TextColumnOptions

  @Flag(help: "Leave out rows that cannot be used instead of stopping.")
  package var skipBadRows = false

  @Option(
    help: ArgumentHelp(
      "Write the input's columns with the answers there: .csv, .tsv, .jsonl or .txt.", valueName: "file"),
    completion: .file())
  package var output: String?

  @Option(
    help: ArgumentHelp("Show so many of the likeliest labels with their probabilities.", valueName: "n"))
  package var topK: Int?

  @Flag(help: "Show the probability of every label.")
  package var allScores = false

  @Option(
    help: ArgumentHelp(
      "Read long texts in windows and combine their answers: mean or max (default: cut them).",
      valueName: "how"))
  package var window: WindowPooling?

  @Option(help: ArgumentHelp("Tokens that two windows share (default: a quarter of one).", valueName: "n"))
  package var docStride: Int?

  @Option(
    help: ArgumentHelp(
      "Longest input in tokens; more is cut off (default: what the model takes).", valueName: "n"))
  package var maxSeqLength: Int?

  @Option(
    help: ArgumentHelp(
      "Also write hidden.0 … hidden.N [tokens, hidden] of all texts, packed one after the other.",
      valueName: "file.safetensors"), completion: .file())
  package var hiddenStates: String?

  @Flag(help: "Write over files that exist.")
  package var overwriteOutputDir = false

  @Option(help: ArgumentHelp("Longest answer to a question in tokens.", valueName: "n"))
  package var maxAnswerLength = 30

  @Flag(
    name: .customLong("version-2-with-negative"),
    help: "Let a question have no answer, as those of SQuAD 2.0.")
  package var version2WithNegative = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "How much better than the best answer \"no answer\" must score to be given (default: 0).",
      valueName: "number"))
  package var nullScoreDiffThreshold: Double?

  @Flag(help: "Print one JSON object a text.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  @Argument(help: "Texts.")
  package var texts: [String] = []

  package init() {}

  package func validate() throws {
    // [CLS], a token of text and [SEP].
    try CountOption.check(maxSeqLength, "--max-seq-length", 3...Int.max)
    try CountOption.check(topK, "--top-k", 1...Int.max)
    if docStride != nil, window == nil {
      throw ValidationError("--doc-stride is for --window; add --window mean, or leave it out.")
    }
    if let output, !output.isEmpty, PredictionFile.Form(path: output) == nil {
      throw ValidationError(
        "--output \(output): expected a name that ends in .csv, .tsv, .jsonl or .txt, which says the form.")
    }
    if maxAnswerLength < 1 {
      throw ValidationError("--max-answer-length is \(maxAnswerLength); expected at least 1.")
    }
    if let nullScoreDiffThreshold {
      if !version2WithNegative {
        throw ValidationError(
          "--null-score-diff-threshold says when there is no answer; add --version-2-with-negative.")
      }
      if !nullScoreDiffThreshold.isFinite {
        throw ValidationError(
          "--null-score-diff-threshold is \(nullScoreDiffThreshold); expected a number such as -1.5.")
      }
    }
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console)
    let hidden = try hiddenStates.map {
      try OutputFile($0, option: "--hidden-states", overwrite: overwriteOutputDir)
    }
    let target = try output.map { try OutputFile($0, option: "--output", overwrite: overwriteOutputDir) }
    // Hidden states do not depend on the head, so a bare encoder will do for them.
    let folder = try TokenizedModel(model, needsHead: hiddenStates == nil, console: console)
    if folder.model.startsWithFreshHead {
      console.warn("\(model) has no head: what is printed comes from a random one.")
    }
    if version2WithNegative, !folder.model.config.taskFamily.keys.contains(.version2WithNegative) {
      throw CommandError(
        "--version-2-with-negative is for models that answer questions, but \(model) is none; leave it out")
    }
    let source = try input(console)
    var run = try PredictionRun(
      folder, limit: folder.lengthLimit(maxSeqLength, listener: console), settings: settings,
      keepsStates: hiddenStates != nil, over: Ranks.process)
    let file = try (Ranks.process.isFirst ? target : nil).map {
      try PredictionFile(
        URL(filePath: $0.path), form: PredictionFile.Form(path: $0.path) ?? .text, showsAll: allScores,
        topCount: topK)
    }
    let progress = ProgressDisplay(console)
    // Blocks keep the order of the input and bound the memory; within one, batches are sorted by length.
    while case let items = try source.next(upTo: 1024 * Ranks.count, unit: run.unit), !items.isEmpty {
      for (item, answer) in try run.answer(items) {
        if let file { try file.add(answer, to: item) } else { console.show(answer, to: item, json: json) }
      }
      if file == nil { console.flush() } else { progress.show("Predicting", done: run.count, total: nil) }
    }
    progress.finishLine()
    try file?.finish(inputColumns: source.columns)
    if let hidden, Ranks.process.isFirst { try run.states?.write(to: URL(filePath: hidden.path)) }
    note(run, source, on: console)
  }

  /// The texts of the command line, else of a file, else of standard input.
  private func input(_ console: Console) throws -> PredictionInput {
    if !texts.isEmpty { return PredictionInput(texts: texts) }
    if input == nil, Ranks.count > 1 {
      throw CommandError(
        "\(Ranks.count) ranks cannot share standard input; give the texts in a file, with --input")
    }
    if input == nil, console.inputIsTerminal {
      console.note("reading standard input, one text a line; end with Ctrl-D")
    }
    return try PredictionInput(
      file: input, format: inputFormat, hints: columns.hints, skipsBadRows: skipBadRows,
      standardInput: console.stream)
  }

  private var settings: PredictionSettings {
    var settings = PredictionSettings(
      questions: QuestionSettings(
        maxAnswerLength: maxAnswerLength, version2WithNegative: version2WithNegative,
        nullScoreDiffThreshold: nullScoreDiffThreshold ?? 0))
    (settings.window, settings.docStride) = (window, docStride)
    settings.topCount = allScores ? Int.max : topK
    return settings
  }

  /// Says once what was cut and what was left out.
  private func note(_ run: PredictionRun, _ source: PredictionInput, on console: Console) {
    if run.cutCount > 0 {
      let share = String(format: "%.1f", 100 * Double(run.cutCount) / Double(run.count))
      console.warn(
        "\(run.cutCount) of \(run.count) texts (\(share) %) have more than \(run.limit) tokens and were cut there; "
          + "--window mean reads them in windows")
    }
    if let first = source.skipped.faults.first {
      console.warn(
        "\(source.skipped.faultCount) rows were left out; the first in line \(first.line): \(first)")
    }
  }
}

extension DataFormat: ExpressibleByArgument {}
extension WindowPooling: ExpressibleByArgument {}

extension Console {
  /// Prints an answer; entities stand out in their text where the terminal has colours.
  fileprivate func show(_ answer: PredictedAnswer, to item: PredictionItem, json: Bool) {
    if json { return result(answer.json.compactText) }
    if !answer.marks.isEmpty { highlight(item.text, answer.marks) }
    result(answer.line)
  }
}
