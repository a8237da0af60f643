extension Dataset where Example == TextExample {
  /// Reads one text a line.
  mutating func addTexts(_ bytes: [UInt8], _ builder: ExampleBuilder) {
    DelimitedRows.forEachLine(bytes) { line, content in
      guard let text = DelimitedRows.text(content) else {
        add(.failure(DelimitedRows.notUTF8(line)))
        return
      }
      if text.allSatisfy(\.isWhitespace) { return }
      add(builder.example(line: line, text: text, pair: nil, target: .none))
    }
  }
}
