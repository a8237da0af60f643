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
    abstract: "Learn a WordPiece, BPE or Unigram vocabulary from text.",
    discussion: """
      Reads plain text, line by line. WordPiece (BERT) and BPE (RoBERTa) merge the most frequent neighbours, characters or bytes \
      at first, until the vocabulary is full; Unigram (SentencePiece, XLM-RoBERTa) starts with many pieces and drops those that \
      matter least. They learn as Hugging Face's tokenizers do. The folder receives tokenizer.json and tokenizer_config.json, \
      which 'potstill pretrain --tokenizer' and AutoTokenizer.from_pretrained read.

        potstill vocab --input wiki.txt news.txt --vocab-size 8000 --output words/
        potstill pretrain --input wiki.txt news.txt --tokenizer words/ \\
          --config T4-tiny --output base/
        potstill vocab --type unigram --input wiki.txt --vocab-size 16000 --output pieces/
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

  @Option(help: "The kind: wordpiece, bpe (over bytes) or unigram.")
  package var type = VocabularyType.wordpiece

  @Option(help: "Tokens to learn, special tokens and characters included.")
  package var vocabSize = 30522

  @Option(help: "Merge only what occurs this often (not of unigram).")
  package var minFrequency = Self.defaults.minFrequency

  @Option(
    help: "Keep this many different characters, the most frequent ones; 0 keeps all (of wordpiece alone).")
  package var limitAlphabet = Self.defaults.limitAlphabet

  @Option(help: ArgumentHelp("Characters to keep in any case (not of bpe).", valueName: "characters"))
  package var initialAlphabet = ""

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "The special tokens, which come first (default: [PAD] [UNK] [CLS] [SEP] [MASK], of bpe and unigram <s> <pad> </s> <unk> <mask>). Others may be added to these five.",
      valueName: "token"))
  package var specialTokens: [String] = []

  @Option(
    help: ArgumentHelp("What marks a piece that continues a word (of wordpiece alone).", valueName: "text"))
  package var wordpiecesPrefix = Self.defaults.prefix

  @Flag(
    help:
      "Tell capitals from small letters and keep accents, as bpe and unigram do (default: lower case, no accents)."
  )
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

  /// The values of options that not every kind has.
  private static let defaults = (minFrequency: 2, limitAlphabet: 1000, prefix: "##")

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
    let missing = type.specialTokens.filter { !specialTokens.isEmpty && !specialTokens.contains($0) }
    if !missing.isEmpty {
      throw ValidationError(
        "--special-tokens lacks \(missing.joined(separator: ", ")); give all of "
          + "\(type.specialTokens.joined(separator: " ")), and others if you like.")
    }
    let foreign: [(option: String, isGiven: Bool, types: [VocabularyType])] = [
      ("--min-frequency", minFrequency != Self.defaults.minFrequency, [.wordpiece, .bpe]),
      ("--initial-alphabet", !initialAlphabet.isEmpty, [.wordpiece, .unigram]),
      ("--limit-alphabet", limitAlphabet != Self.defaults.limitAlphabet, [.wordpiece]),
      ("--wordpieces-prefix", wordpiecesPrefix != Self.defaults.prefix, [.wordpiece]),
      ("--cased", cased, [.wordpiece]), ("--strip-accents", stripAccents != nil, [.wordpiece]),
      ("--no-handle-chinese-chars", !handleChineseChars, [.wordpiece]),
      ("--no-clean-text", !cleanText, [.wordpiece]), ("--ties-of", tiesOf != nil, [.wordpiece]),
    ]
    for (option, isGiven, types) in foreign where isGiven && !types.contains(type) {
      throw ValidationError(
        "\(option) goes with --type \(types.map(\.rawValue).joined(separator: " or ")), and this is \(type.rawValue)."
      )
    }
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let folder = try OutputFolder(output, overwrite: overwriteOutputDir)
    let clock = ContinuousClock.now
    var trainer = trainer()
    var lines = try TextFiles(paths: input, badRows: skipBadRows ? .skip : .fail)
    try trainer.feed(
      &lines, threads: general.threads, progress: { console.progress("Reading (kB)", done: $0, total: $1) })
    console.progressEnded()
    if lines.faultCount > 0 {
      console.note("lines left out, which are not UTF-8: \(grouped(lines.faultCount))")
    }
    console.note("learning from \(grouped(trainer.wordCount)) different words")
    let tokenizer = try tokenizer(of: trainer)
    try folder.create()
    try AtomicFolder.addFiles(to: folder.url, as: "tokenizer") { try tokenizer.save(to: $0) }

    var results = JSONObject()
    results["vocab_size"] = .integer(tokenizer.vocabulary.count)
    results["lines"] = .integer(lines.lineCount - lines.faultCount)
    if lines.faultCount > 0 { results["skipped_lines"] = .integer(lines.faultCount) }
    results["different_words"] = .integer(trainer.wordCount)
    results["vocab_runtime"] = .double((ContinuousClock.now - clock) / .seconds(1))
    noteSize(tokenizer.vocabulary.count, on: console)
    console.note("the tokenizer is in \(output)")
    console.result(json ? JSONValue.object(results).prettyText : nil, orTable: ResultTable.of(results))
  }

  /// The trainer that the options describe.
  private func trainer() -> any VocabularyTrainer {
    let specials = specialTokens.isEmpty ? type.specialTokens : specialTokens
    let alphabet = Array(initialAlphabet.unicodeScalars)
    switch type {
    case .wordpiece:
      return WordPieceTrainer(
        vocabularySize: vocabSize, minimumFrequency: minFrequency,
        limitAlphabet: limitAlphabet == 0 ? nil : limitAlphabet, initialAlphabet: alphabet,
        specialTokens: specials,
        options: BertTokenizerOptions(
          cleanText: cleanText, handleChineseCharacters: handleChineseChars, stripAccents: stripAccents,
          lowercase: !cased, continuingPrefix: wordpiecesPrefix, modelMaxLength: modelMaxLength))
    case .bpe:
      return BytePairTrainer(
        vocabularySize: vocabSize, minimumFrequency: minFrequency, specialTokens: specials,
        options: ByteLevelBPEOptions(modelMaxLength: modelMaxLength))
    case .unigram:
      return UnigramTrainer(
        vocabularySize: vocabSize, initialAlphabet: alphabet, specialTokens: specials,
        modelMaxLength: modelMaxLength)
    }
  }

  /// The tokenizer that a trainer learnt, with ties as asked for.
  private func tokenizer(of trainer: any VocabularyTrainer) throws -> any Tokenizer {
    guard let tiesOf, let trainer = trainer as? WordPieceTrainer else { return try trainer.tokenizer() }
    return try BertTokenizer(
      vocabulary: trainer.train(tiesOf: try Self.vocabulary(of: tiesOf)), options: trainer.options,
      addedTokens: trainer.specialTokens.map { AddedToken($0, special: true) })
  }

  /// Notes why there are fewer or more tokens than `vocabSize`.
  private func noteSize(_ count: Int, on console: Console) {
    if count < vocabSize {
      let lack =
        switch type {
        case .wordpiece, .bpe: "no more pairs that occur \(minFrequency) times"
        case .unigram: "no more pieces that matter"
        }
      console.note("the text has \(lack): \(grouped(count)) tokens instead of " + grouped(vocabSize))
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

/// Kind of vocabulary that `potstill vocab` learns.
package enum VocabularyType: String, CaseIterable, ExpressibleByArgument {
  /// BERT's, over characters.
  case wordpiece
  /// RoBERTa's, over bytes.
  case bpe
  /// XLM-RoBERTa's, of SentencePiece.
  case unigram

  /// The special tokens in the order of such vocabularies.
  var specialTokens: [String] {
    switch self {
    case .wordpiece: ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    case .bpe, .unigram: ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    }
  }
}
