extension Dataset where Example == TextExample {
  /// Parses the bytes of a file; bad rows are in the report, a missing column is an error.
  ///
  /// - Throws: `TaskDataError.missingColumn`, `.emptyFile` or `.unreadableFile`.
  package init(
    parsing bytes: [UInt8], path: String, layout: RowLayout, split: DataSplit, targets: any TargetReader
  ) throws(TaskDataError) {
    self.init(path: path, examples: [])
    let builder = ExampleBuilder(split: split, targets: targets)
    switch layout.format {
    case .tsv: try addRows(DelimitedRows(tsv: bytes), layout, builder)
    case .csv: try addRows(DelimitedRows(csv: bytes), layout, builder)
    case .jsonl: addLines(bytes, layout, builder)
    case .text: addTexts(bytes, builder)
    case .conll, .squad:
      preconditionFailure("Validation lets no file of format \(layout.format.rawValue) through to here.")
    }
  }

  private mutating func addRows(
    _ table: DelimitedRows, _ layout: RowLayout, _ builder: ExampleBuilder
  ) throws(TaskDataError) {
    guard let first = table.rows.first else { throw .emptyFile(path: path) }
    if let fault = first.fault, layout.header {
      throw .unreadableFile(path: path, reason: "line \(fault.line), the header, has \(fault)")
    }
    let rows = layout.header ? table.rows.dropFirst() : table.rows[...]
    // Without a header the first sound row says how many columns there are.
    let names = layout.header ? first.fields : []
    let width = layout.header ? names.count : rows.first { $0.fault == nil }?.fields.count ?? 0
    let path = path
    func place(_ column: ColumnReference) throws(TaskDataError) -> Int? {
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
    func required(_ column: ColumnReference) throws(TaskDataError) -> Int {
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
            row: report.rowCount, line: row.line, text: row.fields[text],
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
      add(builder.example(row: report.rowCount, line: line, text: text, pair: nil, target: .none))
    }
  }
}
