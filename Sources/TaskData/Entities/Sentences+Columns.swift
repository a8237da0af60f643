extension Dataset where Example == TaggedSentence {
  /// Parses the bytes of a file; bad sentences are in the report.
  init(parsing bytes: [UInt8], path: String, layout: FileLayout, task: TaskDefinition, split: DataSplit) {
    self.init(path: path, examples: [])
    var builder = SentenceBuilder(task: task, split: split)
    if layout.format == .jsonl {
      addEntityLines(bytes, layout, &builder)
    } else {
      addColumns(bytes, layout, &builder)
    }
  }

  /// Reads one word and its tag a line, and a sentence to each blank line.
  ///
  /// Fields are separated by tabs or, where a line has none, by spaces; the word is the first and the tag the last unless
  /// the task says which. Lines of `-DOCSTART-` separate like blank ones. A tag behind nothing but its separator belongs
  /// to a space.
  private mutating func addColumns(_ bytes: [UInt8], _ layout: FileLayout, _ builder: inout SentenceBuilder) {
    let columns = ColumnPlaces(layout)
    var words: [String] = []
    var tags: [String?] = []
    var lines: [Int] = []
    var fault: RowFault?
    func flush(_ dataset: inout Dataset, _ builder: inout SentenceBuilder) {
      if let fault {
        dataset.add(.failure(fault))
      } else if !words.isEmpty {
        dataset.add(
          builder.sentence(words: words, rawTags: tags, lines: lines, repairs: &dataset.report.repairs))
      }
      (words, tags, lines, fault) = ([], [], [], nil)
    }
    DelimitedRows.forEachLine(bytes) { line, content in
      switch columns.row(content) {
      case .blank: flush(&self, &builder)
      case .word(let word, let tag):
        words.append(word)
        tags.append(tag)
        lines.append(line)
      case .fault(let found, let expected):
        // The first fault of a sentence is the one that is reported.
        fault = fault ?? RowFault(line: line, found: found, expected: expected)
      }
    }
    flush(&self, &builder)
  }
}

/// Where a line of columns has its word and its tag.
private struct ColumnPlaces {
  /// nil for the first.
  let word: Int?
  /// nil for the last.
  let tag: Int?

  enum Row {
    case blank
    case word(String, tag: String?)
    case fault(found: String, expected: String)
  }

  init(_ layout: FileLayout) {
    func place(_ column: ColumnReference) -> Int? {
      if case .index(let index) = column { index } else { nil }
    }
    word = place(layout.textColumn)
    tag = place(layout.labelColumn)
  }

  private static let space = UInt8(ascii: " ")
  private static let documentStart = Array("-DOCSTART-".utf8)

  func row(_ content: ArraySlice<UInt8>) -> Row {
    func isGap(_ byte: UInt8) -> Bool { byte == Self.space || byte == DelimitedRows.tab }
    var line = content
    while let last = line.last, isGap(last) || last == DelimitedRows.carriageReturn { line.removeLast() }
    if line.isEmpty || line.starts(with: Self.documentStart) { return .blank }
    var fields: [ArraySlice<UInt8>]
    if line.contains(DelimitedRows.tab) {
      fields = line.split(separator: DelimitedRows.tab, omittingEmptySubsequences: false)
    } else {
      fields = line.split(separator: Self.space)
      if line.first == Self.space { fields.insert(line.prefix(1), at: 0) }
    }
    let (word, tag) = (self.word ?? 0, self.tag ?? fields.count - 1)
    guard word < fields.count, tag < fields.count else {
      return .fault(found: "\(fields.count) columns", expected: "at least \(max(word, tag) + 1)")
    }
    guard let text = DelimitedRows.text(fields[word]), let mark = DelimitedRows.text(fields[tag]) else {
      return .fault(found: "bytes that are not UTF-8", expected: "UTF-8 text")
    }
    return .word(
      text.isEmpty ? " " : text,
      tag: tag == word ? nil : String(mark.drop { $0 == " " }.prefix { $0 != " " }))
  }
}
