import BenchmarkHarness
import Foundation
import Potstill

/// The tokenizer on one thread: the sample task's reviews, or `tokenizer FILE DIRECTORY` for your own text and model.
enum TokenizerBenchmark: Benchmark {
  static let name = "tokenizer"
  static let summary =
    "MB/s on one thread, ids alone and with tokens and offsets; arguments: [FILE DIRECTORY]"

  static func run(_ arguments: [String]) throws {
    let (texts, tokenizer) = try input(arguments)
    let bytes = Double(texts.reduce(0) { $0 + $1.utf8.count })
    for text in texts where tokenizer.encodeIDs(text).ids != tokenizer.encode(text).ids {
      throw BenchmarkFault("The two forms of encoding disagree on: \(text)")
    }
    let table = Table(["form", "MB/s", "best", "Mtokens/s"])
    let tokens = Double(texts.reduce(0) { $0 + tokenizer.encodeIDs($1).ids.count })
    func measure(_ form: String, _ encode: (String) -> Int) {
      var total = 0
      let time = Measurement(minimumSeconds: 1) { for text in texts { total &+= encode(text) } }
      table.row([
        form, (bytes / time.median / 1e6).fixed(1), (bytes / time.minimum / 1e6).fixed(1),
        (tokens / time.median / 1e6).fixed(2),
      ])
    }
    measure("ids") { tokenizer.encodeIDs($0).ids.count }
    measure("ids, tokens, offsets") { tokenizer.encode($0).ids.count }
  }

  private static func input(_ arguments: [String]) throws -> ([String], any Tokenizer) {
    if arguments.count == 2 {
      let text = try String(contentsOfFile: arguments[0], encoding: .utf8)
      let lines = text.split(separator: "\n").map(String.init)
      return (lines, try loadTokenizer(directory: URL(filePath: arguments[1])))
    }
    guard arguments.isEmpty else {
      throw BenchmarkFault("tokenizer takes no arguments, or a file and a directory.")
    }
    let splits = SampleTask.generate()
    let texts = (splits.train + splits.unlabelled).map(\.text)
    let options = BertTokenizerOptions()
    var trainer = WordPieceTrainer(vocabularySize: 1500, options: options)
    for text in texts { trainer.feed(text) }
    return (texts, BertTokenizer(vocabulary: trainer.train(), options: options))
  }
}
