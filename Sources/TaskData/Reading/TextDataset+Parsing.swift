import Foundation

extension TextDataset {
  /// Parses the bytes of a file; bad rows are in the report, a missing column is an error.
  init(parsing bytes: [UInt8], path: String, layout: FileLayout, task: TaskDefinition, split: DataSplit)
    throws(TaskDataError)
  {
    self.init(path: path, examples: [])
    let builder = ExampleBuilder(task: task, split: split)
    switch layout.format {
    case .tsv: try addRows(DelimitedRows(tsv: bytes), layout, builder)
    case .csv: try addRows(DelimitedRows(csv: bytes), layout, builder)
    case .jsonl: addLines(bytes, layout, builder)
    case .text: addTexts(bytes, builder)
    }
  }

  private mutating func addRows(
    _ table: DelimitedRows, _ layout: FileLayout, _ builder: ExampleBuilder
  ) throws(TaskDataError) {
    guard let first = table.rows.first else { throw .emptyFile(path: path) }
    if let fault = first.fault, layout.header {
      throw .unreadableFile(path: path, reason: "line \(fault.line), the header, has \(fault)")
    }
    let rows = layout.header ? table.rows.dropFirst() : table.rows[...]
    // Without a header the first sound row says how many columns there are.
    let names = layout.header ? first.fields : []
    let width = layout.header ? names.count : rows.first { $0.fault == nil }?.fields.count ?? 0
    func place(_ column: ColumnReference) -> Int? {
      switch column {
      case .index(let index): index < width ? index : nil
      case .name(let name): names.firstIndex(of: name)
      }
    }
    func required(_ column: ColumnReference) throws(TaskDataError) -> Int {
      if let place = place(column) { return place }
      throw .missingColumn(
        path: path, column: column, found: layout.header ? names : (0..<width).map { "\($0)" })
    }
    let text = try required(layout.textColumn)
    var pair: Int?
    if let column = layout.textPairColumn { pair = try required(column) }
    var label: Int?
    if builder.split.needsLabels {
      label = try required(layout.labelColumn)
    } else if builder.split == .test {
      label = place(layout.labelColumn)
    }
    for row in rows {
      if let fault = row.fault {
        add(.failure(fault))
      } else if row.fields.count != width {
        let columns = row.fields.count == 1 ? "1 column" : "\(row.fields.count) columns"
        add(.failure(RowFault(line: row.line, found: columns, expected: "\(width)")))
      } else {
        add(
          builder.example(
            line: row.line, text: row.fields[text], pair: pair.map { row.fields[$0] },
            label: label.map { row.fields[$0] }))
      }
    }
  }

  mutating func add(_ row: Result<TextExample, RowFault>) {
    report.rowCount += 1
    switch row {
    case .success(let example): examples.append(example)
    case .failure(let fault): report.faults.append(fault)
    }
  }
}

extension RowFault: Error {}

/// Turns the raw values of a row into an example, or says what is wrong with them.
struct ExampleBuilder {
  let task: TaskDefinition
  let split: DataSplit
  private let labels: [String: Int]

  init(task: TaskDefinition, split: DataSplit) {
    self.task = task
    self.split = split
    var labels: [String: Int] = [:]
    for raw in task.labels + task.labelValues.keys { labels[raw] = task.labelIndex(ofRawValue: raw) }
    self.labels = labels
  }

  func example(line: Int, text: String, pair: String?, label: String?) -> Result<TextExample, RowFault> {
    for (value, name) in [(text, "text"), (pair ?? text, "second text")]
    where value.allSatisfy(\.isWhitespace) {
      return .failure(RowFault(line: line, found: "an empty \(name)", expected: "some text"))
    }
    var example = TextExample(text: text, pair: pair, line: line)
    switch split {
    case .unlabelled: return .success(example)
    case .train, .validation, .test:
      let raw = label?.trimmingCharacters(in: .whitespaces) ?? ""
      if let index = labels[raw] {
        example.label = index
        return .success(example)
      }
      // GLUE's own test files have no label; Hugging Face's copies have -1.
      if split == .test && (raw.isEmpty || raw == "-1") { return .success(example) }
      return .failure(
        RowFault(
          line: line, found: raw.isEmpty ? "no label" : "the label \"\(raw)\"",
          expected: "one of \(labels.keys.sorted().joined(separator: ", "))"))
    }
  }
}
