import Foundation
import ModelFormats

/// Table of a run's metrics, its `metrics.csv`: the rows of `metrics.jsonl` with a column for each name.
///
/// The columns of each logged step come first; parts of the loss (`parts.…`) and scores (`eval_…`) follow in the order in which
/// they appear. With a name that is new the file is written again, its column behind the others, so it is a table of as many
/// fields in each row at any time. A cell without a value, or with one that is not finite, is empty.
final class MetricsTable {
  /// The columns of each logged step.
  static let first = [
    "step", "epoch", "loss", "learning_rate", "grad_norm", "samples_per_second", "tokens_per_second",
  ]

  private let url: URL
  private var columns = first
  private var rows: [JSONObject]
  private var file: AppendedFile

  /// A table that begins with rows, in the place of what is there.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  init(_ url: URL, beginningWith rows: [JSONObject]) throws(FormatError) {
    (self.url, self.rows) = (url, rows)
    for row in rows { Self.extend(&columns, by: row) }
    file = try AppendedFile(url, beginningWith: Self.text(rows, columns))
  }

  /// Appends a row.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  func append(_ row: JSONObject) throws(FormatError) {
    rows.append(row)
    let known = columns.count
    Self.extend(&columns, by: row)
    if columns.count == known {
      try file.append(Self.line(row, columns))
    } else {
      file = try AppendedFile(url, beginningWith: Self.text(rows, columns))
    }
  }

  private static func extend(_ columns: inout [String], by row: JSONObject) {
    for (name, _) in row.metrics where !columns.contains(name) { columns.append(name) }
  }

  private static func text(_ rows: [JSONObject], _ columns: [String]) -> String {
    let lines = [columns.map(quoted).joined(separator: ",")] + rows.map { line($0, columns) }
    return lines.map { $0 + "\n" }.joined()
  }

  private static func line(_ row: JSONObject, _ columns: [String]) -> String {
    let values = Dictionary(row.metrics.map { ($0.name, $0.value) }) { first, _ in first }
    return columns.map { column in
      guard let value = values[column] else { return "" }
      let text = value.stringValue ?? value.compactText
      return text == "null" ? "" : quoted(text)
    }.joined(separator: ",")
  }

  /// A field as RFC 4180 has it.
  private static func quoted(_ field: String) -> String {
    guard field.contains(where: { $0 == "," || $0 == "\"" || $0.isNewline }) else { return field }
    return "\"" + field.replacing("\"", with: "\"\"") + "\""
  }
}

extension JSONObject {
  /// Values of a line of `metrics.jsonl` under plain names, those of parts of the loss as `parts.…`.
  var metrics: [(name: String, value: JSONValue)] {
    flatMap { key, value -> [(name: String, value: JSONValue)] in
      guard let parts = value.objectValue else { return [(key, value)] }
      return parts.map { ("\(key).\($0.key)", $0.value) }
    }
  }

  /// Numbers of a line of `metrics.jsonl`, without its step.
  var scalars: [(name: String, value: Double)] {
    metrics.compactMap { name, value in
      name == "step" ? nil : value.doubleValue.map { (name, $0) }
    }
  }
}
