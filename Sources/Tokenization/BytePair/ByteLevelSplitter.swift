/// Splitter of text into words as GPT-2 has them.
///
/// By hand what the regular expression `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+` says:
/// runs of letters, of numbers or of others, each with one space before it; white space in front of a word leaves it its
/// last character. Letters and numbers are those of the Unicode version that `tokenizers` knows.
struct ByteLevelSplitter: Sendable {
  /// Kinds of characters.
  private enum Kind {
    static let letter: UInt8 = 1
    static let number: UInt8 = 2
    static let white: UInt8 = 4
    static let other: UInt8 = 8
    /// In the table of bytes: not a character of its own.
    static let notASCII: UInt8 = 0
  }

  /// A word: the position behind it and whether it is ASCII.
  struct Word {
    var end: Int
    var isASCII: Bool
  }

  /// The kind of each byte that is a character.
  private let ascii: [UInt8]
  /// The kind of every scalar.
  private let pages: ScalarPages

  /// The one instance.
  static let shared = ByteLevelSplitter()

  private init() {
    var builder = ScalarPages.Builder()
    for (data, kind) in [
      (UnicodeLetterData.letters, Kind.letter), (UnicodeLetterData.numbers, Kind.number),
      (UnicodeData.white, Kind.white),
    ] {
      for entry in UnicodeDataReader(data) { builder.insert(kind, in: entry.range) }
    }
    let pages = ScalarPages(builder).mapValues { $0 == 0 ? Kind.other : $0 }
    self.pages = pages
    ascii = (0..<256).map { $0 < 0x80 ? pages[$0] : Kind.notASCII }
  }

  /// Whether a scalar is a letter (the categories L*).
  func isLetter(_ scalar: UInt32) -> Bool { pages[scalar] == Kind.letter }

  /// Whether a scalar is a number (the categories N*).
  func isNumber(_ scalar: UInt32) -> Bool { pages[scalar] == Kind.number }

  /// The word that begins at a position before the end of the text.
  @inline(__always)
  func word(in text: Span<UInt8>, at start: Int) -> Word {
    let ascii = ascii.span
    let first = text[unchecked: start]
    if first == UInt8(ascii: "'") {
      let length = Self.contraction(in: text, at: start)
      if length > 0 { return Word(end: start + length, isASCII: true) }
    }
    var position = start
    if first == UInt8(ascii: " ") {
      if start + 1 == text.count { return Word(end: start + 1, isASCII: true) }
      position += 1
    }
    // Most words are ASCII to their end.
    let kind = ascii[unchecked: Int(text[unchecked: position])]
    if kind != Kind.white, kind != Kind.notASCII {
      repeat {
        position += 1
      } while position < text.count
        && ascii[unchecked: Int(text[unchecked: position])] == kind
      if position == text.count || ascii[unchecked: Int(text[unchecked: position])] != Kind.notASCII {
        return Word(end: position, isASCII: true)
      }
    }
    return mixedWord(in: text, at: start)
  }

  /// The word at a position, of any characters.
  private func mixedWord(in text: Span<UInt8>, at start: Int) -> Word {
    var (scalar, length) = text.scalar(at: start)
    var position = start + length
    var isASCII = length == 1
    var kind = pages[scalar]
    if scalar == 0x20, position < text.count {
      (scalar, length) = text.scalar(at: position)
      let next = pages[scalar]
      if next != Kind.white {
        kind = next
        position += length
        isASCII = length == 1
      }
    }
    // The last character of the run, which white space leaves to the word behind it.
    var last = length
    if kind == Kind.white { last = position - start }
    while position < text.count {
      let next = text.scalar(at: position)
      if pages[next.scalar] != kind {
        if kind == Kind.white, position - last > start { position -= last }
        break
      }
      last = next.length
      position += last
      if last > 1 { isASCII = false }
    }
    return Word(end: position, isASCII: isASCII)
  }

  /// The length of an English contraction behind an apostrophe, 0 for none.
  private static func contraction(in text: Span<UInt8>, at start: Int) -> Int {
    guard start + 1 < text.count else { return 0 }
    let second = text[start + 1]
    switch second {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 2
    default: break
    }
    guard start + 2 < text.count else { return 0 }
    switch (second, text[start + 2]) {
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return 3
    default: return 0
    }
  }
}
