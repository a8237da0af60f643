import ArgumentParser
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import Terminal
import Tokenization

/// Command `potstill predict`.
package struct PredictCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Answer texts: labels, numbers, entities, answers to questions.",
    discussion: """
      Texts come from the command line, from --input (one a line, or one JSON object {"text", "text_pair"} a line when \
      the name ends in .jsonl), or from standard input (plain lines or such objects). Without --json, line ends and tabs of texts are printed as \
      \\n, \\r and \\t, so that each answer is one line of columns.

        potstill predict --model student/ "a gripping, funny film"
        potstill predict --model student/ --input reviews.txt --json > labels.jsonl

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

  @Option(help: ArgumentHelp("A Hugging Face directory with a trained model.", valueName: "folder"))
  package var model: String

  @Option(help: ArgumentHelp("A file of texts, one a line.", valueName: "file"))
  package var input: String?

  @Option(
    help: ArgumentHelp(
      "Longest input in tokens; more is cut off (default: what the model takes).", valueName: "n"))
  package var maxSeqLength: Int?

  @Option(
    help: ArgumentHelp(
      "Also write hidden.0 … hidden.N [tokens, hidden] of all texts, packed one after the other.",
      valueName: "file.safetensors"))
  package var hiddenStates: String?

  @Flag(help: "Write over the file of hidden states where it exists.")
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

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  @Argument(help: "Texts.")
  package var texts: [String] = []

  package init() {}

  package func validate() throws {
    // [CLS], a token of text and [SEP].
    try CountOption.check(maxSeqLength, "--max-seq-length", 3...Int.max)
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
    let output = try hiddenStates.map {
      try OutputFile($0, option: "--hidden-states", overwrite: overwriteOutputDir)
    }
    // Hidden states do not depend on the head, so a bare encoder will do for them.
    let folder = try TokenizedModel(model, needsHead: hiddenStates == nil, console: console)
    if folder.model.startsWithFreshHead {
      console.warn("\(model) has no head: what is printed comes from a random one.")
    }
    let family = folder.model.config.taskFamily
    if version2WithNegative, !family.keys.contains(.version2WithNegative) {
      throw CommandError(
        "--version-2-with-negative is for models that answer questions, but \(model) is none; leave it out")
    }
    let given = try console.texts(texts, file: input)
    let predictor = try family.predictor(
      of: folder,
      settings: QuestionSettings(
        maxAnswerLength: maxAnswerLength, version2WithNegative: version2WithNegative,
        nullScoreDiffThreshold: nullScoreDiffThreshold ?? 0))
    let items = try predictor.items(
      given.map { PredictionItem(text: $0.text, pair: $0.pair, place: $0.place) })
    let limit = folder.lengthLimit(maxSeqLength, listener: console)
    var states = hiddenStates.map { _ in HiddenStateFile() }
    let progress = ProgressDisplay(console)
    // Blocks keep the order of the input and bound the memory; within one, batches are sorted by length.
    for start in stride(from: 0, to: items.count, by: 1024) {
      let block = Array(items[start..<min(items.count, start + 1024)])
      let (examples, answers) = try predictor.prepare(block, limit: limit)
      let logits = predict(examples, with: folder.model, states: &states)
      if items.count > 1024 { progress.show("Predicting", done: start + block.count, total: items.count) }
      for answer in answers(logits) {
        console.result(json ? answer.json.compactText : answer.line)
      }
    }
    progress.finishLine()
    if let output, let states { try states.write(to: URL(filePath: output.path)) }
  }

  /// The logits of each example, one row for a sequence head and one a token for a token head.
  private func predict(
    _ examples: [EncodedExample], with model: TaskModel, states: inout HiddenStateFile?
  ) -> [[Float]] {
    var rows = [[Float]](repeating: [], count: examples.count)
    for indices in batches(of: examples) {
      let batch = Batch(examples, at: indices).tokens
      let names = states == nil ? [] : model.config.hiddenStateNames
      let output = model(batch, taps: names, in: .inference)
      states?.append(names.compactMap { output.values[$0] })
      let (values, width) = (output.logits.values, output.logits.shape.lastDimension)
      for (row, index) in indices.enumerated() {
        let range = model.head.readsTokens ? batch.rows(of: row) : row..<row + 1
        rows[index] = Array(values[range.lowerBound * width..<range.upperBound * width])
      }
    }
    return rows
  }

  /// The batches of the examples, by length; in the order of the input where hidden states are written.
  private func batches(of examples: [EncodedExample]) -> [[Int]] {
    if hiddenStates == nil {
      return BatchSampler(examples, size: .tokens(4096)).evaluationBatches()
    }
    return stride(from: 0, to: examples.count, by: 16).map { Array($0..<min(examples.count, $0 + 16)) }
  }
}
