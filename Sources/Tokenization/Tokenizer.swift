import Foundation

/// What turns texts into the ids of a model, equal to Hugging Face `tokenizers`: `BertTokenizer` or
/// `ByteLevelBPETokenizer`; `loadTokenizer(directory:)` picks the one that a folder holds.
///
/// Everything but saving is one code over the pipeline, so a conforming type only says what its pipeline is made of.
public protocol Tokenizer: Sendable {
  /// Vocabulary, added tokens, cutter and template.
  var pipeline: TokenizerPipeline { get }

  /// Writes the tokenizer's files so that `AutoTokenizer.from_pretrained` reads the same tokenizer.
  ///
  /// - Parameters:
  ///   - directory: an existing folder.
  ///   - legacyFiles: whether to write `special_tokens_map.json` too, which only old software reads.
  /// - Throws: `TokenizerError.format` when a file cannot be written.
  func save(to directory: URL, legacyFiles: Bool) throws(TokenizerError)
}

extension Tokenizer {
  /// Writes the tokenizer's files so that `AutoTokenizer.from_pretrained` reads the same tokenizer.
  ///
  /// - Parameter directory: an existing folder.
  /// - Throws: `TokenizerError.format` when a file cannot be written.
  public func save(to directory: URL) throws(TokenizerError) {
    try save(to: directory, legacyFiles: false)
  }

  /// The tokens of the model, without the added tokens that lie behind it.
  public var vocabulary: Vocabulary { pipeline.vocabulary }
  /// Tokens that are found in the raw text, special ones among them, in order of id.
  public var addedTokens: [AddedToken] { pipeline.added.tokens.map(\.token) }
  /// The longest sequence the model was made for, nil when the files name no limit.
  public var modelMaxLength: Int? { pipeline.modelMaxLength }
  /// One more than the largest id: the number of rows an embedding table needs.
  public var idLimit: Int { pipeline.idLimit }

  /// The id of the token for what the vocabulary cannot spell, nil when there is none.
  public var unkID: Int32? { pipeline.specials.unknown }
  /// The id of the padding token, nil when there is none.
  public var padID: Int32? { pipeline.specials.padding }
  /// The id of the token in front of every sequence, nil when there is none.
  public var clsID: Int32? { pipeline.specials.classification }
  /// The id of the token behind every sequence, nil when there is none.
  public var sepID: Int32? { pipeline.specials.separator }
  /// The id of the token that hides a word, nil when there is none.
  public var maskID: Int32? { pipeline.specials.mask }

  /// The id of a token of the vocabulary or an added one, nil when there is none.
  public func id(of token: String) -> Int32? { pipeline.id(of: token) }

  /// The token with an id, nil when there is none.
  public func token(_ id: Int32) -> String? { pipeline.token(id) }

  /// What cuts single words of a text that was split before, as Hugging Face does with `is_split_into_words`.
  ///
  /// Byte-level vocabularies have a word's first piece with the space before it, so these tokenizers put one there
  /// (`add_prefix_space`), also behind an added token inside a word, but not before a word that begins with one.
  package var forSplitWords: any Tokenizer {
    if let tokenizer = self as? ByteLevelBPETokenizer { return tokenizer.prefixingSpaces }
    return self
  }

  /// This tokenizer for a model that reads at most so many tokens: what is saved says so, since `transformers` cuts texts
  /// where the tokenizer says, and not where the model does.
  package func limited(to length: Int) -> any Tokenizer {
    if let own = modelMaxLength, own <= length { return self }
    switch self {
    case let tokenizer as BertTokenizer: return BertTokenizer(tokenizer, modelMaxLength: length)
    case let tokenizer as ByteLevelBPETokenizer:
      return ByteLevelBPETokenizer(tokenizer, modelMaxLength: length)
    default: return self
    }
  }

  /// The tokens that the vocabulary names more than once; the last counts.
  package var repeatedTokens: [String] { vocabulary.repeatedTokens }

  /// One more than the largest segment id: the number of rows a segment table needs.
  package func segmentLimit(isPair: Bool) -> Int {
    let segments = pipeline.template.pieces(isPair: isPair).map { piece in
      switch piece {
      case .text(_, let segment), .special(_, let segment): Int(segment) + 1
      }
    }
    return segments.max() ?? 1
  }

  /// How many special tokens come on top of one text, or of a pair.
  public func addedTokenCount(isPair: Bool = false) -> Int {
    pipeline.layouts[isPair: isPair, addSpecialTokens: true].specialCount
  }
}
