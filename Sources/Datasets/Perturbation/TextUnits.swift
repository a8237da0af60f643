/// Text cut into what perturbations change: words of Latin letters and digits, Chinese characters, and all between them.
struct TextUnits {
  /// The text, character by character.
  let characters: [Character]
  /// The places of runs of Latin letters and digits, apostrophes between letters included.
  let words: [Range<Int>]
  /// The places of Chinese characters.
  let chinese: [Int]

  /// The units of a text.
  init(_ text: String) {
    let characters = Array(text)
    var words: [Range<Int>] = []
    var chinese: [Int] = []
    var start: Int?
    for (place, character) in characters.enumerated() {
      let isApostrophe =
        (character == "'" || character == "’") && start != nil && place + 1 < characters.count
        && Self.isLatin(characters[place + 1])
      if Self.isLatin(character) || isApostrophe {
        start = start ?? place
        continue
      }
      if let begun = start { words.append(begun..<place) }
      start = nil
      if Self.isChinese(character) { chinese.append(place) }
    }
    if let begun = start { words.append(begun..<characters.count) }
    (self.characters, self.words, self.chinese) = (characters, words, chinese)
  }

  /// The number of words and Chinese characters.
  var count: Int { words.count + chinese.count }

  /// Whether most of the text is Chinese.
  var isChinese: Bool { chinese.count > words.count }

  /// The places of what spaces separate.
  var spaced: [Range<Int>] {
    var runs: [Range<Int>] = []
    var start: Int?
    for (place, character) in characters.enumerated() {
      if !character.isWhitespace {
        start = start ?? place
      } else if let begun = start {
        runs.append(begun..<place)
        start = nil
      }
    }
    return runs + (start.map { [$0..<characters.count] } ?? [])
  }

  /// The text of some places.
  subscript(range: Range<Int>) -> String { String(characters[range]) }

  /// The text with some places replaced, given in ascending order without overlap.
  func replacing(_ changes: [(place: Range<Int>, text: String)]) -> String {
    var result = ""
    var end = 0
    for (place, text) in changes {
      result += String(characters[end..<place.lowerBound]) + text
      end = place.upperBound
    }
    return result + String(characters[end...])
  }

  /// The text with some of the places that can change changed, drawn without order; nil where none can.
  func changing<Generator: RandomNumberGenerator>(
    _ places: [Range<Int>], most: Int, using random: inout Generator,
    _ change: (String, inout Generator) -> String
  ) -> String? {
    guard !places.isEmpty else { return nil }
    let chosen = random.places(min(most, places.count), of: places.count)
    return replacing(chosen.map { (places[$0], change(self[places[$0]], &random)) })
  }

  static func isChinese(_ character: Character) -> Bool {
    character.unicodeScalars.first.map { TokenMasker.isChinese($0.value) } ?? false
  }

  /// Letters and digits of the Latin script.
  static func isLatin(_ character: Character) -> Bool {
    guard let scalar = character.unicodeScalars.first, scalar.value < 0x250 else { return false }
    return character.isLetter || character.isNumber
  }
}

extension TextUnits {
  /// The text with neighbouring words, or in Chinese characters, exchanged; nil where no two differ.
  ///
  /// An exchange changes two of them, so there are half as many exchanges as may change, one at least.
  func exchangingNeighbours(most: Int, using random: inout some RandomNumberGenerator) -> String? {
    let units = isChinese ? chinese.map { $0..<$0 + 1 } : spaced
    let pairs = units.indices.dropLast().filter { first in
      let (a, b) = (units[first], units[first + 1])
      return self[a] != self[b] && (!isChinese || a.upperBound == b.lowerBound)
    }
    guard !pairs.isEmpty else { return nil }
    var order = Array(pairs)
    random.shuffle(&order)
    var chosen: Set<Int> = []
    for first in order where chosen.count < max(1, most / 2) {
      if !chosen.contains(first - 1), !chosen.contains(first + 1) { chosen.insert(first) }
    }
    return replacing(
      chosen.sorted().flatMap { first in
        [(units[first], self[units[first + 1]]), (units[first + 1], self[units[first]])]
      })
  }

  /// The first half of the words, in Chinese of the characters; nil where there are fewer than two.
  var firstHalf: String? {
    let units = isChinese ? chinese.map { $0..<$0 + 1 } : spaced
    guard units.count > 1 else { return nil }
    return self[0..<units[(units.count + 1) / 2 - 1].upperBound]
  }
}

extension RandomNumberGenerator {
  /// So many different places below a bound, ascending, each set of them as likely as the others.
  mutating func places(_ count: Int, of bound: Int) -> [Int] {
    precondition(count <= bound, "There are no \(count) places below \(bound).")
    // Floyd's sample (Bentley and Floyd 1987): one draw a place.
    var chosen: Set<Int> = []
    for last in bound - count..<bound {
      let place = below(last + 1)
      chosen.insert(chosen.contains(place) ? last : place)
    }
    return chosen.sorted()
  }
}
