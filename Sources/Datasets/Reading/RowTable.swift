import Foundation
import ModelFormats

/// Table of a whole file of rows, for a look at it before anybody knows its columns: their names, and every value.
package struct RowTable: Sendable {
  /// The format.
  package let format: DataFormat
  /// Whether the first row names the columns.
  package let hasHeader: Bool
  /// The columns: the names of the header, the keys in the order of their first use, or positions.
  package let columns: [ColumnReference]
  /// The values of each sound row in the order of `columns`; nil where a JSON object has no such key.
  package let rows: [[JSONValue?]]

  /// The table of a file.
  ///
  /// - Parameters:
  ///   - format: The format: rows of fields or of objects.
  ///   - isName: Whether a column is known to be called so; a first row that has one is a header.
  /// - Throws: `DatasetError.emptyFile`, and `.unreadableFile` with the first fault where no row is sound.
  package init(
    _ bytes: [UInt8], path: String, format: DataFormat, isName: (String) -> Bool
  ) throws(DatasetError) {
    self.format = format
    if format.holdsObjects {
      var objects: [JSONObject] = []
      var fault: RowFault?
      JSONRows.forEach(bytes, format) { _, object in
        switch object {
        case .success(let object): objects.append(object)
        case .failure(let found): fault = fault ?? found
        }
      }
      if objects.isEmpty, let fault {
        throw .unreadableFile(path: path, reason: "line \(fault.line): \(fault)")
      }
      guard !objects.isEmpty else { throw .emptyFile(path: path) }
      var keys: [String] = []
      var seen: Set<String> = []
      for object in objects { for key in object.keys where seen.insert(key).inserted { keys.append(key) } }
      hasHeader = true
      columns = keys.map { .name($0) }
      rows = objects.map { object in keys.map { key in object[key].flatMap { $0.isNull ? nil : $0 } } }
      return
    }
    let table = (format == .csv ? DelimitedRows(csv: bytes) : DelimitedRows(tsv: bytes)).rows.filter {
      $0.fault == nil
    }
    guard let first = table.first?.fields else { throw .emptyFile(path: path) }
    let rest = table.dropFirst().map(\.fields).filter { $0.count == first.count }
    hasHeader = first.contains(where: isName) || Self.isHeader(first, above: rest)
    columns = hasHeader ? first.map { .name($0) } : first.indices.map { .index($0) }
    rows = (hasHeader ? rest : [first] + rest).map { $0.map { .string($0) } }
  }

  /// Whether a first row is unlike the others where they are alike: no number over numbers, no value over few values that recur.
  private static func isHeader(_ first: [String], above rows: [[String]]) -> Bool {
    guard rows.count > 1, Set(first).count == first.count, !first.contains(where: \.isEmpty) else {
      return false
    }
    var isUnlike = false
    for (column, name) in first.enumerated() {
      let values = rows.map { $0[column] }
      let isNumber = Double(name) != nil
      if values.allSatisfy({ Double($0) != nil }) {
        if isNumber { return false }
        isUnlike = true
        continue
      }
      let kinds = Set(values)
      guard kinds.count <= max(20, rows.count / 10), kinds.count * 2 <= rows.count else { continue }
      if kinds.contains(name) { return false }
      isUnlike = true
    }
    return isUnlike
  }

  /// The values of a column as texts, without the white space around them; nil where there is none, or no single value.
  package func texts(_ column: Int) -> [String?] {
    rows.map { row in row[column].flatMap(JSONRows.scalar)?.trimmingCharacters(in: .whitespacesAndNewlines) }
  }
}
