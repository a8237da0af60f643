extension Dataset where Example == TaggedSentence {
  /// Parses the bytes of a file; bad sentences are in the report.
  package init(
    parsing bytes: [UInt8], path: String, layout: RowLayout, split: DataSplit, tags: TagLayout
  ) {
    var parser = SentenceParser(layout: layout, split: split, tags: tags)
    self = parser.sentences(of: bytes, path: path)
  }
}

/// Parser of sentences of words; bad ones are in the report.
package struct SentenceParser: RowParser {
  private let layout: RowLayout
  private var builder: SentenceBuilder
  /// The fields of the first line that begins with no separator; nil before it.
  private var width: Int?
  /// The sentence whose end has not come yet.
  private var open = OpenSentence()

  private struct OpenSentence {
    var words: [String] = []
    var tags: [String?] = []
    var lines: [Int] = []
    var fault: RowFault?
  }

  /// A parser of a file.
  package init(layout: RowLayout, split: DataSplit, tags: TagLayout) {
    self.layout = layout
    builder = SentenceBuilder(tags, split: split)
  }

  fileprivate mutating func sentences(of bytes: [UInt8], path: String) -> Dataset<TaggedSentence> {
    var dataset = Dataset<TaggedSentence>(path: path, examples: [])
    _ = read(RowPiece(whole: bytes), into: &dataset)
    finish(&dataset)
    return dataset
  }

  /// Adds the sentences of a piece.
  package mutating func read(_ piece: RowPiece, into dataset: inout Dataset<TaggedSentence>) -> RowPiece? {
    if layout.format.holdsObjects {
      dataset.addEntityLines(piece, layout, &builder)
    } else {
      addColumns(piece, to: &dataset)
    }
    return nil
  }

  /// Adds the last sentence.
  package mutating func finish(_ dataset: inout Dataset<TaggedSentence>) { close(&dataset) }

  private mutating func close(_ dataset: inout Dataset<TaggedSentence>) {
    if let fault = open.fault {
      dataset.add(.failure(fault))
    } else if !open.words.isEmpty {
      var repairs: [RowRepair] = []
      let sentence = builder.sentence(
        words: open.words, rawTags: open.tags, lines: open.lines, repairs: &repairs)
      dataset.report.add(repairs)
      dataset.add(sentence)
    }
    open = OpenSentence()
  }

  /// Reads one word and its tag a line, and a sentence to each blank line.
  ///
  /// Fields are separated by tabs or, where a line has none, by spaces; the word is the first and the tag the last unless
  /// the task says which. Separators in front of a line and behind it are no fields, but a line that has one field less
  /// than the others and begins with a separator has a space for its word. Lines of `-DOCSTART-` separate like blank ones.
  private mutating func addColumns(_ piece: RowPiece, to dataset: inout Dataset<TaggedSentence>) {
    width = width ?? ColumnPlaces.width(piece)
    let columns = ColumnPlaces(layout, types: builder.types, width: width)
    DelimitedRows.forEachLine(piece) { line, content in
      switch columns.row(content) {
      case .blank: close(&dataset)
      case .word(let word, let tag):
        open.words.append(word)
        open.tags.append(tag)
        open.lines.append(line)
      case .fault(let found, let expected):
        // The first fault of a sentence is the one that is reported.
        open.fault = open.fault ?? RowFault(line: line, found: found, expected: expected)
      }
    }
  }
}

/// Places of the word and the tag in a line of columns.
private struct ColumnPlaces {
  /// The place of the word; nil for the first.
  let word: Int?
  /// The place of the tag; nil for the last.
  let tag: Int?

  enum Row {
    case blank
    case word(String, tag: String?)
    case fault(found: String, expected: String)
  }

  /// The fields of the first line that begins with no separator; nil where all begin with one.
  let width: Int?
  /// The types whose names have a space, which only a line with tabs can say.
  let spacedTypes: [String]

  init(_ layout: RowLayout, types: [String], width: Int?) {
    self.width = width
    spacedTypes = types.filter { $0.contains(" ") }
    func place(_ column: ColumnReference) -> Int? {
      if case .index(let index) = column { index } else { nil }
    }
    word = place(layout.textColumn)
    tag = place(layout.labelColumn)
  }

  /// The number of fields of the first line of words that begins with no separator.
  static func width(_ piece: RowPiece) -> Int? {
    var width: Int?
    DelimitedRows.forEachLine(piece) { _, content in
      guard width == nil, let first = content.first, !isGap(first), let fields = fields(of: content) else {
        return
      }
      width = fields.count
    }
    return width
  }

  private static func isGap(_ byte: UInt8) -> Bool { byte == space || byte == DelimitedRows.tab }

  private static func trimmed(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var field = field.drop { $0 == space }
    while field.last == space { field.removeLast() }
    return field
  }

  /// The fields of a line, an empty one first where it begins with a separator; nil of a line that separates sentences.
  private static func fields(of content: ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
    var line = content
    while let last = line.last, isGap(last) || last == DelimitedRows.carriageReturn { line.removeLast() }
    let text = line.drop(while: isGap)
    if text.isEmpty || text.starts(with: documentStart) { return nil }
    let fields =
      text.contains(DelimitedRows.tab)
      ? text.split(separator: DelimitedRows.tab, omittingEmptySubsequences: false)
      : text.split(separator: space)
    return text.startIndex == line.startIndex ? fields : [line.prefix(0)] + fields
  }

  private static let space = UInt8(ascii: " ")
  private static let documentStart = Array("-DOCSTART-".utf8)

  func row(_ content: ArraySlice<UInt8>) -> Row {
    guard var fields = Self.fields(of: content) else { return .blank }
    if fields[0].isEmpty, fields.count != width { fields.removeFirst() }
    let (word, tag) = (self.word ?? 0, self.tag ?? fields.count - 1)
    guard word < fields.count, tag < fields.count else {
      return .fault(found: "\(fields.count) columns", expected: "at least \(max(word, tag) + 1)")
    }
    // Spaces around a word are none of it, unless it is one.
    guard let text = DelimitedRows.text(Self.trimmed(fields[word])),
      let mark = DelimitedRows.text(Self.trimmed(fields[tag]))
    else { return .fault(found: "bytes that are not UTF-8", expected: "UTF-8 text") }
    guard text.utf8.count <= Self.longestWord else {
      return .fault(found: "a word of \(text.utf8.count) bytes", expected: "at most \(Self.longestWord)")
    }
    if tag != word, !content.contains(DelimitedRows.tab),
      let type = spacedTypes.first(where: {
        $0.split(separator: " ").first.map(mark.dropFirst(2).elementsEqual) == true
      })
    {
      return .fault(
        found: "the tag \"\(mark)\" in a line without tabs",
        expected: "fields that are separated by tabs, since the type \"\(type)\" has a space in its name")
    }
    return .word(text.isEmpty ? " " : text, tag: tag == word ? nil : mark)
  }

  /// Bytes of a word beyond which a file is taken for one of another form.
  private static let longestWord = 1_000_000
}
