import ModelFormats

extension Dataset where Example == TextExample {
  /// Reads one JSON object a line.
  mutating func addLines(_ bytes: [UInt8], _ layout: RowLayout, _ builder: ExampleBuilder) {
    var indices = RowIndices()
    JSONLines.forEach(bytes) { line, object in
      let row = report.rowCount
      if case .success(let members) = object {
        indices.add(members["index"].flatMap(JSONLines.scalar), ofRow: row)
      }
      add(object.flatMap { Self.example(row: row, line: line, $0, layout, builder) })
    }
    number(by: indices)
  }

  private static func example(
    row: Int, line: Int, _ object: JSONObject, _ layout: RowLayout, _ builder: ExampleBuilder
  ) -> Result<TextExample, RowFault> {
    do throws(RowFault) {
      let text = try JSONLines.text(layout.textColumn, of: object, line: line)
      var pair: String?
      if let column = layout.textPairColumn { pair = try JSONLines.text(column, of: object, line: line) }
      return builder.example(
        row: row, line: line, text: text, pair: pair, target: target(object, layout))
    } catch {
      return .failure(error)
    }
  }

  /// What the row says about its label; whether it may say nothing is the builder's to judge.
  private static func target(_ object: JSONObject, _ layout: RowLayout) -> RawTarget {
    func value(_ column: ColumnReference) -> JSONValue? {
      if case .name(let key) = column { object[key] } else { nil }
    }
    if let columns = layout.labelColumns {
      let flags = columns.compactMap { value($0).flatMap(JSONLines.scalar) }
      return flags.count == columns.count ? .flags(flags) : .none
    }
    guard let value = value(layout.labelColumn) else { return .none }
    if let scalar = JSONLines.scalar(value) { return .scalar(scalar) }
    // A member that is no scalar is shown as it stands where the builder rejects it.
    return value.arrayValue.map { .list($0.map { JSONLines.scalar($0) ?? $0.compactText }) } ?? .none
  }
}
