/// Options of byte-pair encoding over characters, as Gemma and Llama have it, under the names of `tokenizers`' `BPE`.
struct CharacterPairOptions: Sendable, Equatable {
  /// `unk_token`: the token for characters that the vocabulary lacks; nil drops them.
  var unknownToken: String?
  /// `fuse_unk`: whether unknown characters side by side become one token.
  var fusesUnknowns = false
  /// `byte_fallback`: whether an unknown character becomes the tokens `<0x00>` to `<0xFF>` of its bytes.
  var fallsBackToBytes = false
  /// `ignore_merges`: whether a word that is a token stays whole, whatever the merges make of it.
  var ignoresMerges = false
  /// `continuing_subword_prefix`: the mark of characters behind the first of a word.
  var continuingPrefix: String?
  /// `end_of_word_suffix`: the mark of the last character of a word.
  var wordSuffix: String?
}

/// Byte-pair model over characters: cuts a word into its characters, and merges these pair by pair.
///
/// The order of merges is that of byte-level vocabularies; only what the merges begin with differs.
final class CharacterPairs: WordMerging {
  let vocabulary: Vocabulary
  let options: CharacterPairOptions
  let table: MergeTable
  private let unknown: Int32?
  /// The token of each byte, -1 for none; empty without `byte_fallback`.
  private let byteTokens: [Int32]
  /// The token of each ASCII character, -1 for none.
  private let asciiTokens: [Int32]
  private let prefix: [UInt8]
  private let suffix: [UInt8]

  /// - Parameter fault: the error for a merge (counted from 0) or, with nil, for the vocabulary and the options.
  init(
    _ vocabulary: Vocabulary, _ merges: [(left: String, right: String)], _ options: CharacterPairOptions,
    fault: (Int?, String) -> TokenizerError
  ) throws(TokenizerError) {
    prefix = Array((options.continuingPrefix ?? "").utf8)
    suffix = Array((options.wordSuffix ?? "").utf8)
    if options.fallsBackToBytes, !prefix.isEmpty || !suffix.isEmpty {
      throw fault(
        nil,
        "has byte_fallback together with continuing_subword_prefix or end_of_word_suffix, expected one of them: the"
          + " bytes of such a mark have no place in the text")
    }
    unknown = options.unknownToken.flatMap { vocabulary.id(of: $0) }
    if let token = options.unknownToken, unknown == nil {
      throw fault(nil, "names the unk_token \"\(token)\", which the vocabulary does not have")
    }
    self.vocabulary = vocabulary
    self.options = options
    table = MergeTable(
      try MergeTable.pairs(merges, vocabulary, prefixLength: prefix.count) { fault($0, $1) })
    byteTokens = options.fallsBackToBytes ? ByteFallback.tokens(of: vocabulary) : []
    asciiTokens = (0..<128).map { vocabulary.id(of: String(Unicode.Scalar(UInt8($0)))) ?? -1 }
  }

  /// The tokens that no text needs to be cut into them, and every smaller vocabulary keeps.
  var fixedTokens: [Int32] { byteTokens.filter { $0 >= 0 } + [unknown].compactMap(\.self) }

  func cut(_ word: Span<UInt8>, into scratch: inout MergeScratch) {
    scratch.pieces.removeAll(keepingCapacity: true)
    if options.ignoresMerges, let id = vocabulary.id(of: word) {
      scratch.add(id, bytes: word.count)
      return
    }
    // Unknown bytes that have not become a token yet.
    var pending = 0
    var position = 0
    while position < word.count {
      let length = word.scalar(at: position).length
      let id = token(of: word, position..<position + length)
      if id >= 0 {
        if pending > 0, let unknown { scratch.add(unknown, bytes: pending) }
        pending = 0
        scratch.add(id, bytes: length)
      } else if !addBytes(of: word, position..<position + length, to: &scratch) {
        if pending > 0, !options.fusesUnknowns, let unknown {
          scratch.add(unknown, bytes: pending)
          pending = 0
        }
        pending += length
      }
      position += length
    }
    if pending > 0, let unknown { scratch.add(unknown, bytes: pending) }
    scratch.mergeAdded(by: table)
  }

  /// The token of a character of a word, negative for none.
  private func token(of word: Span<UInt8>, _ range: Range<Int>) -> Int32 {
    if prefix.isEmpty, suffix.isEmpty {
      let first = word[range.lowerBound]
      return first < 0x80 ? asciiTokens[Int(first)] : vocabulary.id(of: word.extracting(range)) ?? -1
    }
    var marked: [UInt8] = range.lowerBound > 0 ? prefix : []
    for index in range { marked.append(word[index]) }
    if range.upperBound == word.count { marked += suffix }
    return vocabulary.id(of: marked.span) ?? -1
  }

  /// Adds the tokens of a character's bytes; says whether the vocabulary has them all.
  private func addBytes(of word: Span<UInt8>, _ range: Range<Int>, to scratch: inout MergeScratch) -> Bool {
    if byteTokens.isEmpty { return false }
    for index in range where byteTokens[Int(word[index])] < 0 { return false }
    for index in range { scratch.add(byteTokens[Int(word[index])], bytes: 1) }
    return true
  }
}
