/// Form of a text that says nothing: the case of its letters and its punctuation marks.
enum SurfaceForm {
  // MARK: Case

  /// The text with all letters small, all capital, or each word with a capital; nil where that changes nothing.
  static func changingCase(_ text: String, using random: inout some RandomNumberGenerator) -> String? {
    let forms = [text.lowercased(), text.uppercased(), titled(text)].filter { $0 != text }
    return forms.isEmpty ? nil : random.pick(forms)
  }

  private static func titled(_ text: String) -> String {
    var (result, isInside) = ("", false)
    for character in text {
      let belongs = character.isLetter || character.isNumber || character == "'" || character == "’"
      result += belongs && !isInside ? character.uppercased() : character.lowercased()
      isInside = belongs
    }
    return result
  }

  // MARK: Marks

  /// Marks of ordinary width, and those of full width that stand for them.
  private static let widths: [(half: Character, full: Character)] = [
    (",", "，"), (".", "。"), ("!", "！"), ("?", "？"), (":", "："), (";", "；"), ("(", "（"), (")", "）"),
  ]
  private static let fullToHalf = Dictionary(widths.map { ($0.full, $0.half) }) { first, _ in first }
  private static let halfToFull = Dictionary(widths.map { ($0.half, $0.full) }) { first, _ in first }
  private static let marks = Set(widths.flatMap { [$0.half, $0.full] } + Array("\"“”、…《》"))

  /// The text with its marks left out, doubled or, in Chinese, of the other width; nil where it has none.
  ///
  /// Marks within words and numbers (3.5, it's) stay.
  static func changingMarks(_ units: TextUnits, using random: inout some RandomNumberGenerator) -> String? {
    let characters = units.characters
    let places = characters.indices.filter { marks.contains(characters[$0]) && !isInside(characters, $0) }
    guard !places.isEmpty else { return nil }
    var forms = [
      without(places, characters), units.replacing(places.map { ($0..<$0 + 1, twice(characters[$0])) }),
    ]
    let hasFull = places.contains { fullToHalf[characters[$0]] != nil }
    if hasFull || units.isChinese {
      let other = hasFull ? fullToHalf : halfToFull
      forms.append(
        units.replacing(places.map { ($0..<$0 + 1, String(other[characters[$0]] ?? characters[$0])) }))
    }
    let text = String(characters)
    forms.removeAll { form in form == text || !form.contains { !$0.isWhitespace } }
    return forms.isEmpty ? nil : random.pick(forms)
  }

  private static func twice(_ mark: Character) -> String { String([mark, mark]) }

  /// Whether a mark stands between two letters or digits without a space.
  private static func isInside(_ characters: [Character], _ place: Int) -> Bool {
    guard place > 0, place + 1 < characters.count else { return false }
    return TextUnits.isLatin(characters[place - 1]) && TextUnits.isLatin(characters[place + 1])
  }

  /// The text without some marks, and without the space before one that stood alone.
  private static func without(_ places: [Int], _ characters: [Character]) -> String {
    let left = Set(places)
    var result: [Character] = []
    for (place, character) in characters.enumerated() where !left.contains(place) {
      let followsMark = place > 0 && left.contains(place - 1)
      let isDoubled = followsMark && character.isWhitespace && (result.last?.isWhitespace ?? true)
      if !isDoubled { result.append(character) }
    }
    while let last = result.last, last.isWhitespace, left.contains(characters.count - 1) {
      result.removeLast()
    }
    return String(result)
  }
}
