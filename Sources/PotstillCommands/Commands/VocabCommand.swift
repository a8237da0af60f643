import ArgumentParser
import CommandOptions
import Datasets
import Foundation
import ModelFormats
import Tasks
import Terminal
import Tokenization

/// Command `potstill vocab`.
package struct VocabCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "vocab",
    abstract: "Learn a WordPiece vocabulary from text.",
    discussion: """
      Reads plain text, line by line, and merges the most frequent neighbours, characters at first, until the vocabulary is \
      full, as BertWordPieceTokenizer of Hugging Face's tokenizers does. The folder receives tokenizer.json, \
      tokenizer_config.json and vocab.txt, which 'potstill pretrain --tokenizer' and AutoTokenizer.from_pretrained read.

        potstill vocab --input wiki.txt news.txt --vocab-size 8000 --output words/
        potstill pretrain --input wiki.txt news.txt --tokenizer words/ \\
          --config T4-tiny --output base/
      """)

  @Option(
    name: .shortAndLong, parsing: .upToNextOption,
    help: ArgumentHelp("Text files in UTF-8.", valueName: "file"), completion: .file())
  package var input: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The folder for the tokenizer's files. Made when it does not exist.", valueName: "folder"),
    completion: .directory)
  package var output: String

  @Flag(help: "Write into a folder that holds files already.")
  package var overwriteOutputDir = false

  @Option(help: "Tokens to learn, special tokens and characters included.")
  package var vocabSize = 30522

  @Option(help: "Merge only what occurs this often.")
  package var minFrequency = 2

  @Option(help: "Keep this many different characters, the most frequent ones; 0 keeps all.")
  package var limitAlphabet = 1000

  @Option(help: ArgumentHelp("Characters to keep in any case.", valueName: "characters"))
  package var initialAlphabet = ""

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "The special tokens, which come first (default: [PAD] [UNK] [CLS] [SEP] [MASK]). Others may be added to these five.",
      valueName: "token"))
  package var specialTokens: [String] = []

  @Option(help: ArgumentHelp("What marks a piece that continues a word.", valueName: "text"))
  package var wordpiecesPrefix = "##"

  @Flag(help: "Tell capitals from small letters and keep accents (default: lower case, no accents).")
  package var cased = false

  @Flag(inversion: .prefixedNo, help: "Remove accents (default: unless --cased).")
  package var stripAccents: Bool?

  @Flag(inversion: .prefixedNo, help: "Make each Chinese character a word of its own.")
  package var handleChineseChars = true

  @Flag(inversion: .prefixedNo, help: "Remove control characters and make every white space a space.")
  package var cleanText = true

  @Option(help: "The longest sequence of the models that will read these tokens.")
  package var modelMaxLength = 512

  @Flag(help: "Leave out lines that are not UTF-8, and count them, instead of stopping.")
  package var skipBadRows = false

  // For comparisons with tokenizers, which lets chance decide some ties: a vocab.txt whose ties are taken over.
  @Option(help: .hidden)
  package var tiesOf: String?

  @Flag(help: "Print the results as one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func validate() throws {
    // Ids of tokens have 32 bits.
    try CountOption.check(vocabSize, "--vocab-size", 1...Int(Int32.max))
    try CountOption.check(minFrequency, "--min-frequency")
    try CountOption.check(modelMaxLength, "--model-max-length")
    if limitAlphabet < 0 {
      throw ValidationError("--limit-alphabet is \(limitAlphabet); expected 0 (all) or more.")
    }
    if wordpiecesPrefix.isEmpty {
      throw ValidationError("--wordpieces-prefix is empty; expected a mark such as ##.")
    }
    var seen: Set<String> = []
    for token in specialTokens where token.isEmpty || !seen.insert(token).inserted {
      throw ValidationError(
        token.isEmpty
          ? "--special-tokens holds an empty text; expected tokens such as [PAD]."
          : "--special-tokens names \(token) twice; expected each once.")
    }
    let missing = BertSpecials.all.filter { !specialTokens.isEmpty && !specialTokens.contains($0) }
    if !missing.isEmpty {
      throw ValidationError(
        "--special-tokens lacks \(missing.joined(separator: ", ")); give all of "
          + "\(BertSpecials.all.joined(separator: " ")), and others if you like.")
    }
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let folder = try OutputFolder(output, overwrite: overwriteOutputDir)
    let clock = ContinuousClock.now
    let specials = specialTokens.isEmpty ? BertSpecials.all : specialTokens
    let options = BertTokenizerOptions(
      cleanText: cleanText, handleChineseCharacters: handleChineseChars, stripAccents: stripAccents,
      lowercase: !cased, continuingPrefix: wordpiecesPrefix, modelMaxLength: modelMaxLength)
    var trainer = WordPieceTrainer(
      vocabularySize: vocabSize, minimumFrequency: minFrequency,
      limitAlphabet: limitAlphabet == 0 ? nil : limitAlphabet,
      initialAlphabet: Array(initialAlphabet.unicodeScalars), specialTokens: specials, options: options)
    var lines = try TextFiles(paths: input, badRows: skipBadRows ? .skip : .fail)
    try trainer.feed(
      &lines, threads: general.threads, progress: { console.progress("Reading (kB)", done: $0, total: $1) })
    console.progressEnded()
    if lines.faultCount > 0 {
      console.note("lines left out, which are not UTF-8: \(grouped(lines.faultCount))")
    }
    console.note("learning from \(grouped(trainer.wordCount)) different words")
    let vocabulary =
      try tiesOf.map { trainer.train(tiesOf: try Self.vocabulary(of: $0)) } ?? trainer.train()
    let tokenizer = try BertTokenizer(
      vocabulary: vocabulary, options: options,
      addedTokens: specials.map { AddedToken($0, special: true) })
    try folder.create()
    try AtomicFolder.addFiles(to: folder.url, as: "tokenizer") { try tokenizer.save(to: $0) }

    var results = JSONObject()
    results["vocab_size"] = .integer(vocabulary.count)
    results["lines"] = .integer(lines.lineCount - lines.faultCount)
    if lines.faultCount > 0 { results["skipped_lines"] = .integer(lines.faultCount) }
    results["different_words"] = .integer(trainer.wordCount)
    results["vocab_runtime"] = .double((ContinuousClock.now - clock) / .seconds(1))
    noteSize(vocabulary.count, on: console)
    console.note("the tokenizer is in \(output)")
    console.result(json ? JSONValue.object(results).prettyText : nil, orTable: ResultTable.of(results))
  }

  /// Notes why there are fewer or more tokens than `vocabSize`.
  private func noteSize(_ count: Int, on console: Console) {
    if count < vocabSize {
      console.note(
        "the text has no more pairs that occur \(minFrequency) times: \(grouped(count)) tokens instead of "
          + grouped(vocabSize))
    } else if count > vocabSize {
      console.note(
        "special tokens and characters alone are \(grouped(count)), more than --vocab-size \(vocabSize)"
      )
    }
  }

  private static func vocabulary(of path: String) throws -> Vocabulary {
    var tokens = try String(contentsOf: URL(filePath: path), encoding: .utf8)
      .components(separatedBy: "\n")
    if tokens.last?.isEmpty == true { tokens.removeLast() }
    return Vocabulary(tokens)
  }
}

/// BERT's special tokens in the order of its vocabularies.
private enum BertSpecials {
  static let all = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
}
