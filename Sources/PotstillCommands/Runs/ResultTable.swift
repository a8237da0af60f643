import Evaluation
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Table of results: the names of `all_results.json` with readable numbers.
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
    case .null, .bool, .largeInteger, .array, .object: value.compactText
    }
  }
}

extension ModelMeasurement {
  /// The table of measurements; the speed-up is against the first row, and a value that no row has gets no column.
  static func table(_ rows: [ModelMeasurement]) -> TextTable {
    guard let first = rows.first, let metrics = rows.map(\.metrics).max(by: { $0.count < $1.count }) else {
      return TextTable([])
    }
    var columns: [TextTable.Column] = [
      .text("model"), .number("layers"), .number("parameters"), .number("MB"), .number("sentences/s"),
    ]
    let hasLatency = rows.contains { $0.latency != nil }
    if hasLatency { columns.append(.number("ms/sentence")) }
    let hasSpeedup = first.samplesPerSecond != nil
    if hasSpeedup { columns.append(.number("speed-up")) }
    columns += metrics.map { .number($0.name) }
    var table = TextTable(columns)
    for row in rows {
      var cells = [
        row.name, row.isModel ? String(row.layers) : "", row.isModel ? grouped(row.parameters) : "",
        row.isModel ? megabytes(4 * row.parameters) : "",
        row.samplesPerSecond.map { grouped(Int($0.rounded())) } ?? "",
      ]
      if hasLatency { cells.append(row.latency.map { String(format: "%.2f", $0) } ?? "") }
      if hasSpeedup { cells.append(row.speedup(over: first).map { String(format: "%.2f×", $0) } ?? "") }
      cells += metrics.map { metric in
        row.metrics.first { $0.name == metric.name }.map { String(format: "%.4f", $0.value) } ?? ""
      }
      table.add(cells)
    }
    return table
  }
}

/// The recipe that a run really followed, as YAML that the same command reads again.
enum ResolvedRecipe {
  /// YAML with one line per option, in the order of the help text; of several values the last counts.
  static func yaml(command: String, _ objects: [JSONObject]) -> String {
    var merged = JSONObject()
    for object in objects {
      for (key, value) in object where !value.isNull { merged[key] = value }
    }
    let lines = OptionCatalogue(of: command).recipeKeys.compactMap { key in
      merged[key].map { "\(key): \($0.yamlScalar)\n" }
    }
    return "# potstill \(PotstillVersion.current): run it again with 'potstill \(command) recipe.yaml'\n"
      + lines.joined()
  }
}

extension ClassReport {
  /// Scores of each class, one a row.
  var table: TextTable {
    var table = TextTable([
      .text("label"), .number("precision"), .number("recall"), .number("f1"), .number("support"),
    ])
    for row in rows {
      table.add(
        [row.name] + [row.precision, row.recall, row.f1].map { String(format: "%.4f", $0) } + [
          grouped(row.support)
        ])
    }
    return table
  }

  /// Confusion matrix, the true labels below each other; nil for more labels than a screen has columns.
  var matrixTable: TextTable? {
    guard let matrix, rows.count <= 12 else { return nil }
    var table = TextTable([.text("true \\ predicted")] + rows.map { .number($0.name) })
    for (label, row) in rows.enumerated() {
      table.add([row.name] + rows.indices.map { grouped(matrix[label, predicted: $0]) })
    }
    return table
  }
}
