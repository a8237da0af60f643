import Foundation
import ModelFormats

/// Parser of rows that are texts or pairs; bad rows are in the report, a missing column is an error.
package struct TextRowParser: RowParser {
  private let path: String
  private let layout: RowLayout
  private let builder: ExampleBuilder
  /// Whether rows are numbered by a column of the file, which takes memory for each.
  private let numbersRows: Bool
  private var columns: TableColumns?
  private var hasRows = false
  private var indices = RowIndices()

  /// A parser of a file.
  ///
  /// - Parameter numbersRows: Whether rows get the numbers of the file's column `index`; needs all rows at the end.
  package init(
    path: String, layout: RowLayout, split: DataSplit, targets: any TargetReader, numbersRows: Bool = true
  ) {
    (self.path, self.layout, self.numbersRows) = (path, layout, numbersRows)
    builder = ExampleBuilder(split: split, targets: targets)
  }

  /// Adds the rows of a piece.
  ///
  /// - Throws: `DatasetError.missingColumn` or `.unreadableFile`.
  package mutating func read(
    _ piece: RowPiece, into dataset: inout TextDataset
  ) throws(DatasetError) -> RowPiece? {
    var rest: RowPiece?
    switch layout.format {
    case .tsv: try add(DelimitedRows(tsv: piece), to: &dataset)
    case .csv: try add(DelimitedRows(csv: piece, rest: &rest), to: &dataset)
    case .jsonl, .json: addObjects(of: piece, to: &dataset)
    case .text: addTexts(of: piece, to: &dataset)
    case .conll, .squad:
      preconditionFailure("Validation lets no file of format \(layout.format.rawValue) through to here.")
    }
    return rest
  }

  /// Numbers the rows as the file itself does, where it does.
  ///
  /// - Throws: `DatasetError.emptyFile` for a table without a row, `.missingColumn` for one without a sound row.
  package mutating func finish(_ dataset: inout TextDataset) throws(DatasetError) {
    switch layout.format {
    case .tsv, .csv:
      guard hasRows else { throw .emptyFile(path: path) }
      if columns == nil { columns = try TableColumns(layout, names: [], width: 0, builder.split, path) }
    case .jsonl, .json, .text, .conll, .squad: break
    }
    guard numbersRows, let own = indices.ofRows else { return }
    for place in dataset.examples.indices {
      dataset.examples[place].row = dataset.examples[place].row.flatMap { own[$0] }
    }
  }

  private mutating func add(_ table: DelimitedRows, to dataset: inout TextDataset) throws(DatasetError) {
    var rows = table.rows[...]
    guard let first = rows.first else { return }
    hasRows = true
    if columns == nil {
      if layout.header {
        if let fault = first.fault {
          throw .unreadableFile(path: path, reason: "line \(fault.line), the header: \(fault)")
        }
        columns = try TableColumns(
          layout, names: first.fields, width: first.fields.count, builder.split, path)
        rows.removeFirst()
      } else if let width = rows.first(where: { $0.fault == nil })?.fields.count {
        // Without a header the first sound row says how many columns there are.
        columns = try TableColumns(layout, names: [], width: width, builder.split, path)
      }
    }
    for row in rows {
      guard row.fault == nil, let columns else {
        if let fault = row.fault { dataset.add(.failure(fault)) }
        continue
      }
      guard row.fields.count == columns.width else {
        let found = row.fields.count == 1 ? "1 column" : "\(row.fields.count) columns"
        dataset.add(.failure(RowFault(line: row.line, found: found, expected: "\(columns.width)")))
        continue
      }
      let cells = columns.labels.map { row.fields[$0] }
      let place = dataset.report.rowCount
      if numbersRows { indices.add(columns.index.map { row.fields[$0] }, ofRow: place) }
      dataset.add(
        builder.example(
          row: place, line: row.line, id: columns.id.map { row.fields[$0] }, text: row.fields[columns.text],
          pair: columns.pair.map { row.fields[$0] },
          target: cells.isEmpty ? .none : layout.labelColumns != nil ? .flags(cells) : .scalar(cells[0])))
    }
  }

  /// Reads one text a line.
  private func addTexts(of piece: RowPiece, to dataset: inout TextDataset) {
    DelimitedRows.forEachLine(piece) { line, content in
      guard let text = DelimitedRows.text(content) else {
        dataset.add(.failure(DelimitedRows.notUTF8(line)))
        return
      }
      if text.allSatisfy(\.isWhitespace) { return }
      dataset.add(
        builder.example(
          row: dataset.report.rowCount, line: line, id: nil, text: text, pair: nil, target: .none))
    }
  }

  /// Reads JSON objects.
  private mutating func addObjects(of piece: RowPiece, to dataset: inout TextDataset) {
    JSONRows.forEach(piece, layout.format) { line, object in
      let row = dataset.report.rowCount
      if numbersRows, case .success(let members) = object {
        indices.add(members["index"].flatMap(JSONRows.scalar), ofRow: row)
      }
      dataset.add(object.flatMap { example(row: row, line: line, $0) })
    }
  }

  private func example(row: Int, line: Int, _ object: JSONObject) -> Result<TextExample, RowFault> {
    do throws(RowFault) {
      let text = try JSONRows.text(layout.textColumn, of: object, line: line)
      var pair: String?
      if let column = layout.textPairColumn { pair = try JSONRows.text(column, of: object, line: line) }
      return builder.example(
        row: row, line: line,
        id: TextExample.idNames.lazy.compactMap { object[$0] }.first.flatMap(JSONRows.scalar),
        text: text, pair: pair, target: target(object))
    } catch {
      return .failure(error)
    }
  }

  /// The raw target of a row; whether there may be none is the builder's to judge.
  private func target(_ object: JSONObject) -> RawTarget {
    func value(_ column: ColumnReference) -> JSONValue? {
      if case .name(let key) = column { object[key] } else { nil }
    }
    if let columns = layout.labelColumns {
      let flags = columns.compactMap { value($0).flatMap(JSONRows.scalar) }
      return flags.count == columns.count ? .flags(flags) : .none
    }
    guard let value = value(layout.labelColumn) else { return .none }
    if let scalar = JSONRows.scalar(value) { return .scalar(scalar) }
    // A member that is no scalar is shown as it stands where the builder rejects it.
    return value.arrayValue.map { .list($0.map { JSONRows.scalar($0) ?? $0.compactText }) } ?? .none
  }
}

