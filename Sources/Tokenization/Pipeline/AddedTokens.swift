import ModelFormats

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
    self.init(decoding: bytes.indices.map { bytes[$0] }, as: UTF8.self)
  }
}

/// Matcher of added tokens in a text: of all that match, the leftmost, and of those the longest.
struct AddedTokenMatcher: Sendable {
  /// A pattern with the token it stands for.
  struct Pattern: Sendable {
    var bytes: [UInt8]
    var id: Int32
    var token: AddedToken
  }

  /// A stretch of the text: an added token, or what lies between two.
  struct Stretch: Equatable {
    var range: Range<Int>
    var id: Int32?
  }

  /// The patterns, longest first.
  private let patterns: [Pattern]
  /// The bytes that patterns start with.
  private let starts: [Bool]
  /// The byte that all patterns start with, if it is one: `[` for BERT's own.
  private let onlyStart: UInt8?
  /// Whether special tokens are left to be cut like other text.
  private let splitsSpecial: Bool

  init(_ patterns: [Pattern], splitsSpecial: Bool) {
    self.splitsSpecial = splitsSpecial
    let usable = patterns.filter { !$0.bytes.isEmpty }
    // Sorted by length with ties in the given order; equal patterns: the first wins.
    self.patterns = usable.enumerated()
      .sorted { ($1.element.bytes.count, $0.offset) < ($0.element.bytes.count, $1.offset) }
      .map(\.element)
    var starts = [Bool](repeating: false, count: 256)
    for pattern in usable { starts[Int(pattern.bytes[0])] = true }
    self.starts = starts
    onlyStart = starts.count { $0 } == 1 ? starts.firstIndex(of: true).map { UInt8($0) } : nil
  }

  var isEmpty: Bool { patterns.isEmpty }

  /// Cuts a text into added tokens and the stretches between them, none empty.
  func split(_ text: Span<UInt8>) -> [Stretch] {
    if text.isEmpty { return [] }
    var result: [Stretch] = []
    var done = 0
    var position = 0
    while let candidate = candidate(in: text, from: position) {
      position = candidate
      guard let pattern = pattern(in: text, at: position) else {
        position += 1
        continue
      }
      var match = position..<(position + pattern.bytes.count)
      position = match.upperBound
      if splitsSpecial, pattern.token.special { continue }
      if pattern.token.singleWord, !standsAlone(match, in: text) { continue }
      if pattern.token.stripsLeft {
        var start = match.lowerBound
        while let previous = text.scalar(before: start), Self.isWhite(previous.scalar) {
          start -= previous.length
        }
        match = start..<match.upperBound
      }
      if pattern.token.stripsRight {
        var end = match.upperBound
        while end < text.count {
          let next = text.scalar(at: end)
          if !Self.isWhite(next.scalar) { break }
          end += next.length
        }
        match = match.lowerBound..<end
      }
      // The white space may already belong to the token before.
      match = max(match.lowerBound, done)..<match.upperBound
      if match.isEmpty { continue }
      if done < match.lowerBound { result.append(Stretch(range: done..<match.lowerBound, id: nil)) }
      result.append(Stretch(range: match, id: pattern.id))
      done = match.upperBound
    }
    if done < text.count { result.append(Stretch(range: done..<text.count, id: nil)) }
    return result
  }

  /// Whether some pattern may be in a text; a no is certain and quick.
  func mayMatch(_ text: Span<UInt8>) -> Bool { candidate(in: text, from: 0) != nil }

  /// The next position at which a pattern may start.
  private func candidate(in text: Span<UInt8>, from start: Int) -> Int? {
    if patterns.isEmpty { return nil }
    if let onlyStart { return text.firstIndex(of: onlyStart, from: start) }
    return (start..<text.count).first { starts[Int(text[unchecked: $0])] }
  }

  private func pattern(in text: Span<UInt8>, at position: Int) -> Pattern? {
    let rest = text.count - position
    for pattern in patterns where pattern.bytes.count <= rest {
      if pattern.bytes.indices.allSatisfy({ text[position + $0] == pattern.bytes[$0] }) { return pattern }
    }
    return nil
  }

  private func standsAlone(_ match: Range<Int>, in text: Span<UInt8>) -> Bool {
    if let previous = text.scalar(before: match.lowerBound), Self.isWordCharacter(previous.scalar) {
      return false
    }
    if match.upperBound < text.count, Self.isWordCharacter(text.scalar(at: match.upperBound).scalar) {
      return false
    }
    return true
  }

  private static func isWhite(_ scalar: UInt32) -> Bool {
    UnicodeTables.shared.properties(of: scalar).contains(.white)
  }

  /// `\w` of regular expressions, as `tokenizers` knows it.
  static func isWordCharacter(_ scalar: UInt32) -> Bool {
    var low = 0
    var high = wordRanges.count
    while low < high {
      let middle = (low + high) >> 1
      if wordRanges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
    }
    return low < wordRanges.count && wordRanges[low].contains(scalar)
  }

  private static let wordRanges = UnicodeDataReader(UnicodeWordData.ranges).map(\.range)
}

extension Span<UInt8> {
  /// The scalar that ends right before a position, nil at the beginning.
  func scalar(before position: Int) -> (scalar: UInt32, length: Int)? {
    if position == 0 { return nil }
    var start = position - 1
    while start > 0, self[start] & 0xC0 == 0x80 { start -= 1 }
    return scalar(at: start)
  }
}
