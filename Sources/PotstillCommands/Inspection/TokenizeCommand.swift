import ArgumentParser
import CommandOptions
import Datasets
import Foundation
import ModelFormats
import Tasks
import Terminal
import Tokenization

/// Command `potstill tokenize`.
package struct TokenizeCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Show the tokens of texts as a model sees them.",
    usage: "potstill tokenize --model <folder> [<options>] [<texts> ...]",
    discussion: """
      Texts come from the command line, from --input (one a line, or one JSON object {"text", "text_pair"} a line when \
      the name ends in .jsonl), or from standard input. Offsets count Unicode scalars of the text.

        potstill tokenize --model student/ "北京 Swift 2026"
        potstill tokenize --model student/ --input lines.txt --json

      With --json each text gives one line {"ids": [...], "tokens": [...], "offsets": [[start, end], ...]}, special \
      tokens included.
      """)

  @Option(
    help: ArgumentHelp("A Hugging Face directory with a tokenizer.", valueName: "folder"),
    completion: .directory)
  package var model: String

  @Option(help: ArgumentHelp("A file of texts, one a line.", valueName: "file"), completion: .file())
  package var input: String?

  @Option(help: ArgumentHelp("Cut to so many tokens, special tokens included.", valueName: "n"))
  package var maxSeqLength: Int?

  @Flag(help: "Print one JSON object a text.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  @Argument(help: "Texts.")
  package var texts: [String] = []

  package init() {}

  package mutating func validate() throws {
    try CountOption.check(maxSeqLength, "--max-seq-length")
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let location = try ModelLocation(model, part: .tokenizer, listener: console)
    let tokenizer = try loadTokenizer(directory: location.folder)
    let items = try console.texts(texts, file: input)
    tokenizer.noteRepeatedTokens(model, on: console)
    let truncation = maxSeqLength.map { Truncation(maxLength: $0) }
    // In blocks, so that a large file is tokenized on all cores and never held whole in JSON.
    for start in stride(from: 0, to: items.count, by: 4096) {
      let block = Array(items[start..<min(items.count, start + 4096)])
      for (item, encoding) in zip(block, try encode(block, tokenizer, truncation)) {
        if json {
          console.result(Self.line(encoding))
        } else {
          show(item, encoding, on: console)
        }
      }
    }
  }

  private func encode(
    _ items: [InputTexts.Item], _ tokenizer: any Tokenizer, _ truncation: Truncation?
  ) throws -> [Encoding] {
    if truncation == nil, items.allSatisfy({ $0.pair == nil }) {
      return tokenizer.encodeBatch(items.map(\.text), threads: general.threads)
    }
    return try items.map { try tokenizer.encode($0.text, pair: $0.pair, truncation: truncation) }
  }

  /// The JSON line of an encoding, written without a tree: a file of texts has millions of tokens.
  private static func line(_ encoding: Encoding) -> String {
    let ids = encoding.ids.map(String.init).joined(separator: ", ")
    let tokens = encoding.tokens.map { JSONValue.string($0).compactText }.joined(separator: ", ")
    let offsets = encoding.offsets.map { "[\($0.lowerBound), \($0.upperBound)]" }.joined(separator: ", ")
    return "{\"ids\": [\(ids)], \"tokens\": [\(tokens)], \"offsets\": [\(offsets)]}"
  }

  private static let rowsOfPart = 4096

  private func show(_ item: InputTexts.Item, _ encoding: Encoding, on console: Console) {
    let titles = ["token", "id", "offsets", "text"]
    // A long text is shown in parts, which are held one at a time.
    func table(from start: Int) -> TextTable {
      func title(_ index: Int) -> String { start == 0 ? titles[index] : "" }
      return TextTable([.text(title(0)), .number(title(1)), .number(title(2)), .text(title(3))])
    }
    var part = table(from: 0)
    let sources = [Array(item.text.unicodeScalars), Array((item.pair ?? "").unicodeScalars)]
    let (tokens, ids, offsets) = (encoding.tokens, encoding.ids, encoding.offsets)
    let sequences = encoding.sequenceIndex
    for index in 0..<encoding.count {
      var cells = [tokens[index], String(ids[index])]
      if let source = sequences[index] {
        let range = offsets[index]
        var text = ""
        text.unicodeScalars.append(contentsOf: sources[source][range])
        cells += ["\(range.lowerBound)–\(range.upperBound)", text]
      }
      part.add(cells)
      if part.rows.count == Self.rowsOfPart {
        console.result(part)
        part = table(from: index + 1)
      }
    }
    console.result(part)
    console.result("\(encoding.count) tokens")
    console.result("")
  }
}
