import Foundation
import ModelFormats

/// What the runs of an ablation came to: mean and spread of each combination over its seeds.
struct AblationReport {
  /// Mean and spread of one number over the seeds.
  struct Spread {
    /// The numbers, in the order of the seeds.
    let values: [Double]
    /// Their mean.
    var mean: Double { values.reduce(0, +) / Double(values.count) }
    /// Their standard deviation, with n - 1 in the denominator; nil for a single one.
    var deviation: Double? {
      guard values.count > 1 else { return nil }
      let mean = mean
      return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }
  }

  /// The results of one combination by seed.
  struct Row {
    /// The combination.
    let cell: AblationGrid.Cell
    /// The finished runs: the seed and everything in `all_results.json`.
    var runs: [(seed: Int, results: JSONObject)]

    /// A number over the runs that have it; nil when none has.
    func spread(_ name: String) -> Spread? {
      let values = runs.compactMap { $0.results[name]?.doubleValue }
      return values.isEmpty ? nil : Spread(values: values)
    }
  }

  /// One row a combination, at least one.
  var rows: [Row]
  /// The metrics of the table, as `all_results.json` names them; empty for those that runs are judged by.
  let metrics: [String]

  /// Whether a file is the report of an ablation, which the next one of its folder replaces.
  static func isReport(_ url: URL) -> Bool { (try? JSONValue(contentsOf: url))?["cells"]?.arrayValue != nil }

  /// The table for people.
  var table: TextTable {
    let names = metrics.isEmpty ? judged : metrics
    var columns = rows[0].cell.values.map { TextTable.Column.text($0.key) } + [.number("runs")]
    for name in names { columns += [.number(name), .number("sd"), .number("min"), .number("max")] }
    var table = TextTable(columns)
    func text(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "" }
    for row in rows {
      var cells = row.cell.values.map(\.value) + [String(row.runs.count)]
      for name in names {
        let spread = row.spread(name)
        cells += [spread?.mean, spread?.deviation, spread?.values.min(), spread?.values.max()].map(text)
      }
      table.add(cells)
    }
    return table
  }

  /// Everything for machines: each combination with mean, deviation, least, greatest and single values of every number.
  var json: JSONValue {
    .object(
      JSONObject([
        (
          "cells",
          .array(
            rows.map { row in
              .object(
                JSONObject([
                  ("values", .object(JSONObject(row.cell.values.map { ($0.key, .string($0.value)) }))),
                  ("seeds", .array(row.runs.map { .integer($0.seed) })),
                  ("results", .object(JSONObject(numbers(row).map { ($0, json(row.spread($0))) }))),
                ]))
            })
        )
      ]))
  }

  private func json(_ spread: Spread?) -> JSONValue {
    guard let spread else { return .null }
    return [
      "mean": .double(spread.mean), "std": spread.deviation.map { .double($0) } ?? .null,
      "min": .double(spread.values.min() ?? spread.mean), "max": .double(spread.values.max() ?? spread.mean),
      "values": .array(spread.values.map { .double($0) }),
    ]
  }

  /// The names of a row's numbers, in alphabetical order.
  private func numbers(_ row: Row) -> [String] {
    Set(row.runs.flatMap { run in run.results.compactMap { $0.value.doubleValue == nil ? nil : $0.key } })
      .sorted()
  }

  /// The scores of the validation rows where there are any, else the training loss.
  private var judged: [String] {
    let about: Set = ["eval_runtime", "eval_samples", "eval_samples_per_second", "eval_loss"]
    let found = Set(rows.flatMap(numbers)).filter { $0.hasPrefix("eval_") && !about.contains($0) }
    return found.isEmpty ? ["train_loss"] : found.sorted()
  }
}

extension JSONObject {
  /// An object of some members.
  fileprivate init(_ members: [(String, JSONValue)]) {
    self.init()
    for (key, value) in members { self[key] = value }
  }
}
