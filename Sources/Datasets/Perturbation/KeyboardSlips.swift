/// Slips of fingers on a keyboard.
enum KeyboardSlips {
  /// Neighbours of each key on the layout of the USA.
  private static let neighbours: [Character: [Character]] = {
    let rows = ["qwertyuiop", "asdfghjkl", "zxcvbnm"].map { Array($0) }
    var found: [Character: [Character]] = [:]
    for (row, keys) in rows.enumerated() {
      for (column, key) in keys.enumerated() {
        // Each row is shifted by half a key to the right of the one above.
        let places = [
          (row, column - 1), (row, column + 1), (row - 1, column), (row - 1, column + 1),
          (row + 1, column - 1), (row + 1, column),
        ]
        found[key] = places.compactMap { row, column in
          rows.indices.contains(row) && rows[row].indices.contains(column) ? rows[row][column] : nil
        }
      }
    }
    return found
  }()

  /// Words of fewer letters stay: too little would be left of them.
  private static let leastLetters = 4

  /// The text with a slip in some words; nil where no word is long enough.
  static func change(_ units: TextUnits, most: Int, using random: inout some RandomNumberGenerator) -> String?
  {
    let places = units.words.filter { word in
      word.count >= leastLetters && units.characters[word].allSatisfy { neighbours[lower($0)] != nil }
    }
    return units.changing(places, most: most, using: &random) { slipped($0, using: &$1) }
  }

  /// A word with one slip behind its first letter.
  private static func slipped(_ word: String, using random: inout some RandomNumberGenerator) -> String {
    var letters = Array(word)
    let place = 1 + random.below(letters.count - 1)
    let swaps = (1..<letters.count - 1).filter { letters[$0] != letters[$0 + 1] }
    switch random.below(4) {
    case 0 where !swaps.isEmpty:
      let first = random.pick(swaps)
      letters.swapAt(first, first + 1)
    case 1: letters.remove(at: place)
    case 2: letters.insert(letters[place], at: place)
    case _:
      let key = random.pick(neighbours[lower(letters[place])] ?? [])
      letters[place] = letters[place].isUppercase ? Character(key.uppercased()) : key
    }
    return String(letters)
  }

  private static func lower(_ letter: Character) -> Character { letter.lowercased().first ?? letter }
}
