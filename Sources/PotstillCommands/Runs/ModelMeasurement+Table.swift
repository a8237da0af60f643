import Foundation
import ModelFormats
import Tasks

extension ModelMeasurement {
  /// The table for people; the speed-up is against the first row, and what no row knows has no column.
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
        row.name, String(row.layers), grouped(row.parameters), megabytes(4 * row.parameters),
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
