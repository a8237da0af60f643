/// Learns a WordPiece vocabulary from text, as `tokenizers`' `WordPieceTrainer` does: starting from characters, the most
/// frequent pair of neighbouring pieces is merged again and again.
///
/// The result depends only on the settings and the text. `tokenizers` breaks ties between equally frequent pairs by the
/// numbers of their pieces, and numbers the characters that continue words in the order in which a randomly seeded hash
/// table yields the words, so its vocabularies differ from run to run by a few rare pieces. Here the characters that
/// continue most words come first; given the same numbers, the two learn the same vocabulary.
public struct WordPieceTrainer: Sendable {
  /// The size to reach, special tokens and alphabet included; smaller when the text has no more pairs.
  public var vocabularySize: Int
  /// Pairs that occur less often are not merged.
  public var minimumFrequency: Int
  /// How many different characters to keep at most, the most frequent ones; nil keeps all.
  public var limitAlphabet: Int?
  /// Characters to keep whether they occur or not.
  public var initialAlphabet: [Unicode.Scalar]
  /// Tokens that come first, in this order.
  public var specialTokens: [String]
  /// How text is cleaned and split before it is counted; the vocabulary belongs to these options.
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

  /// Counts the words of a text.
  public mutating func feed(_ text: String) {
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

  /// Learns the vocabulary of the text fed so far.
  public func train() -> Vocabulary { train(continuations: nil) }

  /// - Parameter continuations: the order of the characters that continue words, for comparisons with `tokenizers`.
  package func train(continuations: [Unicode.Scalar]?) -> Vocabulary {
    var pieces = PieceTable()
    for token in specialTokens { _ = pieces.id(adding: Array(token.utf8)) }
    let alphabet = keptAlphabet()
    for scalar in alphabet { _ = pieces.id(adding: [UInt8](utf8: scalar)) }
    let prefix = Array(options.continuingPrefix.utf8)
    let kept = Set(alphabet)
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

extension [UInt8] {
  /// The UTF-8 form of one scalar.
  fileprivate init(utf8 scalar: UInt32) {
    self = []
    append(utf8: scalar)
  }
}
