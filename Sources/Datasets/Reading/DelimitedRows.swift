/// A row: its fields, or the fault that leaves it without.
package struct DelimitedRow: Sendable, Equatable {
  /// The line on which the row starts, counted from 1.
  package var line: Int
  /// The fields; none where there is a fault.
  package var fields: [String]
  /// The fault.
  package var fault: RowFault?
}

/// The rows of a delimited file, the header among them; blank lines are left out.
package struct DelimitedRows: Sendable, Equatable {
  /// The rows in the order of the file.
  package var rows: [DelimitedRow] = []
  var blankLines = 0

  /// The bytes without a UTF-8 byte-order mark.
  static func skippingMark(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? bytes[3...] : bytes[...]
  }

  static let newline = UInt8(ascii: "\n")
  static let carriageReturn = UInt8(ascii: "\r")
  static let tab = UInt8(ascii: "\t")
  static let comma = UInt8(ascii: ",")
  static let quote = UInt8(ascii: "\"")

  /// Calls `body` with each line (without its LF or CRLF) and its number counted from 1.
  ///
  /// Only LF ends a line, so a text may hold U+2028, U+0085 or a lone carriage return, as GLUE's files do.
  static func forEachLine(_ piece: RowPiece, _ body: (Int, ArraySlice<UInt8>) -> Void) {
    let bytes = piece.bytes
    var start = bytes.startIndex
    var line = piece.line
    while start < bytes.endIndex {
      let end = bytes[start...].firstIndex(of: newline) ?? bytes.endIndex
      var content = bytes[start..<end]
      if content.last == carriageReturn { content = content.dropLast() }
      body(line, content)
      start = end < bytes.endIndex ? end + 1 : end
      line += 1
    }
  }

  /// The text of some bytes, nil when they are not UTF-8.
  static func text(_ bytes: some Sequence<UInt8>) -> String? { String(validating: bytes, as: UTF8.self) }

  static func notUTF8(_ line: Int) -> RowFault {
    RowFault(line: line, found: "bytes that are not UTF-8", expected: "UTF-8 text")
  }

  /// Splits GLUE's tab-separated form.
  package init(tsv bytes: [UInt8]) { self.init(tsv: RowPiece(whole: bytes)) }

  /// Splits a piece of GLUE's tab-separated form, which has no quoting: a quote is data.
  init(tsv piece: RowPiece) {
    Self.forEachLine(piece) { line, content in
      if content.isEmpty {
        blankLines += 1
        return
      }
      var fields: [String] = []
      for field in content.split(separator: Self.tab, omittingEmptySubsequences: false) {
        guard let text = Self.text(field) else {
          rows.append(DelimitedRow(line: line, fields: [], fault: Self.notUTF8(line)))
          return
        }
        fields.append(text)
      }
      rows.append(DelimitedRow(line: line, fields: fields))
    }
  }
}

extension DelimitedRows {
  /// Splits comma-separated rows with double quotes (RFC 4180); a quoted field may hold commas, quotes and line ends.
  ///
  /// A quote inside a field that does not begin with one is data, as in Python's `csv`. Behind a row with a quote too
  /// many or too few, reading goes on in the line after its first; where a quote does not end within
  /// `longestQuotedField` bytes, the rest of the file belongs to it and is not read.
  package init(csv bytes: [UInt8]) {
    var rest: RowPiece?
    self.init(csv: RowPiece(whole: bytes), rest: &rest)
  }

  /// Splits a piece.
  ///
  /// - Parameter rest: What is left of a piece that is not the last: the row whose quotes do not end in it.
  init(csv piece: RowPiece, rest: inout RowPiece?) {
    var parser = CSVParser(bytes: piece.bytes, line: piece.line)
    while true {
      let (place, line) = (parser.place, parser.line)
      guard let row = parser.nextRow() else { return }
      if parser.isUnfinished, !piece.isLast {
        rest = RowPiece(bytes: piece.bytes[place...], line: line, isLast: false)
        return
      }
      if row.fault == nil && row.fields == [""] { blankLines += 1 } else { rows.append(row) }
    }
  }
}

