import Evaluation
import Foundation
import ModelFormats
import Tasks

/// Table of results: the names of `all_results.json` with readable numbers.
package enum ResultTable {
  /// A table of names and values in the order of the object: numbers to the right, texts to the left.
  package static func of(_ results: JSONObject) -> TextTable {
    let rows = results.map { (name: $0, value: text($1, of: $0), isText: $1.stringValue != nil) }
    let width = rows.filter { !$0.isText }.map { displayWidth($0.value) }.max() ?? 0
    var table = TextTable([.text(""), .text("")])
    for row in rows {
      table.add([row.name, row.isText ? row.value : padded(row.value, to: width, onLeft: true)])
    }
    return table
  }

  /// A number as people read it: times and rates short, scores with four digits.
  package static func text(_ value: JSONValue, of name: String) -> String {
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
  package static func table(_ rows: [ModelMeasurement]) -> TextTable {
    guard let first = rows.first, let metrics = rows.map(\.metrics).max(by: { $0.count < $1.count }) else {
      return TextTable([])
    }
    var columns: [TextTable.Column] = [
      .text("model"), .number("layers"), .number("parameters", short: "params"), .number("MB"),
      .number("sentences/s", short: "sent/s"),
    ]
    let hasLatency = rows.contains { $0.latency != nil }
    if hasLatency { columns.append(.number("ms/sentence", short: "ms/sent")) }
    let hasSpeedup = first.samplesPerSecond != nil
    if hasSpeedup { columns.append(.number("speed-up", short: "speed")) }
    columns += metrics.map { .number($0.name) }
    var table = TextTable(columns)
    for row in rows {
      var cells = [
        row.name, row.isModel ? String(row.layers) : "", row.isModel ? grouped(row.parameters) : "",
        row.isModel ? megabytes(row.bytes) : "",
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

extension InferenceSpeed {
  /// The table of some models' speeds.
  package static func table(_ rows: [(name: String, speed: InferenceSpeed)]) -> TextTable {
    var table = TextTable([
      .text("model"), .number("ms p50"), .number("p95"), .number("p99"),
      .number("best batch", short: "batch"),
      .number("sentences/s", short: "sent/s"),
    ])
    for (name, speed) in rows {
      let times = [speed.latency.p50, speed.latency.p95, speed.latency.p99]
      table.add(
        [name] + times.map { String(format: "%.2f", $0) } + [
          String(speed.bestBatch), grouped(Int(speed.samplesPerSecond.rounded())),
        ])
    }
    return table
  }
}

extension ClassReport {
  /// Scores of each class, one a row.
  package var table: TextTable {
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
  package var matrixTable: TextTable? {
    guard let matrix, rows.count <= 12 else { return nil }
    var table = TextTable([.text("true \\ predicted")] + rows.map { .number($0.name) })
    for (label, row) in rows.enumerated() {
      table.add([row.name] + rows.indices.map { grouped(matrix[label, predicted: $0]) })
    }
    return table
  }
}

extension ResultTable {
  /// A table of scores with all digits: a row for each score; scores of entity types make columns instead.
  package static func scores(_ scores: JSONObject) -> TextTable {
    let parts = scores.filter { $0.value.objectValue != nil }
    guard let columns = parts.first?.value.objectValue?.keys else {
      var table = TextTable([.text(""), .number("")])
      for (name, value) in scores { table.add([name, digits(value)]) }
      return table
    }
    var table = TextTable([.text("")] + columns.map { .number($0) })
    for (name, part) in parts { table.add([name] + columns.map { digits(part[$0] ?? .null) }) }
    table.add(["overall"] + columns.map { scores["overall_\($0)"].map(digits) ?? "" })
    table.add(["accuracy", digits(scores["overall_accuracy"] ?? .null)])
    return table
  }

  private static func digits(_ value: JSONValue) -> String {
    if case .double(let number) = value { "\(number)" } else { value.compactText }
  }
}

extension Console {
  /// Prints a measurement.
  package func result(_ report: BenchmarkReport, json: Bool) {
    if json { return result(JSONValue.object(report.json).prettyText) }
    result(TextTable(facts: report.facts))
    guard let shares = report.shares else { return }
    result(
      TextTable(
        [.text("thread time"), .number("ms a step"), .number("share")],
        shares.map { [$0.kind, $0.milliseconds, $0.share] }))
  }
}
