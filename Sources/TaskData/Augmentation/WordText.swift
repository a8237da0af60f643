/// How texts are cut into words and put together again: at spaces or, where most texts have none as in Chinese, into
/// characters, runs of letters and digits of other scripts staying whole.
struct WordText: Sendable {
  /// Whether words are what spaces separate.
  let isSpaced: Bool

  /// The way that suits most of some texts.
  init(_ texts: [String]) {
    isSpaced = 2 * texts.count { $0.contains(where: \.isWhitespace) } >= texts.count
  }

  /// The words of a text.
  func words(_ text: String) -> [String] {
    let parts = text.split(whereSeparator: \.isWhitespace)
    guard !isSpaced else { return parts.map(String.init) }
    return parts.flatMap { part in
      var words: [String] = []
      var wasRun = false
      for character in part {
        let isRun = Self.belongsToRun(character)
        if isRun && wasRun {
          words[words.count - 1].append(character)
        } else {
          words.append(String(character))
        }
        wasRun = isRun
      }
      return words
    }
  }

  /// The text of some words.
  func text(_ words: [String]) -> String {
    guard !isSpaced else { return words.joined(separator: " ") }
    var text = ""
    for word in words {
      // What was apart stays apart, such as two English words.
      if let last = text.last, let first = word.first, Self.belongsToRun(last), Self.belongsToRun(first) {
        text.append(" ")
      }
      text += word
    }
    return text
  }

  /// Letters and digits of scripts that are written with spaces.
  private static func belongsToRun(_ character: Character) -> Bool {
    guard character.isLetter || character.isNumber, let scalar = character.unicodeScalars.first else {
      return false
    }
    return !TokenMasker.isChinese(scalar.value) && !(0x3040...0x30FF).contains(scalar.value)
  }
}
