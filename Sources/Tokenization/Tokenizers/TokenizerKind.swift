import ModelFormats

/// Kind of tokenizer: what each says of itself beyond its pipeline.
///
/// A new kind is one conformance.
protocol TokenizerKind: Tokenizer {
  /// The sign by which its tokens show where words begin.
  var wordSign: WordSign { get }

  /// The tokenizer for single words of a text that was split before.
  var splittingWords: any Tokenizer { get }

  /// The same tokenizer for a model that reads at most so many tokens.
  func limiting(to length: Int) -> Self

  /// The maker of the tokenizer of fewer tokens, in their old order and with ids from 0.
  ///
  /// - Parameter kept: The tokens that must stay; the kind adds those that it cannot do without.
  /// - Throws: `TokenizerError` for one that cannot be cut.
  func cutting(_ kept: Set<Int32>) throws(TokenizerError) -> TokenizerMaker
}

/// Maker of a tokenizer with a frame around sequences.
typealias TokenizerMaker = (TokenizerPipeline.Framing) throws(TokenizerError) -> any Tokenizer

extension TokenizerKind {
  var splittingWords: any Tokenizer { self }
}

/// Sign by which the tokens of a vocabulary show where words begin.
package enum WordSign: Sendable, Equatable {
  /// Tokens that go on with a word begin with this (WordPiece's `##`).
  case continuation(String)
  /// Tokens that begin a word begin with one of these (▁, Ġ); `spellsBytes` says that others of their characters stand for
  /// bytes.
  case beginning([Unicode.Scalar], spellsBytes: Bool)
}

extension Tokenizer {
  /// The sign by which this tokenizer's tokens show where words begin.
  package var wordSign: WordSign { (self as? any TokenizerKind)?.wordSign ?? .continuation("") }

  /// The tokenizer for single words of a text that was split before, as Hugging Face's with `is_split_into_words`.
  ///
  /// Byte-level vocabularies have a word's first piece with the space before it, so these tokenizers put one there
  /// (`add_prefix_space`), also behind an added token inside a word, but not before a word that begins with one.
  package var forSplitWords: any Tokenizer { (self as? any TokenizerKind)?.splittingWords ?? self }

  /// This tokenizer for a model that reads at most so many tokens: what is saved says so, since `transformers` cuts texts
  /// where the tokenizer says, and not where the model does.
  package func limited(to length: Int) -> any Tokenizer {
    if let own = modelMaxLength, own <= length { return self }
    return (self as? any TokenizerKind)?.limiting(to: length) ?? self
  }
}

extension TokenizerPipeline {
  /// The name that errors carry for a vocabulary that was cut.
  static let smallerVocabulary = "the smaller vocabulary"
}

extension BertTokenizer: TokenizerKind {
  var wordSign: WordSign { .continuation(options.continuingPrefix) }

  func limiting(to length: Int) -> BertTokenizer { BertTokenizer(self, modelMaxLength: length) }

  func cutting(_ kept: Set<Int32>) throws(TokenizerError) -> TokenizerMaker {
    let vocabulary = vocabulary.keeping(kept)
    return { framing throws(TokenizerError) in
      try BertTokenizer(
        vocabulary: vocabulary, options: self.options, addedTokens: self.addedTokens, framing: framing,
        configuration: self.pipeline.configuration, file: TokenizerPipeline.smallerVocabulary)
    }
  }
}

extension ByteLevelBPETokenizer: TokenizerKind {
  var wordSign: WordSign {
    // Space, tab, line feed and carriage return in the alphabet of bytes.
    .beginning(["\u{120}", "\u{109}", "\u{10A}", "\u{10D}"], spellsBytes: true)
  }

  var splittingWords: any Tokenizer { prefixingSpaces }

  func limiting(to length: Int) -> ByteLevelBPETokenizer {
    ByteLevelBPETokenizer(self, modelMaxLength: length)
  }

  func cutting(_ kept: Set<Int32>) throws(TokenizerError) -> TokenizerMaker {
    var kept = kept.union(table.byteTokens.filter { $0 >= 0 })
    let pairs = table.closing(&kept)
    let (all, vocabulary) = (vocabulary.tokens, vocabulary.keeping(kept))
    let merges = pairs.map { (left: all[Int($0.left)], right: all[Int($0.right)]) }
    let table = try MergeTable(merges, vocabulary) {
      .invalid(
        file: TokenizerPipeline.smallerVocabulary, field: $0.map { "merge \($0 + 1)" } ?? "vocabulary",
        reason: $1)
    }
    return { framing throws(TokenizerError) in
      try ByteLevelBPETokenizer(
        vocabulary: vocabulary, table: table, options: self.options, addedTokens: self.addedTokens,
        framing: framing, configuration: self.pipeline.configuration,
        file: TokenizerPipeline.smallerVocabulary)
    }
  }
}
