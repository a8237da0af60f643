/// Trainer of a Unigram vocabulary from text, as `tokenizers`' `UnigramTrainer` does: starting from many substrings, the
/// probabilities of pieces are estimated by expectation and maximisation, and those that matter least go, again and again.
///
/// The result depends only on the settings and the text. `tokenizers` sums in the order in which a randomly seeded hash table
/// yields the words, and numbers characters that are too rare for a probability of their own in that order too, so its
/// vocabularies differ from run to run by rounding and by the places of such characters, which here come in order of falling
/// count. Source: Kudo 2018, "Subword Regularization".
public struct UnigramTrainer: VocabularyTrainer {
  /// Piece with the logarithm of its probability.
  public struct Piece: Sendable, Equatable {
    /// The text of the piece.
    public var text: String
    /// The logarithm of the probability; 0 of special tokens.
    public var score: Double
  }

  /// The size to reach, special tokens and characters included; smaller when the text has no more pieces.
  public var vocabularySize: Int
  /// The share of the pieces that stay when some go, above 0 and below 1.
  public var shrinkingFactor = 0.75
  /// The rounds of estimation before pieces go.
  public var roundCount = 2
  /// The most characters of a piece, 1 to 250.
  public var maximumPieceLength = 16
  /// The number of substrings to start with at most.
  public var seedCount = 1_000_000
  /// Characters to keep whether they occur or not.
  public var initialAlphabet: [Unicode.Scalar]
  /// Tokens that come first, in this order.
  public var specialTokens: [String]
  /// The token for what no piece spells; it comes first where it is no special token.
  public var unknownToken: String
  /// The longest sequence of the models that will read these tokens.
  public var modelMaxLength: Int?

  private var words = WordCounter()

  /// A trainer that has seen no text yet.
  ///
  /// - Parameters:
  ///   - vocabularySize: the size to reach.
  ///   - initialAlphabet: characters to keep whether they occur or not.
  ///   - specialTokens: tokens that come first; XLM-R's unless given.
  ///   - unknownToken: the token for what no piece spells.
  ///   - modelMaxLength: the longest sequence of the models that will read these tokens.
  public init(
    vocabularySize: Int = 8000, initialAlphabet: [Unicode.Scalar] = [],
    specialTokens: [String] = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"], unknownToken: String = "<unk>",
    modelMaxLength: Int? = 512
  ) {
    self.vocabularySize = vocabularySize
    self.initialAlphabet = initialAlphabet
    self.specialTokens = specialTokens
    self.unknownToken = unknownToken
    self.modelMaxLength = modelMaxLength
  }

  /// The number of different words in the text fed so far.
  public var wordCount: Int { words.count }

  /// Counts the words of many texts, normalised (`Nmt`, NFKC, runs of spaces made one) and split before spaces.
  ///
  /// - Parameter threads: how many cores at most; nil for all.
  public mutating func feed(_ texts: [String], threads: Int? = nil) {
    words.add(WordCounter(texts, threads: threads) { Self.count($0, into: &$1) })
  }

  private static func count(_ text: String, into words: inout WordCounter) {
    var source = text
    source.makeContiguousUTF8()
    var text = ChainText()
    text.load(source.utf8.span, firstOrigin: 0)
    chain.normalize(&text)
    chain.split(&text)
    for piece in text.pieces {
      var word = Array(text.text.bytes[piece])
      words.count(&word)
    }
  }

  /// The steps of `tokenizers`' `SentencePieceUnigramTokenizer`.
  private static let chain: TextChain = {
    TextChain(
      NormalizerSequence([NmtNormalizer(), NFKCNormalizer(), ReplaceNormalizer(.spaces, by: " ")]),
      MetaspacePreTokenizer())
  }()

  /// Counts words that are cut already, one occurrence each.
  package mutating func feed(words list: [String]) {
    for word in list {
      var bytes = Array(word.utf8)
      words.count(&bytes)
    }
  }

