import ArgumentParser
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tensors
import Tokenization

/// `potstill predict`.
package struct PredictCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Label texts with a classifier.",
    discussion: """
      Texts come from the command line, from --input (one a line, or one JSON object {"text", "text_pair"} a line when \
      the name ends in .jsonl), or from standard input (plain lines or such objects).

        potstill predict --model student/ "a gripping, funny film"
        potstill predict --model student/ --input reviews.txt --json > labels.jsonl

      With --json each text gives one line {"label": ..., "score": ..., "logits": [...]}; the score is the label's \
      probability.
      """)

  @Option(help: ArgumentHelp("A Hugging Face directory with a classifier.", valueName: "folder"))
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

  @Flag(help: "Print one JSON object a text.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  @Argument(help: "Texts.")
  package var texts: [String] = []

  package init() {}

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console)
    // Hidden states do not depend on the head, so a bare encoder will do for them.
    let folder = try ClassifierFolder(model, needsHead: hiddenStates == nil)
    if folder.model.startsWithFreshHead {
      console.warn("\(model) has no classification head: the labels printed come from a random one.")
    }
    let items = try TextLines.read(texts, file: input, console: console)
    let examples = try folder.encode(
      items.map { TextExample(text: $0.text, pair: $0.pair) }, limit: folder.lengthLimit(maxSeqLength))
    var states = hiddenStates.map { _ in HiddenStateFile() }
    let progress = ProgressDisplay(console)
    // Blocks keep the order of the input and bound the memory; within one, batches are sorted by length.
    for start in stride(from: 0, to: examples.count, by: 1024) {
      let block = Array(examples[start..<min(examples.count, start + 1024)])
      let logits = predict(block, with: folder.model, states: &states)
      if items.count > 1024 { progress.show("Predicting", done: start + block.count, total: items.count) }
      for (item, row) in zip(items[start...], logits) {
        console.result(line(item, row, labels: folder.model.config.labels))
      }
    }
    progress.finishLine()
    if let hiddenStates, let states { try states.write(to: URL(filePath: hiddenStates)) }
  }

  /// The logits of each example.
  private func predict(
    _ examples: [EncodedExample], with model: TaskModel, states: inout HiddenStateFile?
  ) -> [[Float]] {
    var rows = [[Float]](repeating: [], count: examples.count)
    let width = model.config.labels.count
    for indices in batches(of: examples) {
      let batch = LabeledBatch(examples, at: indices).tokens
      let output = model(batch, capture: states == nil ? [] : .hiddenStates, in: .inference)
      states?.append(output.hiddenStates)
      let values = output.logits.values
      for (row, index) in indices.enumerated() {
        rows[index] = Array(values[row * width..<(row + 1) * width])
      }
    }
    return rows
  }

  /// Hidden states come out in the order of the input, so then nothing is sorted.
  private func batches(of examples: [EncodedExample]) -> [[Int]] {
    if hiddenStates == nil {
      return BatchSampler(examples, size: .tokens(4096)).evaluationBatches()
    }
    return stride(from: 0, to: examples.count, by: 16).map { Array($0..<min(examples.count, $0 + 16)) }
  }

  private func line(_ item: TextLines.Item, _ logits: [Float], labels: [String]) -> String {
    let largest = logits.max() ?? 0
    let exponentials = logits.map { exp(Double($0 - largest)) }
    let best = logits.firstIndex(of: largest) ?? 0
    let score = exponentials[best] / exponentials.reduce(0, +)
    if json {
      var object = JSONObject()
      object["label"] = .string(labels[best])
      object["score"] = .double(score)
      object["logits"] = .array(logits.map { .double(shortest($0)) })
      return JSONValue.object(object).compactText
    }
    let text = item.pair.map { "\(item.text)\t\($0)" } ?? item.text
    return "\(labels[best])\t\(String(format: "%.4f", score))\t\(text)"
  }
}

/// The double whose shortest digits are those of the float, so that JSON shows 0.1 and not 0.10000000149011612.
func shortest(_ value: Float) -> Double { Double("\(value)") ?? Double(value) }
