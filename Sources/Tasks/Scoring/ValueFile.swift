import Datasets
import Foundation
import ModelFormats

/// Labels or numbers from a file: one a line, a column of TSV or CSV with or without a header, or a field of JSON lines.
///
/// White space around a value is none of it, as in the data files of `evaluate`.
struct ValueFile {
  /// A line that should have a value.
  private struct Row {
    /// Line, counted from 0.
    let line: Int
    let value: Result<String, TaskError>
    /// Value of the column `index`, nil without one.
    let index: String?
  }

  private var rows: [Row] = []
  private let file: LineFile
  private let allowsEmpty: Bool
  /// The path, for messages.
  var path: String { file.path }
  /// The values in the order of the file; a row without one has been refused by `paired(with:)`.
  var values: [String] { rows.map { (try? $0.value.get()) ?? "" } }
  /// The number of rows.
  var count: Int { rows.count }

  /// Usual names of the column of predictions.
  static let predictionNames = ["prediction", "predictions", "pred", "label", "score"]
  /// Usual names of the column of gold values.
  static let labelNames = ["label", "labels", "gold_label", "gold", "score", "prediction"]
  /// Names of the column of row numbers in GLUE's and Potstill's files.
  private static let indexName = "index"

  /// Reads a file; rows without a value are refused when they are asked for.
  ///
  /// - Parameters:
  ///   - path: the file; its lines are JSON objects when the name ends in .jsonl, and rows of CSV when it ends in .csv.
  ///   - column: the column or field to take; nil takes the first of the usual ones that is there.
  ///   - usual: what the column is usually called.
  ///   - noHeader: whether a column that is a number is a position, counted from 0, in a table without a header.
  ///   - allowsEmpty: whether a value may be empty, as a set of no labels is.
  init(
    _ path: String, column: String?, usual: [String], noHeader: Bool = false, allowsEmpty: Bool = false
  ) throws {
    file = try LineFile(path)
    self.allowsEmpty = allowsEmpty
    if path.hasSuffix(".jsonl") {
      let names = column.map { [$0] } ?? usual
      rows = try file.lines.enumerated().compactMap { line, text in
        if text.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return nil }
        let object = try JSONValue(parsingLine: String(text), number: line + 1, of: path)
        let value = Result { () throws(TaskError) in
          try Self.field(of: object, names, "\(path):\(line + 1)")
        }
        return Row(line: line, value: value, index: object[Self.indexName]?.compactText)
      }
    } else {
      try readTable(column, usual: usual, noHeader: noHeader)
    }
    if rows.isEmpty { throw TaskError("\(path): found no values, expected one a line") }
  }

  private mutating func readTable(_ column: String?, usual: [String], noHeader: Bool) throws {
    let table = cells
    let first = try table.first?.cells.get() ?? []
    let place: Int
    var start = 0
    if let position = column.flatMap({ Int($0) }) {
      place = try Self.check(position, in: first, noHeader: noHeader, of: file)
    } else {
      (place, start) = try Self.find(column, usual: usual, in: first, of: file)
    }
    let index = start == 1 ? first.firstIndex(of: Self.indexName).flatMap { $0 == place ? nil : $0 } : nil
    for (line, cells) in table.dropFirst(start) {
      if case .success([""]) = cells, first.count > 1 { continue }
      let sound = cells.flatMap { cells in
        cells.count == first.count
          ? .success(cells)
          : .failure(file.fault(line, "found \(cells.count) columns, expected \(first.count) as in line 1"))
      }
      rows.append(
        Row(line: line, value: sound.map { $0[place] }, index: index.flatMap { try? sound.get()[$0] }))
    }
  }

  /// The cells of each row, with the line on which it starts, counted from 0.
  private var cells: [(line: Int, cells: Result<[String], TaskError>)] {
    func trimmed(_ cell: String) -> String { cell.trimmingCharacters(in: .whitespacesAndNewlines) }
    // A single column without quotes reads the same either way, and keeps its empty lines as values.
    let isCSV = path.lowercased().hasSuffix(".csv")
    guard isCSV, file.lines.contains(where: { $0.contains { $0 == "," || $0 == "\"" } }) else {
      return file.lines.enumerated().map { line, text in
        (
          line,
          .success(
            text.utf8.split(separator: 0x09, omittingEmptySubsequences: false).map {
              trimmed(String(Substring($0)))
            })
        )
      }
    }
    return DelimitedRows(csv: Array(file.lines.joined(separator: "\n").utf8)).rows.map { row in
      let fault = row.fault.map { file.fault(row.line - 1, "found \($0.found), expected \($0.expected)") }
      return (row.line - 1, fault.map { .failure($0) } ?? .success(row.fields.map(trimmed)))
    }
  }

  /// The values as numbers.
  func numbers() throws -> [Double] {
    try values.enumerated().map { index, value in
      guard let number = decimalNumber(value) else {
        throw fault(value: index, "found \"\(value)\", expected a number")
      }
      return number
    }
  }

  /// An error at the line of a value.
  func fault(value index: Int, _ reason: String) -> TaskError { file.fault(rows[index].line, reason) }

  // MARK: Two files

  /// Predictions with the gold values that they belong to: by the column `index` of the predictions, which is that of the
  /// gold file or the position of its rows counted from 0; without one, line by line.
  ///
  /// - Throws: `TaskError` for an index that is unknown, given twice or no whole number, without indices for files of
  ///   unequal length, and for rows without a value.
  func paired(with gold: ValueFile) throws -> (predicted: ValueFile, gold: ValueFile) {
    guard rows.contains(where: { $0.index != nil }) else {
      try check()
      try gold.check()
      guard count == gold.count else {
        throw TaskError("\(path): found \(count) predictions, expected \(gold.count) as in \(gold.path)")
      }
      return (self, gold)
    }
    let places = gold.placesByIndex
    var predictions: [Int: Row] = [:]
    for row in rows {
      _ = try row.value.get()
      guard let number = row.index.flatMap(wholeNumber) else {
        throw file.fault(row.line, "found the index \"\(row.index ?? "")\", expected a whole number")
      }
      guard let place = places[number] else {
        throw file.fault(
          row.line,
          "found the index \(number), which is that of no row of \(gold.path) (\(gold.count) rows, counted from 0 "
            + "where they have no column index)")
      }
      if let other = predictions.updateValue(row, forKey: place) {
        throw file.fault(row.line, "found the index \(number) once more (first in line \(other.line + 1))")
      }
    }
    var (own, other) = (self, gold)
    let order = predictions.keys.sorted()
    own.rows = order.compactMap { predictions[$0] }
    other.rows = order.map { gold.rows[$0] }
    try own.check()
    try other.check()
    return (own, other)
  }

  private func check() throws {
    for row in rows {
      if try row.value.get().isEmpty, !allowsEmpty { throw file.fault(row.line, "found an empty value") }
    }
  }

  /// The place of each row by its number: that of its own column `index` where all sound rows have one each.
  private var placesByIndex: [Int: Int] {
    var indices = RowIndices()
    for (place, row) in rows.enumerated() {
      if case .success = row.value { indices.add(row.index, ofRow: place) }
    }
    let numbers = indices.ofRows ?? Dictionary(uniqueKeysWithValues: rows.indices.map { ($0, $0) })
    return Dictionary(numbers.map { ($1, $0) }) { first, _ in first }
  }

  /// The place of a column in a header, and the index of the line of its first value: 0 where a single column has none.
  private static func find(
    _ column: String?, usual: [String], in header: [String], of file: LineFile
  ) throws -> (place: Int, start: Int) {
    let names = column.map { [$0] } ?? usual
    if let place = names.lazy.compactMap(header.firstIndex).first {
      for name in [header[place], indexName] where header.count(where: { $0 == name }) > 1 {
        throw file.fault(0, "found the column \(name) more than once, expected each name once")
      }
      return (place, 1)
    }
    if header.isEmpty || header == [""] { throw file.fault(0, "found nothing, expected a table of values") }
    if header.count == 1, column == nil { return (0, 0) }
    throw file.fault(
      0,
      "found the columns \(header.joined(separator: ", ")), expected one called \(names.joined(separator: ", "))"
        + "; name it with --prediction-column or --label-column, or, where the file has no header, add --no-header "
        + "and give its position from 0")
  }

  /// A position in a table without a header; never the name of a column, which a row of numbers could seem to have.
  private static func check(
    _ position: Int, in cells: [String], noHeader: Bool, of file: LineFile
  ) throws -> Int {
    guard noHeader else {
      throw TaskError(
        "\(file.path): the column \(position) is a number, expected a name from the header; where the file has no "
          + "header, add --no-header, and \(position) is a position counted from 0")
    }
    guard cells.indices.contains(position) else {
      throw file.fault(
        0, "found \(cells.count) columns, expected one at position \(position), counted from 0")
    }
    return position
  }

  private static func field(
    of object: JSONValue, _ names: [String], _ place: String
  ) throws(TaskError) -> String {
    guard let value = names.lazy.compactMap({ object[$0] }).first else {
      throw TaskError("\(place): found none of the fields \(names.joined(separator: ", "))")
    }
    return (value.stringValue ?? value.compactText).trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
