import Foundation
import ModelFormats

/// Results for people: the names of `all_results.json` with readable numbers.
enum ResultTable {
  /// A table of names and values in the order of the object: numbers to the right, texts to the left.
  static func of(_ results: JSONObject) -> TextTable {
    let rows = results.map { (name: $0, value: text($1, of: $0), isText: $1.stringValue != nil) }
    let width = rows.filter { !$0.isText }.map { displayWidth($0.value) }.max() ?? 0
    var table = TextTable([.text(""), .text("")])
    for row in rows {
      table.add([row.name, row.isText ? row.value : padded(row.value, to: width, onLeft: true)])
    }
    return table
  }

  /// A number as people read it: times and rates short, scores with four digits.
  static func text(_ value: JSONValue, of name: String) -> String {
    switch value {
    case .integer(let number): grouped(number)
    case .double(let number) where name.hasSuffix("_runtime"): String(format: "%.1f s", number)
    case .double(let number) where name.hasSuffix("_per_second"):
      number < 100 ? String(format: "%.1f", number) : grouped(Int(number.rounded()))
    case .double(let number) where name.hasSuffix("_mb"): String(format: "%.0f", number)
    case .double(let number) where name == "epoch": String(format: "%.2f", number)
    case .double(let number): String(format: "%.4f", number)
    case .string(let text): text
    default: value.compactText
    }
  }
}
