import Evaluation
import Foundation
import ModelFormats
import Tasks

extension RobustnessReport {
  /// The table: a row for each model under each change.
  package var table: TextTable {
    let hasNumbers = conditions.contains { $0.results.contains { $0.meanChange != nil } }
    let isCalibrated = conditions.contains { $0.results.contains { $0.calibration != nil } }
    var columns: [TextTable.Column] = [
      .text("change"), .text("model"), .number("rows"), .number(metric ?? "score"), .number("drop"),
      .number(hasNumbers ? "moved" : "flipped"),
    ]
    if models.count > 1 { columns.append(.number(hasNumbers ? "correlation" : "agrees", short: "agrees")) }
    if isCalibrated { columns.append(.number("ECE")) }
    var table = TextTable(columns)
    for condition in conditions {
      if condition.results.isEmpty { table.add([condition.name, "", "0"]) }
      for (place, result) in condition.results.enumerated() {
        let isFirst = place == 0
        var cells = [
          isFirst ? condition.name : "", models[place], isFirst ? grouped(condition.rowCount) : "",
          number(result.scores.first?.value), number(result.drop),
          hasNumbers ? number(result.meanChange) : share(result.flips, of: condition.rowCount),
        ]
        if models.count > 1 {
          cells.append(hasNumbers ? number(result.correlation) : percent(result.agreement))
        }
        if isCalibrated { cells.append(number(result.calibration?.expectedError)) }
        table.add(cells)
      }
    }
    return table
  }

  private func number(_ value: Double?) -> String {
    value.map { $0.isNaN ? "" : String(format: "%.4f", $0) } ?? ""
  }

  private func percent(_ value: Double?) -> String { value.map { String(format: "%.1f%%", 100 * $0) } ?? "" }

  private func share(_ part: Int?, of whole: Int) -> String {
    percent(part.map { Double($0) / Double(whole) })
  }
}

extension Console {
  /// Prints a report on robustness: the table, what it says, and the option that trains against it; or one JSON object.
  package func result(_ report: RobustnessReport, json: Bool) {
    if json { return result(JSONValue.object(report.json).prettyText) }
    result(report.table)
    result("")
    for finding in report.findings { result(finding) }
    guard let methods = report.augmentation else { return }
    let quoted = methods.contains("\"") ? "'\(methods)'" : methods
    result("To train against it: potstill distill … --augment \(quoted)")
  }
}
