public import Datasets
import Foundation
import ModelFormats

/// Hints to the look at a data set that has no task file: what is known goes before what is found.
public struct TaskHints: Sendable, Hashable {
  /// The kind of the task.
  public var kind: TaskKind?
  /// The column of the text.
  public var textColumn: ColumnReference?
  /// The column of the second text of a pair.
  public var textPairColumn: ColumnReference?
  /// The column of the label.
  public var labelColumn: ColumnReference?
  /// Whether labels that differ in upper and lower case alone are one.
  public var foldsCase = false
  /// The share of the training file that is scored on where there is no validation file, in percent; nil for 10.
  public var heldOutPercentage: Double?
  /// The labels of a model that answers the rows, of which they may show some only; empty where there is no such model.
  public var modelLabels: [String] = []

  /// No hints.
  public init() {}

  /// Names of columns that hold texts, in the order in which they are looked for.
  static let textNames = [
    "text", "sentence", "content", "review", "review_text", "comment", "comment_text", "tweet", "message",
    "body",
    "utterance", "document", "passage", "query", "question", "input", "description", "headline", "title",
    "tokens",
    "words", "文本", "内容", "评论", "句子", "文本内容",
  ]

  /// Names of the columns of two texts.
  static let pairNames = [
    ("sentence1", "sentence2"), ("sentence_1", "sentence_2"), ("premise", "hypothesis"),
    ("question1", "question2"),
    ("text1", "text2"), ("text_1", "text_2"), ("text_a", "text_b"), ("sentence_a", "sentence_b"),
    ("query", "passage"),
    ("query", "document"), ("question", "sentence"), ("text", "text_pair"),
  ]

  /// Names of columns that hold labels, in the order in which they are looked for.
  static let labelNames = [
    "label", "labels", "category", "class", "sentiment", "target", "intent", "topic", "emotion", "polarity",
    "gold_label", "tag", "tags", "ner_tags", "score", "rating", "stars", "similarity", "标签", "类别", "情感", "y",
  ]

  /// Names of columns that number the rows.
  static let indexNames = ["id", "idx", "index", "guid", "uid", "row", "unnamed:_0", "编号"]

  /// A name as it is compared: in lower case, without blanks around it, blanks and hyphens as underscores.
  static func folded(_ name: String) -> String {
    let trimmed = name.lowercased().trimmingCharacters(in: .whitespacesAndNewlines)
    return String(trimmed.map { $0 == " " || $0 == "-" ? "_" : $0 })
  }

  /// Whether columns are usually called so, or a hint says that one is.
  func isName(_ name: String) -> Bool {
    if [textColumn, textPairColumn, labelColumn].contains(.name(name)) { return true }
    let name = Self.folded(name)
    return Self.textNames.contains(name) || Self.labelNames.contains(name) || Self.indexNames.contains(name)
      || Self.pairNames.contains { $0 == name || $1 == name }
  }
}

/// Roles of the columns of a table: which holds the text, which the label.
struct ColumnRoles {
  /// The place of the text.
  let text: Int
  /// The place of the second text of a pair.
  let pair: Int?
  /// The place of the label; nil where there is none.
  let label: Int?
  /// The places of columns with a 0 or 1 for each label.
  let flags: [Int]

  /// The roles in a table.
  ///
  /// - Throws: `TaskError` when a hint names no column, or nothing tells which column has the text or the label.
  init(_ table: RowTable, hints: TaskHints, path: String, needsLabel: Bool = true) throws {
    let names = table.columns.map { column in
      if case .name(let name) = column { TaskHints.folded(name) } else { "" }
    }
    func place(_ hint: ColumnReference?, _ option: String) throws -> Int? {
      guard let hint else { return nil }
      if let place = table.columns.firstIndex(of: hint) { return place }
      // A position, unless a column is called so.
      if case .name(let text) = hint, let place = Int(text), table.columns.indices.contains(place) {
        return place
      }
      let known = table.columns.map { "\($0)" }.joined(separator: ", ")
      throw TaskError("\(path): found no column \(hint) of \(option); the file has \(known)")
    }
    func named(_ candidates: [String], except taken: [Int?] = []) -> Int? {
      candidates.lazy.compactMap { candidate in
        names.indices.first { names[$0] == candidate && !taken.contains($0) }
      }.first
    }
    var text = try place(hints.textColumn, "--text-column")
    var pair = try place(hints.textPairColumn, "--text-pair-column")
    let label = try place(hints.labelColumn, "--label-column")
    if text == nil, pair == nil {
      for (first, second) in TaskHints.pairNames {
        if let one = names.firstIndex(of: first), let two = names.firstIndex(of: second), one != label,
          two != label
        {
          (text, pair) = (one, two)
          break
        }
      }
    }
    let known = text ?? named(TaskHints.textNames, except: [label, pair])
    let answer = label ?? named(TaskHints.labelNames, except: [known, pair])
    let looks = ColumnLooks(table)
    let free = table.columns.indices.filter {
      $0 != known && $0 != pair && $0 != answer && !TaskHints.indexNames.contains(names[$0])
    }
    let found =
      try known
      ?? looks.longest(of: free) {
        TaskError(
          "\(path): nothing tells which column has the text; name it with --text-column. The file has "
            + table.columns.map { "\($0)" }.joined(separator: ", "))
      }
    self.text = found
    self.pair = pair
    if let answer {
      (self.label, flags) = (answer, [])
      return
    }
    guard needsLabel else {
      (self.label, flags) = (nil, [])
      return
    }
    let others = free.filter { $0 != found }
    let flags = others.filter(looks.isFlag)
    if flags.count > 1 {
      (self.label, self.flags) = (nil, flags)
      return
    }
    let likely = others.filter(looks.isLabel)
    guard likely.count <= 1 else {
      throw TaskError(
        "\(path): nothing tells which column has the label; name it with --label-column. It could be "
          + likely.map { "\(table.columns[$0])" }.joined(separator: ", "))
    }
    (self.label, self.flags) = (likely.first, [])
  }
}

/// Looks of the columns of a table.
private struct ColumnLooks {
  private let table: RowTable
  private static let seen = 2000

  init(_ table: RowTable) { self.table = table }

  private func texts(_ column: Int) -> [String] {
    table.rows.prefix(Self.seen).compactMap { row in
      if let value = row[column] { value.stringValue ?? value.compactText } else { nil }
    }
  }

  /// The column of the longest values, half as long again as those of any other.
  func longest(of columns: [Int], else error: () -> TaskError) throws -> Int {
    let lengths = columns.map { column in
      let texts = texts(column)
      return (column, Double(texts.reduce(0) { $0 + $1.count }) / Double(max(texts.count, 1)))
    }.sorted { $0.1 > $1.1 }
    guard let first = lengths.first, first.1 > 0, lengths.dropFirst().allSatisfy({ $0.1 * 1.5 < first.1 })
    else {
      throw error()
    }
    return first.0
  }

  /// Whether a column has 0 and 1 and nothing else.
  func isFlag(_ column: Int) -> Bool {
    Set(texts(column)).isSubset(of: ["0", "1"]) && !texts(column).isEmpty
  }

  /// Whether few values recur in a column, or all are numbers.
  func isLabel(_ column: Int) -> Bool {
    let texts = texts(column)
    let kinds = Set(texts)
    guard kinds.count > 1 else { return false }
    return kinds.count * 2 <= texts.count || texts.allSatisfy { Double($0) != nil }
  }
}
