import Foundation
import Kernels

/// A tokenizer, which turns texts into the ids of a model, equal to Hugging Face `tokenizers`: `BertTokenizer`,
/// `ByteLevelBPETokenizer` or `SentencePieceTokenizer`; `loadTokenizer(directory:)` picks the one that a folder holds.
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

  /// The number of special tokens on top of one text, or of a pair.
  public func addedTokenCount(isPair: Bool = false) -> Int {
    pipeline.layouts[isPair: isPair, addSpecialTokens: true].specialCount
  }
}

extension Tokenizer {
  /// Tokenizes a text or a pair of texts.
  ///
  /// - Parameters:
  ///   - text: the text.
  ///   - pair: a second text behind it.
  ///   - addSpecialTokens: whether the tokens that frame a sequence are put around.
  public func encode(_ text: String, pair: String? = nil, addSpecialTokens: Bool = true) -> Encoding {
    pipeline.encode(text, pair: pair, addSpecialTokens: addSpecialTokens)
  }

  /// Tokenizes a text or a pair of texts and cuts it to a length.
  ///
  /// - Throws: `TokenizerError.truncation` when the strategy cannot reach the length.
  public func encode(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation?
  ) throws(TokenizerError) -> Encoding {
    guard truncation != nil else { return encode(text, pair: pair, addSpecialTokens: addSpecialTokens) }
    let buffers = [pipeline.cut(text)] + (pair.map { [pipeline.cut($0)] } ?? [])
    let kept = try pipeline.kept(buffers, addSpecialTokens: addSpecialTokens, truncation)
    return pipeline.assemble(buffers, kept, addSpecialTokens: addSpecialTokens)
  }

  /// Tokenizes a text or a pair of texts, giving only ids and segments: the cheap form for training.
  public func encodeIDs(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true
  ) -> (ids: [Int32], segments: [Int32]) {
    let encoding = encode(text, pair: pair, addSpecialTokens: addSpecialTokens)
    return (encoding.ids, encoding.segments)
  }

  /// Tokenizes a text or a pair of texts and cuts it to a length, giving only ids and segments.
  ///
  /// - Throws: `TokenizerError.truncation` when the strategy cannot reach the length.
  public func encodeIDs(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation?
  ) throws(TokenizerError) -> (ids: [Int32], segments: [Int32]) {
    let encoding = try encode(text, pair: pair, addSpecialTokens: addSpecialTokens, truncation: truncation)
    return (encoding.ids, encoding.segments)
  }

  /// Tokenizes a text or a pair and lays windows over what is too long, each repeating `stride` tokens of the one before.
  ///
  /// The first window is what `encode` returns; the others follow in the order of `overflowing` in `tokenizers`.
  ///
  /// - Throws: `TokenizerError.truncation` when the strategy cannot reach the length.
  public func encodeWindows(
    _ text: String, pair: String? = nil, addSpecialTokens: Bool = true, truncation: Truncation
  ) throws(TokenizerError) -> [Encoding] {
    let buffers = [pipeline.cut(text)] + (pair.map { [pipeline.cut($0)] } ?? [])
    let lengths = try pipeline.kept(buffers, addSpecialTokens: addSpecialTokens, truncation)
    let windows = zip(buffers, lengths).map { buffer, kept in
      truncationWindows(count: buffer.count, length: kept.count, stride: truncation.stride)
    }
    if windows.count == 1 {
      return windows[0].map { pipeline.assemble(buffers, [$0], addSpecialTokens: addSpecialTokens) }
    }
    let (first, second) = (windows[0], windows[1])
    var order = [[first[0], second[0]]]
    for a in first.dropFirst() { order += second.map { [a, $0] } }
    order += second.dropFirst().map { [first[0], $0] }
    return order.map { pipeline.assemble(buffers, $0, addSpecialTokens: addSpecialTokens) }
  }

  /// Tokenizes many texts on all cores; the result does not depend on the number of cores.
  ///
  /// - Parameter pairs: a second text for each, or nil.
  public func encodeBatch(
    _ texts: [String], pairs: [String]? = nil, addSpecialTokens: Bool = true, threads: Int? = nil
  ) -> [Encoding] {
    checkPairs(texts, pairs)
    let pipeline = pipeline
    return concurrentMap(texts.count, threads: threads) { index in
      pipeline.encode(texts[index], pair: pairs?[index], addSpecialTokens: addSpecialTokens)
    }
  }

  /// Tokenizes many texts on all cores and cuts each to a length, giving only ids and segments.
  ///
  /// - Throws: `TokenizerError.truncation` for the first text that the strategy cannot cut to the length.
  public func encodeIDsBatch(
    _ texts: [String], pairs: [String]? = nil, addSpecialTokens: Bool = true, truncation: Truncation? = nil,
    threads: Int? = nil
  ) throws(TokenizerError) -> [(ids: [Int32], segments: [Int32])] {
    checkPairs(texts, pairs)
    let results = concurrentMap(texts.count, threads: threads) {
      index -> Result<(ids: [Int32], segments: [Int32]), TokenizerError> in
      do throws(TokenizerError) {
        return .success(
          try encodeIDs(
            texts[index], pair: pairs?[index], addSpecialTokens: addSpecialTokens, truncation: truncation))
      } catch {
        return .failure(error)
      }
    }
    var encoded: [(ids: [Int32], segments: [Int32])] = []
    encoded.reserveCapacity(results.count)
    for result in results { encoded.append(try result.get()) }
    return encoded
  }

  private func checkPairs(_ texts: [String], _ pairs: [String]?) {
    precondition(
      pairs.map { $0.count == texts.count } ?? true,
      "Each text needs one pair, but there are \(texts.count) texts and \(pairs?.count ?? 0) pairs.")
  }
}

/// The windows of `length` tokens over `count` tokens, each repeating `step` tokens of the one before.
private func truncationWindows(count: Int, length: Int, stride step: Int) -> [Range<Int>] {
  if length >= count { return [0..<count] }
  if length == 0 { return [0..<0, 0..<count] }
  var windows: [Range<Int>] = []
  var start = 0
  while true {
    let end = min(start + length, count)
    windows.append(start..<end)
    if end == count { return windows }
    start += length - step
  }
}

extension SpecialFrame {
  /// The frame that a tokenizer's template puts around a text, or around and between a pair of texts.
  package init(of tokenizer: any Tokenizer, isPair: Bool = false) {
    self.init(tokenizer.pipeline.layouts[isPair: isPair, addSpecialTokens: true])
  }
}
