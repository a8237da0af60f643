/// The added tokens of a tokenizer with their ids, and how texts are searched for them.
struct AddedTokens: Sendable {
  /// Added tokens by id, in ascending order of id.
  private(set) var tokens: [(id: Int32, token: AddedToken)] = []
  private let raw: AddedTokenMatcher
  private let normalized: AddedTokenMatcher
  private let normalizer: TextNormalizer

  /// Gives ids to added tokens: those of the vocabulary where it has them, new ones behind it otherwise.
  init(_ list: [AddedToken], vocabulary: Vocabulary, normalizer: TextNormalizer) {
    self.normalizer = normalizer
    var next = Int32(vocabulary.count)
    var ids: [[UInt8]: Int32] = [:]
    var byID: [Int32: AddedToken] = [:]
    for token in list where !token.content.isEmpty {
      let content = Array(token.content.utf8)
      let id: Int32
      if let known = ids[content] ?? vocabulary.id(of: token.content) {
        id = known
      } else {
        id = next
        next += 1
      }
      ids[content] = id
      byID[id] = token
    }
    tokens = byID.sorted { $0.key < $1.key }.map { (id: $0.key, token: $0.value) }
    raw = AddedTokenMatcher(
      tokens.filter { !$0.token.normalized }.map {
        AddedTokenMatcher.Pattern(bytes: Array($0.token.content.utf8), id: $0.id, token: $0.token)
      })
    normalized = AddedTokenMatcher(
      tokens.filter(\.token.normalized).map {
        let text = normalizer.normalize(Array($0.token.content.utf8).span, firstOrigin: 0)
        return AddedTokenMatcher.Pattern(bytes: text.utf8, id: $0.id, token: $0.token)
      })
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
  func cut(_ text: Span<UInt8>, with cutter: WordCutter, into output: inout TokenBuffer) {
    if normalized.isEmpty, !raw.mayMatch(text) {
      cutter.cut(text, firstOrigin: 0, into: &output)
      return
    }
    var origin: Int32 = 0
    for stretch in raw.split(text) {
      let piece = text.extracting(stretch.range)
      if let id = stretch.id {
        let end = origin + piece.scalarCount
        append(id, origin, end, String(copying: piece), to: &output)
        origin = end
      } else if normalized.isEmpty {
        cutter.cut(piece, firstOrigin: origin, into: &output)
        // The last stretch needs no count.
        if stretch.range.upperBound < text.count { origin += piece.scalarCount }
      } else {
        cutNormalized(piece, origin, cutter, &output)
        origin += piece.scalarCount
      }
    }
  }

  private func cutNormalized(
    _ piece: Span<UInt8>, _ origin: Int32, _ cutter: WordCutter, _ output: inout TokenBuffer
  ) {
    let text = normalizer.normalize(piece, firstOrigin: origin)
    let bytes = text.utf8
    var scalar = 0
    for stretch in normalized.split(bytes.span) {
      let part = bytes.span.extracting(stretch.range)
      let range = scalar..<(scalar + Int(part.scalarCount))
      scalar = range.upperBound
      if let id = stretch.id {
        append(
          id, text.origins[range.lowerBound], text.origins[range.upperBound - 1] + 1, String(copying: part),
          to: &output)
      } else {
        cutter.cut(
          TextNormalizer.Output(scalars: Array(text.scalars[range]), origins: Array(text.origins[range])),
          into: &output)
      }
    }
  }

  private func append(
    _ id: Int32, _ start: Int32, _ end: Int32, _ text: String, to output: inout TokenBuffer
  ) {
    output.texts.append((output.count, text))
    output.append(id, start, end)
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
