/// A tokenized text or pair of texts: parallel arrays with one element a token, special tokens included.
public struct Encoding: Sendable, Equatable {
  /// Token ids.
  public internal(set) var ids: [Int32] = []
  /// Segments (token types): 0 for the first text and its special tokens, 1 for the pair, unless a template says other.
  public internal(set) var segments: [Int32] = []
  /// Token strings; an added token shows the stretch of text it matched.
  public internal(set) var tokens: [String] = []
  /// Where each token lies in its original text, in Unicode scalars; 0..<0 for special tokens that no text contains.
  public internal(set) var offsets: [Range<Int>] = []
  /// Which text a token comes from: 0, 1 for the pair, nil for the special tokens put around them.
  public internal(set) var sequenceIndex: [Int?] = []
  /// The number of the word (or punctuation mark) in its text that a token belongs to.
  public internal(set) var wordIndex: [Int?] = []
  /// Whether a token is one of the special tokens put around the texts.
  public internal(set) var specialTokensMask: [Bool] = []

  /// The number of tokens.
  public var count: Int { ids.count }

  init() {}

  init(capacity: Int) {
    ids.reserveCapacity(capacity)
    segments.reserveCapacity(capacity)
    tokens.reserveCapacity(capacity)
    offsets.reserveCapacity(capacity)
    sequenceIndex.reserveCapacity(capacity)
    wordIndex.reserveCapacity(capacity)
    specialTokensMask.reserveCapacity(capacity)
  }
}
