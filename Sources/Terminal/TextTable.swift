import CUtf8proc
import ModelFormats

/// An aligned table of text for people; pipes get the same text without bold.
package struct TextTable {
  /// Alignment of a column.
  package enum Alignment: Sendable { case left, right }

  /// A column: its heading and its alignment.
  package struct Column: Sendable {
    /// The heading; empty for none.
    package let title: String
    /// The alignment: text to the left, numbers to the right.
    package let alignment: Alignment

    /// A column of text.
    package static func text(_ title: String) -> Column { Column(title: title, alignment: .left) }
    /// A column of numbers.
    package static func number(_ title: String) -> Column { Column(title: title, alignment: .right) }
  }

  /// The columns, left to right.
  package let columns: [Column]
  /// The cells of each row; a row shorter than the columns ends in empty cells.
  package private(set) var rows: [[String]] = []

  /// An empty table.
  package init(_ columns: [Column]) {
    self.columns = columns.map {
      Column(title: printable(inOneCell($0.title)), alignment: $0.alignment)
    }
  }

  /// A table of some rows.
  package init(_ columns: [Column], _ rows: [[String]]) {
    self.init(columns)
    for row in rows { add(row) }
  }

  /// A table of names and values without headings.
  package init(facts: [(name: String, value: String)]) {
    self.init([.text(""), .text("")], facts.map { [$0.name, $0.value] })
  }

  /// Adds a row at the end; line ends and other control characters of a cell are shown as escapes.
  package mutating func add(_ cells: [String]) {
    precondition(
      cells.count <= columns.count,
      "A row has \(cells.count) cells where the table has \(columns.count) columns.")
    rows.append(cells.map { printable(inOneCell($0)) })
  }

  /// The lines of the table without trailing spaces, columns two spaces apart.
  ///
  /// The heading is left out when no column has a title.
  package func lines(bold: Bool = false) -> [String] {
    let hasTitles = columns.contains { !$0.title.isEmpty }
    let widths = columns.indices.map { index in
      rows.reduce(displayWidth(columns[index].title)) { width, row in
        index < row.count ? max(width, displayWidth(row[index])) : width
      }
    }
    func line(_ cells: [String]) -> String {
      var text = columns.indices.map { index in
        padded(
          index < cells.count ? cells[index] : "", to: widths[index],
          onLeft: columns[index].alignment == .right)
      }.joined(separator: "  ")
      while text.last == " " { text.removeLast() }
      return text
    }
    let heading = hasTitles ? [line(columns.map(\.title))] : []
    return heading.map { bold ? "\u{1B}[1m\($0)\u{1B}[0m" : $0 } + rows.map(line)
  }
}

extension Console {
  /// Prints a table among the results, its heading bold on a terminal.
  package func result(_ table: TextTable) {
    for line in table.lines(bold: hasStyle(output)) { output.line(line) }
  }
}

/// The terminal columns that a text takes: East Asian wide characters count as two, combining marks as none.
package func displayWidth(_ text: String) -> Int {
  if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text.utf8.count }
  return text.unicodeScalars.reduce(0) { width, scalar in
    scalar.value >= 0x20 && scalar.value < 0x7F
      ? width + 1 : width + max(0, Int(utf8proc_charwidth(utf8proc_int32_t(scalar.value))))
  }
}

/// The text with spaces added up to a width, on the left or on the right.
package func padded(_ text: String, to width: Int, onLeft: Bool = false) -> String {
  let missing = String(repeating: " ", count: max(0, width - displayWidth(text)))
  return onLeft ? missing + text : text + missing
}

/// The text, cut to a width and marked with an ellipsis when it does not fit.
package func clipped(_ text: String, to width: Int) -> String {
  if displayWidth(text) <= width { return text }
  var kept = ""
  var used = 1
  for character in text {
    used += displayWidth(String(character))
    if used > width { break }
    kept.append(character)
  }
  return kept + "…"
}
