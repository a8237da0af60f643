/// Trainer of a WordPiece vocabulary from text, as `tokenizers`' `WordPieceTrainer` does: starting from characters,
/// the most frequent pair of neighbouring pieces is merged again and again.
///
/// The result depends only on the settings and the text. `tokenizers` breaks ties between equally frequent pairs by the
/// numbers of their pieces, and numbers the characters that continue words in the order in which a randomly seeded hash
/// table yields the words, so its vocabularies differ from run to run by a few rare pieces. Here the characters that
/// continue most words come first; given the same numbers, the two learn the same vocabulary.
public struct WordPieceTrainer: VocabularyTrainer {
  /// The size to reach, special tokens and alphabet included; smaller when the text has no more pairs.
  public var vocabularySize: Int
  /// Pairs that occur less often are not merged.
  public var minimumFrequency: Int
  /// The number of different characters to keep at most, the most frequent ones; nil keeps all.
  public var limitAlphabet: Int?
  /// Characters to keep whether they occur or not.
  public var initialAlphabet: [Unicode.Scalar]
  /// Tokens that come first, in this order.
  public var specialTokens: [String]
  /// Options by which text is cleaned and split before it is counted; the vocabulary belongs to these options.
  public let options: BertTokenizerOptions

  private var words = WordCounter()
  private let normalizer: TextNormalizer

  /// A trainer that has seen no text yet.
  ///
  /// - Parameters:
  ///   - vocabularySize: the size to reach.
  ///   - minimumFrequency: pairs that occur less often are not merged.
  ///   - limitAlphabet: how many different characters to keep at most; nil keeps all.
  ///   - initialAlphabet: characters to keep whether they occur or not.
  ///   - specialTokens: tokens that come first; nil for [PAD], [UNK], [CLS], [SEP] and [MASK] as the options name them.
  ///   - options: how text is cleaned and split.
  public init(
    vocabularySize: Int = 30_000, minimumFrequency: Int = 2, limitAlphabet: Int? = 1000,
    initialAlphabet: [Unicode.Scalar] = [], specialTokens: [String]? = nil,
    options: BertTokenizerOptions = BertTokenizerOptions()
  ) {
    let names = options.specialTokens
    self.vocabularySize = vocabularySize
    self.minimumFrequency = minimumFrequency
    self.limitAlphabet = limitAlphabet
    self.initialAlphabet = initialAlphabet
    self.specialTokens =
      specialTokens
      ?? [names.padding, options.unknownToken, names.classification, names.separator, names.mask]
    self.options = options
    normalizer = TextNormalizer(options)
  }

  /// The number of different words in the text fed so far.
  public var wordCount: Int { words.count }

  /// Counts the words of a text.
  public mutating func feed(_ text: String) { Self.count(text, normalizer, into: &words) }

  /// Counts the words of many texts on several cores; neither their number nor the order of the texts matters.
  ///
  /// - Parameter threads: how many cores at most; nil for all.
  public mutating func feed(_ texts: [String], threads: Int? = nil) {
    let normalizer = normalizer
    words.add(WordCounter(texts, threads: threads) { Self.count($0, normalizer, into: &$1) })
  }

  private static func count(_ text: String, _ normalizer: TextNormalizer, into words: inout WordCounter) {
    var text = text
    text.makeContiguousUTF8()
    let normalized = normalizer.normalize(text.utf8.span, firstOrigin: 0)
    var word: [UInt8] = []
    for scalar in normalized.scalars {
      let properties = UnicodeTables.shared.properties(of: scalar)
      let isPunctuation = properties.contains(.punctuation)
      if isPunctuation || properties.contains(.white) {
        words.count(&word)
        if !isPunctuation { continue }
      }
      word.append(utf8: scalar)
      if isPunctuation { words.count(&word) }
    }
    words.count(&word)
  }

  /// Learns the tokenizer of the text fed so far, which finds the special tokens in raw text.
  ///
  /// - Throws: `TokenizerError.invalid` when the special tokens lack one that the options name.
  public func tokenizer() throws(TokenizerError) -> any Tokenizer {
    try BertTokenizer(
      vocabulary: train(), options: options, addedTokens: specialTokens.map { AddedToken($0, special: true) })
  }

  /// Learns the vocabulary of the text fed so far.
  public func train() -> Vocabulary { train(alphabet: nil, continuations: nil) }

  /// Learns a vocabulary whose ties are broken as in another one, for comparisons with `tokenizers`.
  ///
  /// Where `tokenizers` lets chance decide, its characters are taken: those that it kept, and the order of those that
  /// continue words. Everything else is learnt from the text.
  package func train(tiesOf vocabulary: Vocabulary) -> Vocabulary {
    let (prefix, specials) = (Array(options.continuingPrefix.utf8), Set(specialTokens))
    var (alphabet, continuations): ([Unicode.Scalar], [Unicode.Scalar]) = ([], [])
    for token in vocabulary.tokens where !specials.contains(token) {
      let scalars = token.unicodeScalars
      if scalars.count == 1 {
        alphabet += scalars
      } else if token.utf8.starts(with: prefix) {
        let rest = String(decoding: token.utf8.dropFirst(prefix.count), as: UTF8.self).unicodeScalars
        if rest.count == 1 { continuations += rest }
      }
    }
    return train(alphabet: alphabet, continuations: continuations)
  }

  /// - Parameters:
  ///   - alphabet: the characters to keep instead of the most frequent ones, in order.
  ///   - continuations: the order of the characters that continue words.
  package func train(alphabet: [Unicode.Scalar]?, continuations: [Unicode.Scalar]?) -> Vocabulary {
    var pieces = PieceTable()
    for token in specialTokens { _ = pieces.id(adding: Array(token.utf8)) }
    let alphabet = alphabet?.map(\.value) ?? keptAlphabet()
    for scalar in alphabet { _ = pieces.id(adding: [UInt8](utf8: scalar)) }
    let prefix = Array(options.continuingPrefix.utf8)
    // A special token of one character is a piece of words too, whatever the limit of the alphabet.
    let kept = Set(alphabet).union(
      specialTokens.map(\.unicodeScalars).filter { $0.count == 1 }.joined().map(\.value))
    for scalar in continuations?.map(\.value) ?? words.continuationScalars() where kept.contains(scalar) {
      _ = pieces.id(adding: prefix + [UInt8](utf8: scalar))
    }
    var merger = PairMerger(prefix: prefix, pieces: pieces)
    words.forEach { scalars, count in
      var symbols: [Int32] = []
      for (index, scalar) in scalars.enumerated() where kept.contains(scalar) {
        let spelling = (index == 0 ? [] : prefix) + [UInt8](utf8: scalar)
        symbols.append(merger.pieces.id(adding: spelling))
      }
      merger.add(symbols, count: count)
    }
    merger.merge(until: vocabularySize, minimumFrequency: minimumFrequency)
    return Vocabulary(
      entries: merger.pieces.spellings.enumerated().map {
        (String(decoding: $1, as: UTF8.self), Int32($0))
      })
  }

  /// The characters to keep, in order of code point.
  private func keptAlphabet() -> [UInt32] {
    var counts: [UInt32: Int] = [:]
    words.forEach { scalars, count in
      for scalar in scalars { counts[scalar, default: 0] += count }
    }
    for scalar in initialAlphabet { counts[scalar.value] = .max }
    // Of equally frequent characters the one with the smaller code point stays.
    let ranked = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return ranked.prefix(limitAlphabet ?? .max).map(\.key).sorted()
  }
}
