import ArgumentParser
import CommandOptions
import Datasets
import Foundation
import ModelFormats
import Tasks
import Terminal
import Tokenization

/// Command `potstill bench tokenize`.
struct TokenizeBench: ConsoleCommand {
  static let configuration = CommandConfiguration(
    commandName: "tokenize",
    abstract: "Ids, tokens and offsets of every line of a file, special tokens included.",
    usage: "potstill bench tokenize --model <folder> --input <file> [<options>]")

  @Option(
    help: ArgumentHelp("A Hugging Face directory with a tokenizer.", valueName: "folder"),
    completion: .directory)
  var model: String

  @Option(help: ArgumentHelp("A file of texts, one a line.", valueName: "file"), completion: .file())
  var input: String

  @Option(help: ArgumentHelp("Passes over the file.", valueName: "n"))
  var repeats = 5

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup(title: "General (here --threads is 1 by default)")
  var general: GeneralOptions

  mutating func validate() throws {
    try CountOption.check(repeats, "--repeats", 1...10_000)
  }

  mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let threads = general.threads ?? 1
    let location = try ModelLocation(model, part: .tokenizer, listener: console)
    let tokenizer = try loadTokenizer(directory: location.folder)
    let texts = try console.texts([], file: input).map(\.text)
    let bytes = Double(texts.reduce(0) { $0 + $1.utf8.count })
    var tokens = 0
    var seconds: [Double] = []
    // The first pass fills caches and does not count.
    for pass in 0...repeats {
      tokens = 0
      let start = ContinuousClock.now
      // In blocks, as `tokenize` does it: nobody holds the encodings of a whole corpus.
      for first in stride(from: 0, to: texts.count, by: 4096) {
        let block = Array(texts[first..<min(texts.count, first + 4096)])
        for encoding in tokenizer.encodeBatch(block, threads: threads) { tokens += encoding.count }
      }
      if pass > 0 { seconds.append((ContinuousClock.now - start) / .seconds(1)) }
    }
    let median = seconds.sorted()[seconds.count / 2]
    var object = JSONObject()
    object["work"] = "tokenize"
    object["threads"] = .integer(threads)
    object["lines"] = .integer(texts.count)
    object["tokens"] = .integer(tokens)
    object["mb_per_second"] = .double((bytes / median / 1e4).rounded() / 100)
    object["tokens_per_second"] = .double((Double(tokens) / median).rounded())
    console.result(json ? JSONValue.object(object).prettyText : nil, orTable: ResultTable.of(object))
  }
}
