/// The added tokens of a tokenizer with their ids, and how texts are searched for them.
struct AddedTokens: Sendable {
  /// Added tokens by id, in ascending order of id.
  private(set) var tokens: [(id: Int32, token: AddedToken)] = []
  private let raw: AddedTokenMatcher
  private let normalized: AddedTokenMatcher

  /// Gives ids to added tokens: those of the vocabulary where it has them, new ones behind it otherwise.
  ///
  /// - Parameter splitsSpecial: Whether special tokens in texts are cut like other text (`split_special_tokens`).
  init(_ list: [AddedToken], vocabulary: Vocabulary, cutter: any TextCutter, splitsSpecial: Bool) {
    var largest: Int32 = -1
    var ids: [[UInt8]: Int32] = [:]
    var byID: [Int32: AddedToken] = [:]
    for token in list where !token.content.isEmpty {
      let content = Array(token.content.utf8)
      let id: Int32
      if let known = ids[content] ?? vocabulary.id(of: token.content) {
        id = known
      } else {
        // As in `tokenizers`, which counts tokens and not ids.
        id = largest >= vocabulary.count ? largest + 1 : Int32(vocabulary.count)
      }
      largest = max(largest, id)
      ids[content] = id
      byID[id] = token
    }
    tokens = byID.sorted { $0.key < $1.key }.map { (id: $0.key, token: $0.value) }
    raw = AddedTokenMatcher(
      tokens.filter { !$0.token.normalized }.map {
        AddedTokenMatcher.Pattern(bytes: Array($0.token.content.utf8), id: $0.id, token: $0.token)
      }, splitsSpecial: splitsSpecial)
    normalized = AddedTokenMatcher(
      tokens.filter(\.token.normalized).map {
        AddedTokenMatcher.Pattern(
          bytes: cutter.normalized(Array($0.token.content.utf8)), id: $0.id, token: $0.token)
      }, splitsSpecial: splitsSpecial)
  }

  /// The id of an added token.
  func id(of content: String) -> Int32? {
    tokens.first { $0.token.content.utf8.elementsEqual(content.utf8) }?.id
  }

  /// The text of an added token.
  func content(of id: Int32) -> String? {
    tokens.first { $0.id == id }?.token.content
  }

  /// Cuts a whole text: finds added tokens and leaves the rest to the cutter.
  func cut(_ text: Span<UInt8>, with cutter: any TextCutter, into output: inout TokenBuffer) {
    if text.isEmpty { return }
    if !raw.mayMatch(text) {
      cutRest(text, 0, cutter, &output)
      return
    }
    var origin: Int32 = 0
    for stretch in raw.split(text) {
      let piece = text.extracting(stretch.range)
      // The last stretch needs no count.
      let end = stretch.id != nil || stretch.range.upperBound < text.count ? origin + piece.scalarCount : 0
      if let id = stretch.id {
        output.append(match: id, origin, end, text: String(copying: piece))
      } else {
        cutRest(piece, origin, cutter, &output)
      }
      origin = end
    }
  }

  /// Cuts a stretch without raw matches.
  private func cutRest(
    _ piece: Span<UInt8>, _ origin: Int32, _ cutter: any TextCutter, _ output: inout TokenBuffer
  ) {
    if normalized.isEmpty {
      cutter.cut(piece, firstOrigin: origin, into: &output)
    } else {
      cutter.cut(piece, firstOrigin: origin, finding: normalized, into: &output)
    }
  }
}

extension TextNormalizer.Output {
  /// The normalised text in UTF-8.
  var utf8: [UInt8] {
    var bytes: [UInt8] = []
    for scalar in scalars { bytes.append(utf8: scalar) }
    return bytes
  }
}

extension Span<UInt8> {
  /// The number of Unicode scalars of valid UTF-8.
  var scalarCount: Int32 {
    var count: Int32 = 0
    for position in 0..<self.count where self[unchecked: position] & 0xC0 != 0x80 { count += 1 }
    return count
  }
}

extension String {
  /// The text of valid UTF-8.
  init(copying bytes: Span<UInt8>) {
    self = bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }
}