/// Places of a table's columns.
private struct TableColumns {
  let width: Int
  let text: Int
  let pair: Int?
  /// The columns of the target: one, one a label, or none.
  let labels: [Int]
  /// The column with the file's own numbers of its rows.
  let index: Int?
  /// The column with the file's own names of its rows.
  let id: Int?

  /// - Parameter names: The header; empty where there is none.
  init(
    _ layout: RowLayout, names: [String], width: Int, _ split: DataSplit, _ path: String
  ) throws(DatasetError) {
    func place(_ column: ColumnReference) throws(DatasetError) -> Int? {
      switch column {
      case .index(let index): return index < width ? index : nil
      case .name(let name):
        guard names.count(where: { $0 == name }) < 2 else {
          throw .repeatedColumn(name, path: path)
        }
        return names.firstIndex(of: name)
      }
    }
    func required(_ column: ColumnReference) throws(DatasetError) -> Int {
      if let place = try place(column) { return place }
      throw .missingColumn(
        path: path, column: column, found: layout.header ? names : (0..<width).map { "\($0)" })
    }
    self.width = width
    text = try required(layout.textColumn)
    if let column = layout.textPairColumn { pair = try required(column) } else { pair = nil }
    var labels: [Int] = []
    for column in layout.labelColumns ?? [layout.labelColumn] where split != .unlabelled {
      if split.needsLabels {
        labels.append(try required(column))
      } else if let place = try place(column) {
        labels.append(place)
      }
    }
    // A test file with only some of the label columns says nothing for certain.
    if let columns = layout.labelColumns, labels.count < columns.count { labels = [] }
    self.labels = labels
    index = names.count(where: { $0 == "index" }) == 1 ? names.firstIndex(of: "index") : nil
    id = TextExample.idNames.lazy.compactMap { name in names.firstIndex(of: name) }.first
  }
}

/// Raw target of a row: what it says about its answer, before anybody has looked at it.
package enum RawTarget: Sendable {
  /// Nothing: no such column, an unlabelled split, a missing key.
  case none
  /// One value.
  case scalar(String)
  /// The labels that apply.
  case list([String])
  /// A 0 or 1 for each label.
  case flags([String])

  /// The value, or the values with commas between them, without the white space around them; empty where there is none.
  package var trimmed: String {
    switch self {
    case .scalar(let text): text.trimmingCharacters(in: .whitespacesAndNewlines)
    case .list(let list): list.joined(separator: ", ")
    case .none, .flags: ""
    }
  }
}

/// Reader of the targets of rows: what a raw value means to a kind of task, or why it means nothing.
package protocol TargetReader: Sendable {
  /// The target of a row of a split with answers, or what is wrong with it.
  ///
  /// - Parameters:
  ///   - raw: What the row says.
  ///   - split: Where the row is from; a row of the test split may have no answer.
  ///   - line: The line of the row, for the fault.
  func target(_ raw: RawTarget, in split: DataSplit, line: Int) -> Result<ExampleTarget, RowFault>
}

/// Builder of examples from the raw values of rows, which says what is wrong with those that cannot be one.
struct ExampleBuilder {
  let split: DataSplit
  let targets: any TargetReader

  /// The example that a row is, or what is wrong with it.
  ///
  /// - Parameter row: The place among the rows of the file, bad ones counted too.
  func example(
    row: Int, line: Int, id: String?, text: String, pair: String?, target raw: RawTarget
  ) -> Result<TextExample, RowFault> {
    for (value, name) in [(text, "text"), (pair ?? text, "second text")]
    where value.allSatisfy(\.isWhitespace) {
      return .failure(RowFault(line: line, found: "an empty \(name)", expected: "some text"))
    }
    for value in [text, pair ?? ""] where value.utf8.count > Self.longestText {
      return .failure(
        RowFault(
          line: line, found: "a text of \(value.utf8.count) bytes", expected: "at most \(Self.longestText)"))
    }
    let id = id?.trimmingCharacters(in: .whitespacesAndNewlines)
    if split == .unlabelled {
      return .success(TextExample(text: text, pair: pair, line: line, row: row, id: id))
    }
    return targets.target(raw, in: split, line: line).map {
      TextExample(text: text, pair: pair, target: $0, line: line, row: row, id: id)
    }
  }

  /// Bytes of a text beyond which a row is taken for a file of another form.
  static let longestText = 10_000_000
}
