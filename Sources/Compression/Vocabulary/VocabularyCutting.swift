import Datasets
import Encoders
import Kernels
import ModelFormats
import Tokenization

/// Cutting of the vocabulary: tokens that texts do not use lose their rows, and the tokenizer is written anew (TextPruner's
/// `VocabularyPruner`, with merges that fit).
///
/// With a `minCount` of 1 it is lossless on the texts: they are cut into the same tokens, and every answer stays as it was. Other
/// texts are cut into smaller pieces. Characters of ASCII, special and added tokens, and what byte-pair merging needs stay in any case.
public struct VocabularyCutting: CompressionMethod {
  /// Texts that the smaller vocabulary shall spell, each part of a pair by itself.
  public var texts: [String]
  /// The number of times that a token must occur in them to stay.
  public var minCount: Int
  /// Languages whose tokens stay however often they occur.
  public var languages: Set<Language>
  /// Tokens that stay however often they occur.
  public var keeping: [String]

  /// Cutting to the tokens of some texts and languages; the ids of rows that the method is given count too.
  public init(
    to texts: [String], languages: Set<Language> = [], minCount: Int = 1, keeping: [String] = []
  ) {
    (self.texts, self.languages) = (texts, languages)
    (self.minCount, self.keeping) = (minCount, keeping)
  }

  /// The name `vocabulary`.
  public var name: String { "vocabulary" }
  /// False: texts are enough.
  public var needsRows: Bool { false }

  /// Cuts the vocabulary of a model that comes with its tokenizer.
  ///
  /// - Throws: `CompressionError` without a tokenizer or texts; `TokenizerError` for a kind of tokenizer that cannot be cut.
  public func callAsFunction(_ model: CompressedModel, rows: CompressionRows?) throws -> CompressedModel {
    guard let tokenizer = model.tokenizer else {
      throw CompressionError.request("\(name): needs the model's tokenizer")
    }
    guard minCount > 0 else {
      throw CompressionError.request("min_count: found \(minCount), expected a whole number from 1")
    }
    guard !texts.isEmpty || !languages.isEmpty || !(rows?.examples.isEmpty ?? true) else {
      throw CompressionError.request("\(name): needs texts, rows or languages whose tokens stay")
    }
    let before = tokenizer.encodeBatch(texts)
    var counts: [Int32: Int] = [:]
    for encoding in before { for id in encoding.ids { counts[id, default: 0] += 1 } }
    for example in rows?.examples ?? [] { for id in example.ids { counts[id, default: 0] += 1 } }
    var kept = Set(counts.filter { $0.value >= minCount }.keys)
    kept.formUnion(keeping.compactMap { tokenizer.id(of: $0) })
    kept.formUnion(tokenizer.tokensOfASCII)
    if !languages.isEmpty { kept.formUnion(try tokenizer.tokens(of: languages)) }
    if minCount == 1 { kept.formUnion(tokenizer.tokensBesideUnknownWords(of: texts, before)) }
    // Positions may be counted from the padding token's row.
    if model.model.config.countsPositionsFromPadding {
      kept.formUnion((0..<Int32(model.model.config.padTokenID)))
    }
    let cut = try tokenizer.keeping(kept)
    let after = cut.tokenizer.encodeBatch(texts)
    let changed = zip(before, after).count { $0.ids != $1.ids.map { cut.oldIDs[Int($0)] } }
    let pad =
      cut.tokenizer.padID.map { Int($0) }
      ?? cut.oldIDs.firstIndex(of: Int32(model.model.config.padTokenID)) ?? 0
    let smaller = try StructuredPruning.model { () throws(ModelError) in
      try model.model.keeping(words: cut.oldIDs, padTokenID: pad)
    }
    return model.becoming(
      smaller, tokenizer: cut.tokenizer, by: name,
      notes: [
        changed == 0
          ? "all \(texts.count) texts are cut into the same tokens"
          : "\(changed) of \(texts.count) texts are cut into other tokens"
      ])
  }
}

extension Tokenizer {
  /// The tokens of some languages.
  fileprivate func tokens(of languages: Set<Language>) throws(CompressionError) -> Set<Int32> {
    switch wordSign {
    case .beginning(_, spellsBytes: true):
      throw .request(
        "vocabulary: the tokens of this vocabulary are bytes, which belong to no language; give texts alone")
    case .beginning, .continuation:
      return Set(
        (0..<Int32(vocabulary.count)).filter { id in
          vocabulary.token(id).map { Language.spell($0, in: languages) } ?? false
        })
    }
  }

  /// The tokens of single characters of ASCII, at the beginning of words and inside them.
  fileprivate var tokensOfASCII: Set<Int32> {
    var ids: Set<Int32> = []
    for code in UInt8(0x21)...0x7E {
      let character = String(UnicodeScalar(code))
      for text in [character, "a" + character, "##" + character] {
        ids.formUnion(encodeIDs(text, addSpecialTokens: false).ids)
      }
      ids.formUnion([character, "##" + character].compactMap { id(of: $0) })
    }
    return ids
  }

  /// Tokens that would have been the beginning of unknown words.
  ///
  /// WordPiece gives up a word where no token fits. Without the tokens before that place shorter ones could take theirs and find
  /// a way through, so that the word would be known. Those tokens are what the beginnings of the word are cut into.
  fileprivate func tokensBesideUnknownWords(of texts: [String], _ encodings: [Encoding]) -> Set<Int32> {
    guard let unknown = unkID else { return [] }
    let found = concurrentMap(texts.count) { index -> Set<Int32> in
      let encoding = encodings[index]
      guard encoding.ids.contains(unknown) else { return [] }
      let scalars = Array(texts[index].unicodeScalars)
      var ids: Set<Int32> = []
      for (id, offsets) in zip(encoding.ids, encoding.offsets) where id == unknown {
        let word = scalars[offsets.lowerBound..<min(offsets.upperBound, scalars.count)]
        for length in 1..<max(2, min(word.count, 100)) {
          var part = String.UnicodeScalarView()
          part.append(contentsOf: word.prefix(length))
          ids.formUnion(encodeIDs(String(part), addSpecialTokens: false).ids)
        }
      }
      return ids
    }
    return found.reduce(into: []) { $0.formUnion($1) }
  }
}
