public import Foundation
public import ModelFormats

/// Axis of an ablation: a key with the values to try.
public struct AblationAxis: Sendable {
  /// The key as a recipe spells it.
  public let key: String
  /// The values as they were given; `none` leaves the key out.
  public let values: [String]

  /// A key with its values, a list such as `1,4,8`.
  public init(_ key: String, values text: String) { (self.key, values) = (key, Self.values(of: text)) }

  /// Values between commas, of which those inside brackets and quotes belong to a value.
  private static func values(of text: String) -> [String] {
    var values = [""]
    var depth = 0
    var isQuoted = false
    for character in text {
      if character == "\"" { isQuoted.toggle() }
      if !isQuoted && "[{".contains(character) { depth += 1 }
      if !isQuoted && "]}".contains(character) { depth -= 1 }
      if character == "," && depth == 0 && !isQuoted {
        values.append("")
      } else {
        values[values.count - 1].append(character)
      }
    }
    return values
  }
}

/// Report of an ablation: mean and deviation of each combination's results over its seeds.
public struct AblationReport {
  /// Mean and deviation of one number over the seeds.
  public struct Statistics {
    /// The numbers, in the order of the seeds.
    public let values: [Double]
    /// Their mean.
    public var mean: Double { values.reduce(0, +) / Double(values.count) }
    /// Their standard deviation, with n - 1 in the denominator; nil for a single one.
    public var deviation: Double? {
      guard values.count > 1 else { return nil }
      let mean = mean
      return (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)).squareRoot()
    }
  }

  /// The results of one combination by seed.
  public struct Row {
    /// Settings that tell the combination from the others: keys with their values.
    public let values: [(key: String, value: String)]
    /// The finished runs: the seed and everything in `all_results.json`.
    public var runs: [(seed: Int, results: JSONObject)]

    /// A combination that was not run yet.
    public init(_ values: [(key: String, value: String)]) { (self.values, runs) = (values, []) }

    /// A number over the runs that have it; nil when none has.
    public func statistics(of name: String) -> Statistics? {
      let values = runs.compactMap { $0.results[name]?.doubleValue }
      return values.isEmpty ? nil : Statistics(values: values)
    }
  }

  /// One row a combination, at least one.
  public var rows: [Row]
  /// The metrics of the table, as `all_results.json` names them; empty takes all scores, or the training loss.
  public let metrics: [String]

  /// A report of combinations, at least one.
  public init(_ rows: [Row], metrics: [String] = []) { (self.rows, self.metrics) = (rows, metrics) }

  /// Whether a file is the report of an ablation, which the next one of its folder replaces.
  public static func isReport(_ url: URL) -> Bool {
    (try? JSONValue(contentsOf: url))?["cells"]?.arrayValue != nil
  }

  /// The table for people: a column for each key that varies, the number of runs, and mean, deviation, least and greatest of
  /// each metric.
  public var table: (keys: [String], numbers: [String], rows: [[String]]) {
    let names = metrics.isEmpty ? defaultMetrics : metrics
    func text(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "" }
    let cells = rows.map { row in
      row.values.map(\.value) + [String(row.runs.count)]
        + names.flatMap { name in
          let statistics = row.statistics(of: name)
          return [
            statistics?.mean, statistics?.deviation, statistics?.values.min(), statistics?.values.max(),
          ].map(text)
        }
    }
    return (
      rows.first?.values.map(\.key) ?? [], ["runs"] + names.flatMap { [$0, "sd", "min", "max"] }, cells
    )
  }

  /// Everything for machines: each combination with mean, deviation, least, greatest and single values of every number.
  public var json: JSONValue {
    .object(
      JSONObject([
        (
          "cells",
          .array(
            rows.map { row in
              .object(
                JSONObject([
                  ("values", .object(JSONObject(row.values.map { ($0.key, .string($0.value)) }))),
                  ("seeds", .array(row.runs.map { .integer($0.seed) })),
                  ("results", .object(JSONObject(numbers(row).map { ($0, json(row.statistics(of: $0))) }))),
                ]))
            })
        )
      ]))
  }

  private func json(_ statistics: Statistics?) -> JSONValue {
    guard let statistics else { return .null }
    return [
      "mean": .double(statistics.mean), "std": statistics.deviation.map { .double($0) } ?? .null,
      "min": .double(statistics.values.min() ?? statistics.mean),
      "max": .double(statistics.values.max() ?? statistics.mean),
      "values": .array(statistics.values.map { .double($0) }),
    ]
  }

  /// The names of a row's numbers, in alphabetical order.
  private func numbers(_ row: Row) -> [String] {
    Set(row.runs.flatMap { run in run.results.compactMap { $0.value.doubleValue == nil ? nil : $0.key } })
      .sorted()
  }

  /// The names of the metrics in the table: scores of the validation rows where there are any, else the training loss.
  private var defaultMetrics: [String] {
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
