import Foundation

/// Finds added tokens in a text: of all that match, the leftmost, and of those the longest.
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
  /// For each byte whether a pattern starts with it.
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
    if let onlyStart {
      return text.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress, start < bytes.count else { return nil }
        return memchr(base + start, Int32(onlyStart), bytes.count - start).map { base.distance(to: $0) }
      }
    }
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
  private static func isWordCharacter(_ scalar: UInt32) -> Bool {
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
