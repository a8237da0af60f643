/// Extended grapheme clusters (Unicode Standard Annex 29) with the tables of `tokenizers`, as far as they show there.
///
/// Swift's own characters and the system's utf8proc follow other versions of Unicode; results must not depend on them.
enum Graphemes {
  /// A scalar's part in the boundaries of clusters.
  private enum Part {
    static let other: UInt8 = 0
    static let control: UInt8 = 1
    static let carriageReturn: UInt8 = 2
    static let lineFeed: UInt8 = 3
    static let extend: UInt8 = 4
    static let spacing: UInt8 = 5
    static let prepend: UInt8 = 6
    static let pictographic: UInt8 = 7
    static let consonant: UInt8 = 8
    static let leading: UInt8 = 9
    static let vowel: UInt8 = 10
    static let trailing: UInt8 = 11
    static let openSyllable: UInt8 = 12
    static let closedSyllable: UInt8 = 13
    static let regional: UInt8 = 14
    static let kind: UInt8 = 0x0F
    /// Links consonants.
    static let linker: UInt8 = 0x10
    /// May stand beside a linker.
    static let conjunct: UInt8 = 0x20
  }

  private static let joiner: UInt32 = 0x200D

  /// The part of every scalar.
  private static let parts: ScalarPages = {
    var pages = ScalarPages.Builder()
    for (data, part) in [
      (GraphemeData.control, Part.control), (GraphemeData.extend, Part.extend),
      (GraphemeData.spacing, Part.spacing), (GraphemeData.prepend, Part.prepend),
      (GraphemeData.pictographic, Part.pictographic), (GraphemeData.consonant, Part.consonant),
      (GraphemeData.linker, Part.linker), (GraphemeData.conjunct, Part.conjunct),
      (GraphemeData.leading, Part.leading), (GraphemeData.vowel, Part.vowel),
      (GraphemeData.trailing, Part.trailing),
    ] {
      for entry in UnicodeDataReader(data) { pages.insert(part, in: entry.range) }
    }
    pages.insert(Part.carriageReturn, in: 0x0D...0x0D)
    pages.insert(Part.lineFeed, in: 0x0A...0x0A)
    pages.insert(Part.regional, in: 0x1F1E6...0x1F1FF)
    for first in stride(
      from: UnicodeTables.hangul.lowerBound, through: UnicodeTables.hangul.upperBound, by: 28)
    {
      pages.insert(Part.openSyllable, in: first...first)
      pages.insert(Part.closedSyllable, in: first + 1...first + 27)
    }
    return ScalarPages(pages)
  }()

  /// The end of the cluster that begins at a position of valid UTF-8.
  @inline(__always)
  static func end(in text: Span<UInt8>, from start: Int) -> Int {
    let byte = text[unchecked: start]
    // Most text is of scalars by themselves: ASCII, and beside it what cannot be a mark.
    if byte >= 0x20, byte < 0x7F, start + 1 == text.count || text[unchecked: start + 1] < 0x80 {
      return start + 1
    }
    let (first, length) = text.scalar(at: start)
    let next = start + length
    if next == text.count { return next }
    // Behind a scalar of no kind there is an end, unless a mark follows.
    if parts[first] == Part.other, !joinsAny(text.scalar(at: next).scalar) { return next }
    return anyEnd(in: text, from: start)
  }

  /// Whether a scalar is a character by itself, unless a mark follows: a cluster ends before and behind it.
  static func standsAlone(_ scalar: UInt32) -> Bool {
    switch parts[scalar] {
    case Part.other, Part.control, Part.lineFeed: true
    default: false
    }
  }

  /// Whether a scalar joins the one before it, whatever that is but a control character.
  static func joinsAny(_ scalar: UInt32) -> Bool {
    let kind = parts[scalar] & Part.kind
    return kind == Part.extend || kind == Part.spacing
  }

  private static func anyEnd(in text: Span<UInt8>, from start: Int) -> Int {
    let (first, length) = text.scalar(at: start)
    var position = start + length
    var state = State(first)
    while position < text.count {
      let (scalar, length) = text.scalar(at: position)
      if !state.joins(scalar) { return position }
      position += length
    }
    return position
  }

  /// State of a cluster so far, which says whether the next scalar joins it.
  private struct State {
    /// The part of the last scalar.
    private var last: UInt8
    /// The number of regional indicators at its end.
    private var regionals = 0
    /// Whether it ends with a pictograph and marks.
    private var isPicture = false
    /// Whether it ends with a pictograph, marks and a joiner.
    private var isJoined = false
    /// Whether it ends with a consonant and marks.
    private var isConjunct = false
    /// Whether a linker is among these marks.
    private var isLinked = false

    init(_ scalar: UInt32) {
      last = Part.other
      add(scalar, Graphemes.parts[scalar])
    }

    /// Whether a scalar joins; it is added if it does.
    mutating func joins(_ scalar: UInt32) -> Bool {
      let part = Graphemes.parts[scalar]
      guard joins(part) else { return false }
      add(scalar, part)
      return true
    }

    private func joins(_ next: UInt8) -> Bool {
      let kind = next & Part.kind
      switch (last, kind) {
      case (Part.carriageReturn, Part.lineFeed): return true
      case (Part.control...Part.lineFeed, _), (_, Part.control...Part.lineFeed): return false
      case (Part.leading, Part.leading), (Part.leading, Part.vowel), (Part.leading, Part.openSyllable),
        (Part.leading, Part.closedSyllable), (Part.openSyllable, Part.vowel), (Part.vowel, Part.vowel),
        (Part.openSyllable, Part.trailing), (Part.vowel, Part.trailing),
        (Part.closedSyllable, Part.trailing), (Part.trailing, Part.trailing):
        return true
      case (_, Part.extend), (_, Part.spacing), (Part.prepend, _): return true
      case (_, Part.consonant): return isLinked
      case (_, Part.pictographic): return isJoined
      case (Part.regional, Part.regional): return regionals % 2 == 1
      default: return false
      }
    }

    private mutating func add(_ scalar: UInt32, _ part: UInt8) {
      last = part & Part.kind
      regionals = last == Part.regional ? regionals + 1 : 0
      isJoined = isPicture && scalar == Graphemes.joiner
      isPicture =
        last == Part.pictographic || isPicture && last == Part.extend && scalar != Graphemes.joiner
      if last == Part.consonant {
        (isConjunct, isLinked) = (true, false)
      } else if part & Part.linker != 0 {
        isLinked = isConjunct
      } else if part & Part.conjunct == 0 {
        (isConjunct, isLinked) = (false, false)
      }
    }
  }
}
