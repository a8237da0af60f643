import Foundation
import ModelFormats

extension Dataset where Example == TextExample {
  /// Parses the bytes of a file; bad rows are in the report, a missing column is an error.
  ///
  /// - Throws: `DatasetError.missingColumn`, `.emptyFile` or `.unreadableFile`.
  package init(
    parsing bytes: [UInt8], path: String, layout: RowLayout, split: DataSplit, targets: any TargetReader
  ) throws(DatasetError) {
    self.init(path: path, examples: [])
    let builder = ExampleBuilder(split: split, targets: targets)
    switch layout.format {
    case .tsv: try addRows(DelimitedRows(tsv: bytes), layout, builder)
    case .csv: try addRows(DelimitedRows(csv: bytes), layout, builder)
    case .jsonl, .json: addObjects(bytes, layout, builder)
    case .text: addTexts(bytes, builder)
    case .conll, .squad:
      preconditionFailure("Validation lets no file of format \(layout.format.rawValue) through to here.")
    }
  }

  private mutating func addRows(
    _ table: DelimitedRows, _ layout: RowLayout, _ builder: ExampleBuilder
  ) throws(DatasetError) {
    guard let first = table.rows.first else { throw .emptyFile(path: path) }
    if let fault = first.fault, layout.header {
      throw .unreadableFile(path: path, reason: "line \(fault.line), the header, has \(fault)")
    }
    let rows = layout.header ? table.rows.dropFirst() : table.rows[...]
    // Without a header the first sound row says how many columns there are.
    let names = layout.header ? first.fields : []
    let width = layout.header ? names.count : rows.first { $0.fault == nil }?.fields.count ?? 0
    let path = path
    func place(_ column: ColumnReference) throws(DatasetError) -> Int? {
      switch column {
      case .index(let index): return index < width ? index : nil
      case .name(let name):
        guard names.count(where: { $0 == name }) < 2 else {
          throw .unreadableFile(
            path: path,
            reason: "its header names the column \"\(name)\" more than once, expected each name once")
        }
        return names.firstIndex(of: name)
      }
    }
    func required(_ column: ColumnReference) throws(DatasetError) -> Int {
      if let place = try place(column) { return place }
      throw .missingColumn(
        path: path, column: column, found: layout.header ? names : (0..<width).map { "\($0)" })
    }
    let text = try required(layout.textColumn)
    var pair: Int?
    if let column = layout.textPairColumn { pair = try required(column) }
    var labels: [Int] = []
    for column in layout.labelColumns ?? [layout.labelColumn] where builder.split != .unlabelled {
      if builder.split.needsLabels {
        labels.append(try required(column))
      } else if let place = try place(column) {
        labels.append(place)
      }
    }
    // A test file with only some of the label columns says nothing for certain.
    if let columns = layout.labelColumns, labels.count < columns.count { labels = [] }
    let hasFlags = layout.labelColumns != nil
    let index = names.count(where: { $0 == "index" }) == 1 ? names.firstIndex(of: "index") : nil
    let id = TextExample.idNames.lazy.compactMap(names.firstIndex).first
    var indices = RowIndices()
    for row in rows {
      if let fault = row.fault {
        add(.failure(fault))
      } else if row.fields.count != width {
        let columns = row.fields.count == 1 ? "1 column" : "\(row.fields.count) columns"
        add(.failure(RowFault(line: row.line, found: columns, expected: "\(width)")))
      } else {
        let cells = labels.map { row.fields[$0] }
        indices.add(index.map { row.fields[$0] }, ofRow: report.rowCount)
        add(
          builder.example(
            row: report.rowCount, line: row.line, id: id.map { row.fields[$0] }, text: row.fields[text],
            pair: pair.map { row.fields[$0] },
            target: cells.isEmpty ? .none : hasFlags ? .flags(cells) : .scalar(cells[0])))
      }
    }
    number(by: indices)
  }

  /// Numbers the rows as the file itself does, where it does.
  mutating func number(by indices: RowIndices) {
    guard let own = indices.ofRows else { return }
    for place in examples.indices { examples[place].row = examples[place].row.flatMap { own[$0] } }
  }

  /// Reads one text a line.
  private mutating func addTexts(_ bytes: [UInt8], _ builder: ExampleBuilder) {
    DelimitedRows.forEachLine(bytes) { line, content in
      guard let text = DelimitedRows.text(content) else {
        add(.failure(DelimitedRows.notUTF8(line)))
        return
      }
      if text.allSatisfy(\.isWhitespace) { return }
      add(builder.example(row: report.rowCount, line: line, id: nil, text: text, pair: nil, target: .none))
    }
  }
}

extension Dataset where Example == TextExample {
  /// Reads JSON objects.
  mutating func addObjects(_ bytes: [UInt8], _ layout: RowLayout, _ builder: ExampleBuilder) {
    var indices = RowIndices()
    JSONRows.forEach(bytes, layout.format) { line, object in
      let row = report.rowCount
      if case .success(let members) = object {
        indices.add(members["index"].flatMap(JSONRows.scalar), ofRow: row)
      }
      add(object.flatMap { Self.example(row: row, line: line, $0, layout, builder) })
    }
    number(by: indices)
  }

  private static func example(
    row: Int, line: Int, _ object: JSONObject, _ layout: RowLayout, _ builder: ExampleBuilder
  ) -> Result<TextExample, RowFault> {
    do throws(RowFault) {
      let text = try JSONRows.text(layout.textColumn, of: object, line: line)
      var pair: String?
      if let column = layout.textPairColumn { pair = try JSONRows.text(column, of: object, line: line) }
      return builder.example(
        row: row, line: line,
        id: TextExample.idNames.lazy.compactMap { object[$0] }.first.flatMap(JSONRows.scalar),
        text: text, pair: pair, target: target(object, layout))
    } catch {
      return .failure(error)
    }
  }

  /// The raw target of a row; whether there may be none is the builder's to judge.
  private static func target(_ object: JSONObject, _ layout: RowLayout) -> RawTarget {
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
