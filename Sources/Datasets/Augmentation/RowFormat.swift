/// Conversion between the rows of a task and lists of words.
struct RowFormat: Sendable {
  /// Whether each row is one text, not a pair and not a sentence of tagged words.
  let isSingleText: Bool
  /// Whether each row is a sentence of tagged words.
  let isSentences: Bool
  private let cut: WordText

  /// The format of some rows; throws for questions.
  init(_ rows: TaskExamples) throws(AugmentationError) {
    switch rows {
    case .texts(let texts):
      isSentences = false
      isSingleText = texts.allSatisfy { $0.pair == nil }
      cut = WordText(texts.flatMap { [$0.text] + ($0.pair.map { [$0] } ?? []) })
    case .sentences:
      (isSentences, isSingleText) = (true, false)
      cut = WordText([])
    case .questions:
      throw AugmentationError([
        "questions about passages cannot be augmented, since a changed passage has lost its answers; "
          + "give further questions without answers with --unlabelled-file"
      ])
    }
  }

  /// The comma between two joined texts.
  var comma: String { cut.isSpaced ? "," : "，" }

  /// The words of each row.
  func words(of rows: TaskExamples) -> [WordRow] {
    switch rows {
    case .texts(let rows):
      rows.map { row in WordRow(texts: ([row.text] + (row.pair.map { [$0] } ?? [])).map(cut.words)) }
    case .sentences(let rows): rows.map { WordRow(texts: [$0.words]) }
    case .questions: []
    }
  }

  /// A row as a perturbation changes it; the row itself where there is nothing to change.
  ///
  /// A negation goes into one text of a pair alone.
  func changed(
    _ row: WordRow, by perturbation: Perturbation, using random: inout some RandomNumberGenerator
  ) -> WordRow {
    if isSentences {
      return WordRow(texts: [perturbation.changed(words: row.texts[0], using: &random) ?? row.texts[0]])
    }
    var result = row
    for (place, words) in row.texts.enumerated() {
      guard let text = perturbation(cut.text(words), using: &random) else { continue }
      result.texts[place] = cut.words(text)
      if !perturbation.kind.keepsAnswer { break }
    }
    return result
  }

  /// Rows without labels.
  func rows(_ rows: [WordRow]) -> TaskExamples {
    if isSentences { return .sentences(rows.map { TaggedSentence(words: $0.texts[0]) }) }
    return .texts(
      rows.map { row in
        TextExample(text: cut.text(row.texts[0]), pair: row.texts.count > 1 ? cut.text(row.texts[1]) : nil)
      })
  }
}

/// A row of a task as lists of words: one for a text or a sentence, two for a pair.
struct WordRow: Sendable, Hashable {
  /// The words of each text.
  var texts: [[String]]

  /// The number of words.
  var count: Int { texts.reduce(0) { $0 + $1.count } }

  /// The row with each of its texts changed.
  func mapTexts(_ change: ([String]) -> [String]) -> WordRow { WordRow(texts: texts.map(change)) }
}

/// Cut of texts into words, and the way back: at spaces or, where most texts have none as in Chinese, into
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
