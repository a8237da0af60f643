import Foundation
import ModelFormats

/// Raw target of a row: what it says about its answer, before anybody has looked at it.
package enum RawTarget: Sendable {
  /// Nothing: no such column, an unlabelled split, a missing key.
  case none
  /// One value.
  case scalar(String)
  /// The labels that apply.
  case list([String])
  /// A 0 or 1 for each label.
  case flags([String])

  /// The value, or the values with commas between them, without the white space around them; empty where there is none.
  package var trimmed: String {
    switch self {
    case .scalar(let text): text.trimmingCharacters(in: .whitespacesAndNewlines)
    case .list(let list): list.joined(separator: ", ")
    case .none, .flags: ""
    }
  }
}

/// Reader of the targets of rows: what a raw value means to a kind of task, or why it means nothing.
package protocol TargetReader: Sendable {
  /// The target of a row of a split with answers, or what is wrong with it.
  ///
  /// - Parameters:
  ///   - raw: What the row says.
  ///   - split: Where the row is from; a row of the test split may have no answer.
  ///   - line: The line of the row, for the fault.
  func target(_ raw: RawTarget, in split: DataSplit, line: Int) -> Result<ExampleTarget, RowFault>
}

/// Builder of examples from the raw values of rows, which says what is wrong with those that cannot be one.
struct ExampleBuilder {
  let split: DataSplit
  let targets: any TargetReader

  /// The example that a row is, or what is wrong with it.
  ///
  /// - Parameter row: The place among the rows of the file, bad ones counted too.
  func example(
    row: Int, line: Int, text: String, pair: String?, target raw: RawTarget
  ) -> Result<TextExample, RowFault> {
    for (value, name) in [(text, "text"), (pair ?? text, "second text")]
    where value.allSatisfy(\.isWhitespace) {
      return .failure(RowFault(line: line, found: "an empty \(name)", expected: "some text"))
    }
    for value in [text, pair ?? ""] where value.utf8.count > Self.longestText {
      return .failure(
        RowFault(
          line: line, found: "a text of \(value.utf8.count) bytes", expected: "at most \(Self.longestText)"))
    }
    if split == .unlabelled { return .success(TextExample(text: text, pair: pair, line: line, row: row)) }
    return targets.target(raw, in: split, line: line).map {
      TextExample(text: text, pair: pair, target: $0, line: line, row: row)
    }
  }

  /// Bytes of a text beyond which a row is taken for a file of another form.
  static let longestText = 10_000_000
}
