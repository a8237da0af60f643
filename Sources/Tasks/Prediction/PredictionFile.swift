import Foundation
import ModelFormats

extension JSONValue {
  /// Labels with their probabilities, as an object.
  static func labels(_ labels: [(label: String, value: Double)]) -> JSONValue {
    var object = JSONObject()
    for (label, value) in labels { object[label] = .double(value) }
    return .object(object)
  }
}

/// File of predictions: the columns of the input, and behind them the answers; plain text, CSV, TSV or JSON lines by its name.
///
/// CSV and TSV have the columns `prediction`, `probability` and, where all are asked for, `probability_<label>`. An object of
/// JSON lines has `prediction`, `probability` and `probabilities` (label: probability), or `value` and what else an answer has:
/// the form in which answers teach.
package final class PredictionFile {
  /// Form of a file.
  package enum Form: String, CaseIterable {
    /// Lines as on standard output.
    case text = "txt"
    /// Comma-separated with quotes (RFC 4180).
    case csv
    /// Tab-separated; tabs and line ends within cells are written as `\t` and `\n`.
    case tsv
    /// One object a line.
    case jsonl

    /// The form of a name; nil where it says none.
    package init?(path: String) { self.init(rawValue: URL(filePath: path).pathExtension.lowercased()) }
  }

  private let file: AtomicFile
  private let form: Form
  private let showsAll: Bool
  private let topCount: Int?
  private var buffer: [UInt8] = []
  private var columns: [String]?

  /// Opens a file, which appears when it is finished.
  ///
  /// - Parameters:
  ///   - showsAll: Whether CSV and TSV have the probability of each label.
  ///   - topCount: The number of likeliest labels; nil for the answer alone in tables, and for all in JSON lines.
  /// - Throws: `FormatError.cannotWrite`.
  package init(_ url: URL, form: Form, showsAll: Bool, topCount: Int? = nil) throws(FormatError) {
    file = try AtomicFile(url)
    (self.form, self.showsAll, self.topCount) = (form, showsAll, topCount)
  }

  /// Adds the answer to an item.
  ///
  /// - Throws: `TaskError` where the input has a column of the answer's name, or rows of other columns than the first;
  ///   `FormatError.cannotWrite`.
  package func add(_ answer: PredictedAnswer, to item: PredictionItem) throws {
    switch form {
    case .text: put(answer.line)
    case .jsonl: put(JSONValue.object(try object(answer, item)).compactText)
    case .csv, .tsv:
      let names = item.columns.map(\.name)
      if columns == nil {
        let added = added(answer).map(\.name)
        try check(names, against: added, item)
        columns = names
        put(line(names + added))
      }
      guard names == columns else {
        throw TaskError(
          "\(item.place): found the columns \(names.joined(separator: ", ")), expected "
            + "\((columns ?? []).joined(separator: ", ")) as in the first row; write .jsonl for rows of different columns"
        )
      }
      put(line(item.columns.map { cell($0.value) } + added(answer).map(\.cell)))
    }
    if buffer.count > 1 << 18 { try flush() }
  }

  /// Gives the file its name.
  ///
  /// - Parameter inputColumns: The names of the input's columns, which a table has although no row came.
  /// - Throws: `FormatError.cannotWrite`.
  package func finish(inputColumns: [String] = []) throws(FormatError) {
    switch form {
    case .csv, .tsv: if columns == nil { put(line(inputColumns + ["prediction"])) }
    case .text, .jsonl: break
    }
    try flush()
    try file.commit()
  }

  private func flush() throws(FormatError) {
    try file.write(buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  private func put(_ line: String) {
    buffer += line.utf8
    buffer.append(0x0A)
  }

  private func added(_ answer: PredictedAnswer) -> [(name: String, cell: String)] {
    var cells = [("prediction", cell(answer.prediction))]
    if let probability = answer.probability { cells.append(("probability", "\(probability)")) }
    if !showsAll, let topCount {
      for (place, next) in answer.likeliest(topCount).enumerated().dropFirst() {
        cells += [("prediction_\(place + 1)", next.label), ("probability_\(place + 1)", "\(next.value)")]
      }
    }
    if showsAll { cells += answer.probabilities.map { ("probability_\($0.label)", "\($0.value)") } }
    return cells
  }

  private func object(_ answer: PredictedAnswer, _ item: PredictionItem) throws -> JSONObject {
    var added = JSONObject()
    added["prediction"] = answer.prediction
    if let probability = answer.probability { added["probability"] = .double(probability) }
    if !answer.probabilities.isEmpty {
      added["probabilities"] = .labels(topCount.map(answer.likeliest) ?? answer.probabilities)
    }
    for (name, value) in answer.members where added[name] == nil { added[name] = value }
    try check(item.columns.map(\.name), against: added.keys, item)
    var object = JSONObject()
    for (name, value) in item.columns { object[name] = value }
    for (name, value) in added { object[name] = value }
    return object
  }

  private func check(_ names: [String], against added: [String], _ item: PredictionItem) throws {
    guard let name = added.first(where: names.contains) else { return }
    throw TaskError(
      "\(item.place): the input has a column \"\(name)\" already, which the answers have too; rename it, or write .txt"
    )
  }

  private func cell(_ value: JSONValue) -> String {
    if let list = value.arrayValue, list.allSatisfy({ $0.stringValue != nil }) {
      return list.compactMap(\.stringValue).joined(separator: ",")
    }
    return value.isNull ? "" : value.stringValue ?? value.compactText
  }

  private func line(_ cells: [String]) -> String {
    if form == .tsv { return cells.map(inOneCell).joined(separator: "\t") }
    return cells.map { cell in
      cell.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }
        ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
    }.joined(separator: ",")
  }
}