  /// Learns the pieces of the text fed so far, in order of id.
  ///
  /// - Parameter threads: how many cores at most; nil for all.
  /// - Throws: `TokenizerError.invalid` when the size is too small for the special tokens and the characters of the text.
  public func train(threads: Int? = nil) throws(TokenizerError) -> [Piece] {
    let words = words.sorted.map { (scalars: WordCounter.scalars($0.word), count: $0.count) }
    let alphabet = alphabet(of: words)
    let specials = (specialTokens.contains(unknownToken) ? [] : [unknownToken]) + specialTokens
    guard specials.count + alphabet.count <= vocabularySize else {
      throw .invalid(
        file: "the vocabulary to learn", field: "vocabularySize",
        reason:
          "found \(vocabularySize), expected at least \(specials.count + alphabet.count): \(specials.count) special tokens"
          + " and \(alphabet.count) characters of the text")
    }
    let seeds = SeedPieces(words, maximumLength: maximumPieceLength, limit: seedCount)
    var estimator = UnigramEstimator(words, seeds, shrinkingFactor: shrinkingFactor, threads: threads)
    // A tenth more than wanted is left for the end.
    let size = vocabularySize * 11 / 10
    while !seeds.pieces.isEmpty {
      for _ in 0..<roundCount { estimator.estimate() }
      let count = estimator.pieces.count
      if count < size { break }
      estimator.prune(to: size)
      if estimator.pieces.count == count { break }
    }
    let pieces = finalPieces(estimator, seeds, alphabet, limit: vocabularySize - specials.count)
    return specials.map { Piece(text: $0, score: 0) } + pieces
  }

  /// Learns the tokenizer of the text fed so far, which finds the special tokens in raw text, the mask with the space before
  /// it, and frames texts as XLM-RoBERTa does.
  ///
  /// - Throws: `TokenizerError.invalid`, as `train`, or when the special tokens lack one that frames sequences.
  public func tokenizer() throws(TokenizerError) -> any Tokenizer {
    let pieces = try train()
    let vocabulary = Vocabulary(pieces.map(\.text))
    let names = SpecialTokenNames.roberta
    let tokens = specialTokens.contains(unknownToken) ? specialTokens : [unknownToken] + specialTokens
    return try SentencePieceTokenizer(
      SentencePieceParts(
        vocabulary: vocabulary,
        model: UnigramModel(
          vocabulary, scores: pieces.map(\.score), unknownID: vocabulary.id(of: unknownToken) ?? 0),
        chain: Self.chain,
        options: SentencePieceOptions(
          unknownToken: unknownToken, specialTokens: names, modelMaxLength: modelMaxLength),
        addedTokens: tokens.map {
          AddedToken($0, special: true, stripsLeft: $0.utf8.elementsEqual(names.mask.utf8))
        },
        framing: .roberta, decoder: MetaspacePreTokenizer().json),
      file: "the learnt vocabulary")
  }

  /// The characters that must be pieces, the most frequent ones first.
  private func alphabet(of words: [(scalars: [UInt32], count: Int)]) -> [UInt32] {
    var counts: [UInt32: Int] = [:]
    for (scalars, count) in words { for scalar in scalars { counts[scalar, default: 0] += count } }
    for scalar in initialAlphabet { counts[scalar.value, default: 0] += 0 }
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map(\.key)
  }

  /// The alphabet and the first of the estimated pieces, in order of falling score.
  private func finalPieces(
    _ estimator: UnigramEstimator, _ seeds: SeedPieces, _ alphabet: [UInt32], limit: Int
  ) -> [Piece] {
    let smallest = estimator.pieces.isEmpty ? 0 : estimator.smallestScore
    var known: [UInt32: Double] = [:]
    for piece in estimator.pieces where seeds.pieces[piece].length == 1 {
      for scalar in seeds.scalars(seeds.pieces[piece]) { known[scalar] = estimator.scores[piece] }
    }
    var pieces: [Piece] = []
    // Characters without a probability of their own get the smallest, each a little apart from the others.
    var distance = 0.0
    for scalar in alphabet {
      var bytes: [UInt8] = []
      bytes.append(utf8: scalar)
      let text = String(decoding: bytes, as: UTF8.self)
      if let score = known[scalar] {
        pieces.append(Piece(text: text, score: score))
      } else {
        pieces.append(Piece(text: text, score: smallest + distance))
        distance += 0.0001
      }
    }
    for piece in estimator.pieces where seeds.pieces[piece].length > 1 {
      if pieces.count >= limit { break }
      var bytes: [UInt8] = []
      for scalar in seeds.scalars(seeds.pieces[piece]) { bytes.append(utf8: scalar) }
      pieces.append(
        Piece(text: String(decoding: bytes, as: UTF8.self), score: estimator.scores[piece]))
    }
    // Equal scores leave the order in which pieces came.
    return pieces.enumerated().sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
      .map(\.element)
  }
}