/// Parser of a CSV file, one row at a time.
struct CSVParser {
  let bytes: ArraySlice<UInt8>
  /// Where the next row begins.
  private(set) var place: Int
  /// The line of that.
  private(set) var line: Int
  /// Whether a quote did not end, so that nobody knows where the next row begins.
  private(set) var isLost = false
  /// Whether the bytes end within the quotes of the last row.
  private(set) var isUnfinished = false
  private var rowStart: Int

  /// Bytes of a field in quotes.
  static let longestQuotedField = 1 << 20

  /// A parser of rows that begin on a line.
  init(bytes: ArraySlice<UInt8>, line: Int = 1) {
    self.bytes = bytes
    self.line = line
    place = bytes.startIndex
    rowStart = bytes.startIndex
  }

  mutating func nextRow() -> DelimitedRow? {
    guard place < bytes.endIndex, !isLost else { return nil }
    rowStart = place
    var row = DelimitedRow(line: line, fields: [])
    while true {
      guard let field = nextField(startingAt: row.line, fault: &row.fault) else {
        skipLine()
        break
      }
      row.fields.append(field)
      guard place < bytes.endIndex else { break }
      let separator = bytes[place]
      place += 1
      if separator == DelimitedRows.newline {
        line += 1
        break
      }
      // A comma at the very end of the file is followed by an empty field.
      if place == bytes.endIndex {
        row.fields.append("")
        break
      }
    }
    if row.fault != nil { row.fields = [] }
    return row
  }

  /// Reads a field and stops at the comma or line feed that ends it; nil with a fault when the row is malformed.
  private mutating func nextField(startingAt rowLine: Int, fault: inout RowFault?) -> String? {
    let content: [UInt8]
    if place < bytes.endIndex && bytes[place] == DelimitedRows.quote {
      guard let quoted = quotedField(startingAt: rowLine, fault: &fault) else { return nil }
      content = quoted
    } else {
      let end =
        bytes[place...].firstIndex { $0 == DelimitedRows.comma || $0 == DelimitedRows.newline }
        ?? bytes.endIndex
      var raw = bytes[place..<end]
      let endsLine = end == bytes.endIndex || bytes[end] == DelimitedRows.newline
      if endsLine && raw.last == DelimitedRows.carriageReturn { raw = raw.dropLast() }
      content = Array(raw)
      place = end
    }
    guard let text = DelimitedRows.text(content) else {
      fault = DelimitedRows.notUTF8(rowLine)
      return nil
    }
    return text
  }

  private mutating func quotedField(startingAt rowLine: Int, fault: inout RowFault?) -> [UInt8]? {
    var content: [UInt8] = []
    place += 1
    while place < bytes.endIndex {
      let byte = bytes[place]
      place += 1
      guard byte == DelimitedRows.quote else {
        if byte == DelimitedRows.newline { line += 1 }
        content.append(byte)
        guard content.count > Self.longestQuotedField else { continue }
        isLost = true
        fault = RowFault(
          line: rowLine, found: "a quoted field of more than \(Self.longestQuotedField) bytes",
          expected: "a closing double quote; the rest of the file is not read")
        return nil
      }
      if place < bytes.endIndex && bytes[place] == DelimitedRows.quote {
        content.append(byte)
        place += 1
        continue
      }
      let next = place < bytes.endIndex ? bytes[place] : DelimitedRows.newline
      if next == DelimitedRows.carriageReturn
        && (place + 1 == bytes.endIndex || bytes[place + 1] == DelimitedRows.newline)
      {
        place += 1
        return content
      }
      if next == DelimitedRows.comma || next == DelimitedRows.newline { return content }
      fault = RowFault(
        line: rowLine, found: "text after a closing quote", expected: "a comma or the end of the row")
      rewind(to: rowLine)
      return nil
    }
    isUnfinished = true
    fault = RowFault(
      line: rowLine, found: "a quoted field that never ends", expected: "a closing double quote")
    rewind(to: rowLine)
    return nil
  }

  /// Goes back to a row's first line: with a stray quote it has taken in lines that may well be rows of their own.
  private mutating func rewind(to rowLine: Int) {
    place = rowStart
    line = rowLine
  }

  /// Goes on with the next line after a malformed row.
  private mutating func skipLine() {
    let end = bytes[place...].firstIndex(of: DelimitedRows.newline) ?? bytes.endIndex
    place = end < bytes.endIndex ? end + 1 : end
    line += 1
  }
}
