import TaskData
import Tasks

extension SampleData {
  /// A test row of each language with what is to be found in it, as a line for people.
  package var exampleLines: [String] {
    let rows = (0..<min(8, test.count)).map { Self.line(of: test, at: $0, task) }
    let isEnglish = { (row: String) in row.unicodeScalars.allSatisfy(\.isASCII) }
    return [rows.first(where: isEnglish), rows.first { !isEnglish($0) }].compactMap { $0 }
  }

  /// A row with what is to be found.
  private static func line(of rows: TaskExamples, at index: Int, _ task: TaskDefinition) -> String {
    switch rows {
    case .texts(let rows): return "\(task.labels[rows[index].label ?? 0]): \(rows[index].text)"
    case .questions(let rows):
      let question = rows[index]
      return "\(question.context) \(question.text) -> \(question.answers.first?.text ?? "")"
    case .sentences(let rows):
      let words = rows[index].words
      let gap = words.allSatisfy { $0.unicodeScalars.allSatisfy(\.isASCII) } ? " " : ""
      let entities = task.tagSet.entities(of: rows[index].tags ?? []).map {
        "\(words[$0.words].joined(separator: gap)) \(task.labels[$0.type])"
      }
      return "\(words.joined(separator: gap)) -> \(entities.joined(separator: ", "))"
    }
  }
}
