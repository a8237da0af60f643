/// Between the rows of a task and lists of words.
struct RowFormat: Sendable {
  /// Whether each row is one text, not a pair and not a sentence of tagged words.
  let isSingleText: Bool
  private let isSentences: Bool
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

  /// What stands between two joined texts.
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

  /// Rows without labels.
  func rows(_ rows: [WordRow]) -> TaskExamples {
    if isSentences { return .sentences(rows.map { TaggedSentence(words: $0.texts[0]) }) }
    return .texts(
      rows.map { row in
        TextExample(text: cut.text(row.texts[0]), pair: row.texts.count > 1 ? cut.text(row.texts[1]) : nil)
      })
  }
}
