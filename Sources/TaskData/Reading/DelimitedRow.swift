/// The fields of one row, or why the row has none.
struct DelimitedRow: Sendable, Equatable {
  /// The line on which the row starts, counted from 1.
  var line: Int
  var fields: [String]
  var fault: RowFault?
}

/// The rows of a delimited file, the header among them; blank lines are left out.
struct DelimitedRows: Sendable, Equatable {
  var rows: [DelimitedRow] = []
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
  static func forEachLine(_ bytes: [UInt8], _ body: (Int, ArraySlice<UInt8>) -> Void) {
    let bytes = skippingMark(bytes)
    var start = bytes.startIndex
    var line = 1
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

  /// Splits GLUE's tab-separated form, which has no quoting: a quote is data.
  init(tsv bytes: [UInt8]) {
    Self.forEachLine(bytes) { line, content in
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
