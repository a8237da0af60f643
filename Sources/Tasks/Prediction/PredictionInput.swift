import Datasets
import Foundation
import ModelFormats

/// Input of predictions: texts, or the rows of a file or of standard input, which come in blocks as they are read.
package final class PredictionInput {
  /// The names of the columns of rows, in their order; empty until the first row is known.
  package private(set) var columns: [String] = []
  /// The rows that were left out because they cannot be used.
  package private(set) var skipped = RowReport()

  private enum Source {
    case items(ArraySlice<PredictionItem>)
    case stream(RecordStream)
  }
  private var source: Source
  private let path: String
  private let hints: TaskHints
  private let skipsBadRows: Bool
  private var roles: (text: Int, pair: Int?)?
  private var readCount = 0

  /// Given texts, such as those of a command line.
  package init(texts: [String]) {
    source = .items(
      texts.enumerated().map { PredictionItem(text: $1, place: "text \($0 + 1) of the command line") }[...])
    (path, hints, skipsBadRows, columns) = ("", TaskHints(), false, ["text"])
  }

  /// The rows of a file or of standard input.
  ///
  /// - Parameters:
  ///   - file: The file; nil for standard input, whose lines are texts or JSON objects unless a format is given.
  ///   - format: The format; nil for that of the file's name and content.
  ///   - hints: The columns, where they are known.
  ///   - skipsBadRows: Whether rows that cannot be used are left out.
  ///   - standardInput: Standard input.
  /// - Throws: `FormatError` or `TaskError` when it cannot be read or nothing tells which column has the text.
  package init(
    file: String?, format: DataFormat? = nil, hints: TaskHints = TaskHints(), skipsBadRows: Bool = false,
    standardInput: () -> ByteStream = { ByteStream() }
  ) throws {
    let stream = try file.map(Self.open) ?? standardInput()
    (path, self.hints, self.skipsBadRows) = (stream.path, hints, skipsBadRows)
    var start: [UInt8] = []
    // What the columns are is known from the first lines, of which one at least must be whole.
    while !start.contains(0x0A) {
      let piece = try stream.next()
      if piece.isEmpty { break }
      start += piece
    }
    let format = format ?? file.map { Self.format($0, start) } ?? .text
    if let fault = format == .json || format == .squad ? nil : FileContents.lineEndFault(start) {
      throw TaskError("\(path): \(fault)")
    }
    source = .items([])
    switch format {
    case .conll, .squad, .json:
      var bytes = start
      while true {
        let piece = try stream.next()
        if piece.isEmpty { break }
        bytes += piece
      }
      source = .items(try items(ofDocument: bytes, format)[...])
    case .text, .jsonl: source = .stream(RecordStream(stream, format: format, read: start))
    case .csv, .tsv:
      let records = RecordStream(stream, format: format, read: start)
      let whole = start.lastIndex(of: 0x0A).map { Array(start[...$0]) } ?? start
      let table = try RowTable(whole, path: path, format: format, isName: hints.isName)
      let found = try ColumnRoles(table, hints: hints, path: path, needsLabel: false)
      roles = (found.text, found.pair)
      if table.hasHeader {
        try records.takeHeader()
        columns = records.names
      } else {
        columns = table.columns.indices.map {
          $0 == found.text ? "text" : $0 == found.pair ? "text_pair" : "column_\($0)"
        }
      }
      source = .stream(records)
    }
  }

  private static func open(_ path: String) throws -> ByteStream {
    do throws(FormatError) { return try ByteStream(path: path, waitsForPipes: true) } catch {
      guard case .cannotRead(_, let reason) = error, FileManager.default.fileExists(atPath: path) else {
        throw TaskError("--input \(path): no such file, or it cannot be read")
      }
      throw TaskError("--input \(path): \(reason)")
    }
  }

  /// The format of a file: what its name does not say to be rows is plain text.
  private static func format(_ path: String, _ start: [UInt8]) -> DataFormat {
    let named = DataFormat.named(path)
    return named == nil || named == .text ? .text : DataFormat.detected(path: path, bytes: start)
  }

  /// The next items, at most so many: those that are there, and one at least; empty at the end.
  ///
  /// - Parameter unit: The number of texts that make one answer; a block has whole ones.
  /// - Throws: `TaskError` for a row that cannot be used, with file and line; `FormatError`.
  package func next(upTo limit: Int, unit: Int = 1) throws -> [PredictionItem] {
    var items: [PredictionItem] = []
    while items.count < limit {
      switch source {
      case .items(let rest):
        items += rest.prefix(limit - items.count)
        source = .items(rest.dropFirst(items.count))
        return items
      case .stream(let records):
        let isWhole = items.allSatisfy { $0.pair != nil } || items.count.isMultiple(of: unit)
        if !items.isEmpty, isWhole, !records.hasRow { return items }
        do {
          guard let record = try records.next() else { return items }
          readCount += 1
          items.append(try item(record))
        } catch let fault as RowFault {
          guard skipsBadRows else { throw TaskError("\(path):\(fault.line): \(fault)") }
          skipped.add(fault)
        }
      }
    }
    return items
  }

  // MARK: Rows

  private func item(_ record: Record) throws -> PredictionItem {
    let place = "\(path):\(record.line)"
    switch record.content {
    case .text(let text):
      // Lines of standard input may be objects; of a file its name says so.
      if path == "standard input", text.hasPrefix("{"),
        let object = (try? JSONValue(parsing: text))?.objectValue
      {
        return try item(object, line: record.line)
      }
      if columns.isEmpty { columns = ["text"] }
      return PredictionItem(text: text, place: place, columns: [("text", .string(text))])
    case .object(let object): return try item(object, line: record.line)
    case .fields(let fields):
      guard fields.count == columns.count, let roles else {
        throw RowFault(line: record.line, found: "\(fields.count) columns", expected: "\(columns.count)")
      }
      return PredictionItem(
        text: fields[roles.text], pair: roles.pair.map { fields[$0] }, place: place,
        columns: zip(columns, fields).map { ($0, .string($1)) })
    }
  }

  private func item(_ object: JSONObject, line: Int) throws -> PredictionItem {
    func text(_ key: String) -> String? { object[key]?.stringValue }
    func hint(_ column: ColumnReference?) -> String? {
      if case .name(let name) = column { name } else { nil }
    }
    if columns.isEmpty { columns = object.keys }
    let place = "\(path):\(line)"
    let members = object.map { (name: $0.key, value: $0.value) }
    func item(_ text: String, _ pair: String?) -> PredictionItem {
      PredictionItem(text: text, pair: pair, place: place, columns: members)
    }
    if let key = hint(hints.textColumn) {
      guard let first = text(key) else {
        throw RowFault(line: line, found: "no text \"\(key)\"", expected: "one, as --text-column says")
      }
      return item(first, hint(hints.textPairColumn).flatMap(text))
    }
    if let question = text("question"), let context = text("context") { return item(question, context) }
    for (first, second) in TaskHints.pairNames {
      if let one = text(first), let two = text(second) { return item(one, two) }
    }
    if let key = TaskHints.textNames.first(where: { text($0) != nil }), let one = text(key) {
      return item(one, nil)
    }
    throw RowFault(
      line: line, found: "no \"text\"",
      expected: "{\"text\": …}, {\"text\": …, \"text_pair\": …} or {\"question\": …, \"context\": …}")
  }

  // MARK: Documents

  private func items(ofDocument bytes: [UInt8], _ format: DataFormat) throws -> [PredictionItem] {
    switch format {
    case .squad:
      let questions = try Dataset<Question>(
        parsing: bytes, path: path, layout: layout(format), split: .unlabelled, settings: QuestionSettings(),
        stripsIDs: false)
      columns = ["id", "question", "context"]
      try check(questions.report)
      return questions.examples.map { question in
        PredictionItem(
          text: question.text, pair: question.context, place: "\(path): question \(question.id)",
          columns: [
            ("id", .string(question.id)), ("question", .string(question.text)),
            ("context", .string(question.context)),
          ])
      }
    case .conll:
      let none = TagSet(scheme: .bio, types: [])
      let sentences = Dataset<TaggedSentence>(
        parsing: bytes, path: path, layout: layout(format), split: .unlabelled,
        tags: TagLayout(input: none, output: none, values: [:], stripsSegmentDigits: false))
      columns = ["tokens"]
      try check(sentences.report)
      return sentences.examples.map { sentence in
        PredictionItem(
          text: sentence.words.joined(separator: " "), place: "\(path):\(sentence.line)",
          columns: [("tokens", .array(sentence.words.map { .string($0) }))], words: sentence.words)
      }
    case .json, .jsonl, .csv, .tsv, .text:
      var items: [PredictionItem] = []
      var report = RowReport()
      JSONRows.forEach(bytes, format) { line, object in
        do {
          items.append(try item(try object.get(), line: line))
        } catch {
          report.add(error as? RowFault ?? RowFault(line: line, found: "\(error)", expected: "an object"))
        }
      }
      report.rowCount = items.count + report.faultCount
      try check(report)
      return items
    }
  }

  private func layout(_ format: DataFormat) -> RowLayout {
    RowLayout(
      format: format, header: false, textColumn: hints.textColumn ?? .name("text"),
      labelColumn: hints.labelColumn ?? .name("label"))
  }

  private func check(_ report: RowReport) throws {
    skipped = report
    if !skipsBadRows, !report.faults.isEmpty { throw TaskError(report.message(path: path)) }
  }
}
