/// Trainer of a byte-level BPE vocabulary from text, as `tokenizers`' `BpeTrainer` does for its `ByteLevelBPETokenizer`:
/// starting from bytes, the most frequent pair of neighbouring tokens is merged again and again.
///
/// Nothing is left to chance: the tokens, their ids and the merges are those of `tokenizers` for the same texts.
public struct BytePairTrainer: VocabularyTrainer {
  /// The size to reach, special tokens and the 256 bytes included; smaller when the text has no more pairs.
  public var vocabularySize: Int
  /// Pairs that occur less often are not merged.
  public var minimumFrequency: Int
  /// Tokens that come first, in this order.
  public var specialTokens: [String]
  /// Options by which text is split before it is counted; the vocabulary belongs to these options.
  public let options: ByteLevelBPEOptions

  private var words = WordCounter()

  /// A trainer that has seen no text yet.
  ///
  /// - Parameters:
  ///   - vocabularySize: the size to reach.
  ///   - minimumFrequency: pairs that occur less often are not merged.
  ///   - specialTokens: tokens that come first; nil for RoBERTa's as the options name them.
  ///   - options: how text is split.
  public init(
    vocabularySize: Int = 30_000, minimumFrequency: Int = 2, specialTokens: [String]? = nil,
    options: ByteLevelBPEOptions = ByteLevelBPEOptions()
  ) {
    let names = options.specialTokens
    self.vocabularySize = vocabularySize
    self.minimumFrequency = minimumFrequency
    self.specialTokens =
      specialTokens
      ?? [names.classification, names.padding, names.separator, options.unknownToken, names.mask]
      .compactMap(\.self)
    self.options = options
  }

  /// The number of different words in the text fed so far.
  public var wordCount: Int { words.count }

  /// Counts the words of many texts on several cores; neither their number nor the order of the texts matters.
  ///
  /// - Parameter threads: how many cores at most; nil for all.
  public mutating func feed(_ texts: [String], threads: Int? = nil) {
    let options = options
    words.add(WordCounter(texts, threads: threads) { Self.count($0, options, into: &$1) })
  }

  private static func count(_ text: String, _ options: ByteLevelBPEOptions, into words: inout WordCounter) {
    var text = text
    if options.addPrefixSpace, !text.isEmpty, text.utf8.first != UInt8(ascii: " ") { text = " " + text }
    text.makeContiguousUTF8()
    let bytes = text.utf8.span
    var word: [UInt8] = []
    var start = 0
    while start < bytes.count {
      let end = options.useRegex ? ByteLevelSplitter.shared.word(in: bytes, at: start).end : bytes.count
      for position in start..<end { word.append(bytes[position]) }
      words.count(&word)
      start = end
    }
  }

  /// Learns the vocabulary and the merges of the text fed so far.
  public func train() -> (vocabulary: Vocabulary, merges: [(left: String, right: String)]) {
    var pieces = PieceTable()
    for token in specialTokens { _ = pieces.id(adding: Array(token.utf8)) }
    let letters = ByteLevelAlphabet.scalars.map { [UInt8](utf8: $0.value) }
    // The bytes come in the order of the characters that stand for them.
    for scalar in ByteLevelAlphabet.scalars.sorted() { _ = pieces.id(adding: [UInt8](utf8: scalar.value)) }
    let byteIDs = letters.map { pieces.id(adding: $0) }
    var merger = PairMerger(prefix: [], pieces: pieces)
    for (word, count) in words.sorted { merger.add(word.map { byteIDs[Int($0)] }, count: count) }
    merger.merge(until: vocabularySize, minimumFrequency: minimumFrequency)
    let tokens = merger.pieces.spellings.map { String(decoding: $0, as: UTF8.self) }
    return (
      Vocabulary(tokens), merger.merged.map { (tokens[Int($0.first)], tokens[Int($0.second)]) }
    )
  }

  /// Learns the tokenizer of the text fed so far, which finds the special tokens in raw text and the mask with the space
  /// before it.
  ///
  /// - Throws: `TokenizerError.invalid` when the special tokens lack one that frames sequences.
  public func tokenizer() throws(TokenizerError) -> any Tokenizer {
    let (vocabulary, merges) = train()
    let mask = options.specialTokens.mask
    return try ByteLevelBPETokenizer(
      vocabulary: vocabulary, merges: merges, options: options,
      addedTokens: specialTokens.map {
        AddedToken($0, special: true, stripsLeft: $0.utf8.elementsEqual(mask.utf8))
      })
  }
}
