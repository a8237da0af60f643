import Foundation
import ModelFormats

extension TextDataset {
  /// Reads one JSON object a line; values that are numbers or Booleans count as the text that JSON writes for them.
  mutating func addLines(_ bytes: [UInt8], _ layout: FileLayout, _ builder: ExampleBuilder) {
    DelimitedRows.forEachLine(bytes) { line, content in
      if content.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == DelimitedRows.tab }) { return }
      add(Self.row(line, Array(content), layout, builder))
    }
  }

  private static func row(
    _ line: Int, _ content: [UInt8], _ layout: FileLayout, _ builder: ExampleBuilder
  ) -> Result<TextExample, RowFault> {
    let object: JSONObject
    do {
      let value = try JSONValue(parsing: content)
      guard let parsed = value.objectValue else {
        return .failure(RowFault(line: line, found: "JSON \(value.kind)", expected: "an object"))
      }
      object = parsed
    } catch {
      var reason = "\(error)"
      if case .json(_, _, let column, let detail) = error { reason = "column \(column): \(detail)" }
      return .failure(
        RowFault(line: line, found: "a line that is not JSON (\(reason))", expected: "an object"))
    }
    func text(_ column: ColumnReference) -> Result<String, RowFault> {
      // A position in JSON lines is rejected when the task is validated.
      guard case .name(let key) = column, let value = object[key], !value.isNull else {
        let keys = object.keys.isEmpty ? "no keys" : "the keys \(object.keys.joined(separator: ", "))"
        return .failure(RowFault(line: line, found: keys, expected: "a value for \(column)"))
      }
      guard let text = scalar(value) else {
        return .failure(
          RowFault(line: line, found: "\(column) with JSON \(value.kind)", expected: "a text or a number"))
      }
      return .success(text)
    }
    return text(layout.textColumn).flatMap { first in
      var pair: String?
      if let column = layout.textPairColumn {
        switch text(column) {
        case .success(let second): pair = second
        case .failure(let fault): return .failure(fault)
        }
      }
      // A row of a test file may lack the label; in a training file the builder reports it.
      var label: String?
      if case .name(let key) = layout.labelColumn, let value = object[key] { label = scalar(value) }
      return builder.example(line: line, text: first, pair: pair, label: label)
    }
  }

  private static func scalar(_ value: JSONValue) -> String? {
    switch value {
    case .string(let text): text
    case .integer, .double, .bool: value.compactText
    default: nil
    }
  }
}
