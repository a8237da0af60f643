/// Rules of replacement as SentencePiece compiles them: a double array (Darts-clone) from left sides to results.
///
/// The bytes are the size of the array in bytes, the array's units and the results, each ended by NUL.
struct CharacterRules: Sendable, Equatable {
  /// A fault in compiled rules.
  struct Fault: Error {
    var reason: String
  }

  /// The results, one after the other.
  let results: [UInt8]
  /// The double array.
  private let units: [UInt32]
  /// For each scalar below U+10000 where its result begins in `results`, or a sign of `Single`.
  private let singles: [Int32]

  /// Signs for scalars without a rule of their own.
  private enum Single {
    /// Begins no rule, but may join others to a cluster.
    static let joining: Int32 = -1
    /// Begins no rule, joins nothing before it and has nothing but marks join it.
    static let plain: Int32 = -2
  }

  /// - Parameter charsmap: The compiled rules; none for no rule at all.
  init(_ charsmap: [UInt8]) throws(Fault) {
    guard charsmap.count >= 8 else {
      throw Fault(
        reason: "found \(charsmap.count) bytes, expected the size of the trie in 4 and a trie of 4 or more")
    }
    func unit(at position: Int) -> UInt32 {
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(charsmap[position + $1]) << UInt32(8 * $1) }
    }
    let size = Int(unit(at: 0)) / 4 * 4
    guard size >= 4, size <= charsmap.count - 4 else {
      throw Fault(
        reason: "the size of the trie is \(size) bytes, expected 4 to \(charsmap.count - 4), which follow it")
    }
    units = stride(from: 4, to: 4 + size, by: 4).map(unit)
    results = Array(charsmap[(4 + size)...])
    guard String(validating: results, as: UTF8.self) != nil else {
      throw Fault(reason: "found results that are not UTF-8")
    }
    var singles = [Int32](repeating: Single.joining, count: 0x10000)
    var utf8: [UInt8] = []
    for scalar in UInt32(0)..<0x10000 where !(0xD800...0xDFFF).contains(scalar) {
      utf8.removeAll(keepingCapacity: true)
      utf8.append(utf8: scalar)
      guard let start = Self.shortest(in: utf8.span, 0..<utf8.count, units) else {
        if Graphemes.standsAlone(scalar) { singles[Int(scalar)] = Single.plain }
        continue
      }
      guard Self.isBoundary(start, results) else {
        throw Fault(
          reason:
            "the trie names a result at byte \(start), expected the beginning of one in \(results.count) bytes"
        )
      }
      singles[Int(scalar)] = Int32(clamping: start)
    }
    self.singles = singles
  }

  /// Where the result of the shortest rule for a stretch lies, nil where no rule begins it.
  @inline(__always)
  func result(in text: Span<UInt8>, _ range: Range<Int>) -> Range<Int>? {
    let (scalar, length) = text.scalar(at: range.lowerBound)
    if scalar < 0x10000 {
      let start = Int(singles[Int(scalar)])
      if start >= 0 { return start..<end(of: start) }
      if length == range.count { return nil }
    }
    guard let start = Self.shortest(in: text, range, units), Self.isBoundary(start, results) else {
      return nil
    }
    return start..<end(of: start)
  }

  /// The end of the clusters from a position that are one scalar each and stay as they are.
  @inline(__always)
  func plainPrefix(of text: Span<UInt8>, from start: Int) -> Int {
    let singles = singles.span
    var (position, last) = (start, start)
    while position < text.count {
      let byte = text[unchecked: position]
      let (scalar, length) = byte < 0x80 ? (UInt32(byte), 1) : text.scalar(at: position)
      if scalar >= 0x10000 || singles[unchecked: Int(scalar)] != Single.plain {
        // A mark belongs to the last.
        return Graphemes.joinsAny(scalar) ? last : position
      }
      (last, position) = (position, position + length)
    }
    return position
  }

  /// Whether a result may begin at a byte.
  private static func isBoundary(_ start: Int, _ results: [UInt8]) -> Bool {
    start == results.count || start < results.count && results[start] & 0xC0 != 0x80
  }

  private func end(of start: Int) -> Int {
    var end = start
    while end < results.count, results[end] != 0 { end += 1 }
    return end
  }

  // MARK: Double array

  private static func hasLeaf(_ unit: UInt32) -> Bool { unit >> 8 & 1 == 1 }
  private static func value(_ unit: UInt32) -> UInt32 { unit & 0x7FFF_FFFF }
  private static func label(_ unit: UInt32) -> UInt32 { unit & 0x8000_00FF }
  private static func offset(_ unit: UInt32) -> Int { Int(unit >> 10) << Int((unit & 0x200) >> 6) }

  /// Where the result of the shortest rule begins, nil for none; a walk that leaves the array ends there.
  private static func shortest(in text: Span<UInt8>, _ range: Range<Int>, _ units: [UInt32]) -> Int? {
    let units = units.span
    var place = offset(units[0])
    for position in range {
      let byte = text[position]
      if byte == 0 { return nil }
      place ^= Int(byte)
      guard place < units.count, label(units[place]) == UInt32(byte) else { return nil }
      let unit = units[place]
      place ^= offset(unit)
      if hasLeaf(unit) {
        guard place < units.count else { return nil }
        return Int(value(units[place]))
      }
    }
    return nil
  }
}
