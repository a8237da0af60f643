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
    /// The heading where the table would be too wide.
    package let shortTitle: String
    /// The alignment: text to the left, numbers to the right.
    package let alignment: Alignment

    init(title: String, short: String? = nil, alignment: Alignment) {
      (self.title, shortTitle, self.alignment) = (title, short ?? title, alignment)
    }

    /// A column of text.
    package static func text(_ title: String) -> Column { Column(title: title, alignment: .left) }
    /// A column of numbers, and its heading where space is short.
    package static func number(_ title: String, short: String? = nil) -> Column {
      Column(title: title, short: short, alignment: .right)
    }
  }

  /// The columns, left to right.
  package private(set) var columns: [Column]
  /// The cells of each row; a row shorter than the columns ends in empty cells.
  package private(set) var rows: [[String]] = []

  /// An empty table.
  package init(_ columns: [Column]) {
    self.columns = columns.map {
      Column(
        title: printable(inOneCell($0.title)), short: printable(inOneCell($0.shortTitle)),
        alignment: $0.alignment)
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
    let widths = self.widths
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

extension TextTable {
  /// The width of each column.
  private var widths: [Int] {
    columns.indices.map { index in
      rows.reduce(displayWidth(columns[index].title)) { width, row in
        index < row.count ? max(width, displayWidth(row[index])) : width
      }
    }
  }

  /// The width of the whole.
  private var width: Int { widths.reduce(2 * (columns.count - 1), +) }

  /// Columns that a text keeps when it is shortened.
  private static let leastText = 16

  /// The tables that show this one within a width.
  ///
  /// Where it is too wide, headings take their short forms; then a text at the end goes on in lines of its own, or texts lose
  /// their middles; then the columns that are still too many go into tables below, behind the texts that name the rows.
  package func fitted(to width: Int) -> [TextTable] {
    if self.width <= width { return [self] }
    var table = TextTable(
      columns.map { Column(title: $0.shortTitle, alignment: $0.alignment) }, rows)
    if table.columns.count > 1, table.columns.last?.alignment == .left, table.wrapLast(to: width) {
      return [table]
    }
    var shortened = table
    shortened.shortenTexts(by: table.width - width)
    return shortened.width <= width ? [shortened] : table.folded(to: width)
  }

  /// Wraps the texts of the last column at spaces; whether that was enough to leave them room.
  private mutating func wrapLast(to width: Int) -> Bool {
    let last = columns.count - 1
    let room = width - widths.dropLast().reduce(2 * last, +)
    guard room >= Self.leastText else { return false }
    let all = rows
    rows = []
    for row in all {
      guard row.count == columns.count else {
        rows.append(row)
        continue
      }
      for (index, part) in wrapped(row[last], to: room).enumerated() {
        rows.append((index == 0 ? Array(row.dropLast()) : [String](repeating: "", count: last)) + [part])
      }
    }
    return true
  }

  /// Takes so many columns from the middles of the widest texts.
  private mutating func shortenTexts(by excess: Int) {
    var limits = widths
    var excess = excess
    while excess > 0 {
      let texts = columns.indices.filter { columns[$0].alignment == .left && limits[$0] > Self.leastText }
      guard let widest = texts.max(by: { limits[$0] < limits[$1] }) else { break }
      limits[widest] -= 1
      excess -= 1
    }
    rows = rows.map { row in row.indices.map { middleClipped(row[$0], to: limits[$0]) } }
    columns = columns.indices.map { index in
      let column = columns[index]
      return Column(title: middleClipped(column.title, to: limits[index]), alignment: column.alignment)
    }
  }

  /// The columns in several tables, each with the texts at the left; a table has one further column at least.
  private func folded(to width: Int) -> [TextTable] {
    var names = columns.prefix { $0.alignment == .left }.count
    if names > 1, widths[..<names].reduce(2 * names, +) > width / 2 { names = 1 }
    let first = widths[..<names].reduce(2 * max(0, names - 1), +)
    if first > width / 2, first > Self.leastText {
      var shortened = self
      shortened.shortenTexts(by: min(first - width / 2, first - Self.leastText))
      return shortened.folded(to: width)
    }
    var parts: [[Int]] = []
    var used = 0
    for index in columns.indices.dropFirst(names) {
      if parts.isEmpty || used + 2 + widths[index] > width {
        parts.append([])
        used = first
      }
      parts[parts.count - 1].append(index)
      used += 2 + widths[index]
    }
    return parts.map { part in
      let chosen = Array(columns.indices.prefix(names)) + part
      return TextTable(
        chosen.map { columns[$0] }, rows.map { row in chosen.map { $0 < row.count ? row[$0] : "" } })
    }
  }
}

extension Console {
  /// Prints a table among the results; on a terminal its heading is bold, and it is fitted to the terminal's width.
  package func result(_ table: TextTable) {
    let parts = output.isTerminal ? table.fitted(to: width) : [table]
    for (index, part) in parts.enumerated() {
      if index > 0 { output.line() }
      for line in part.lines(bold: hasStyle(output)) { output.line(line) }
    }
  }

  /// A line of a plan for one of the streams: on a terminal wrapped at spaces, below its text.
  package func planLines(_ line: String, on stream: TextStream) -> [String] {
    guard stream.isTerminal else { return [line] }
    // The first word of a line names it.
    let name = line.prefix { $0 != " " }
    let indent = name.count + line.dropFirst(name.count).prefix { $0 == " " }.count
    return wrapped(line, to: width, indent: indent < 16 ? indent : 2)
  }
}

/// The parts of a text that fit a width, broken at spaces; a word that is longer stands alone as it is.
///
/// - Parameter indent: Spaces before all parts but the first.
package func wrapped(_ text: String, to width: Int, indent: Int = 0) -> [String] {
  if displayWidth(text) <= width { return [text] }
  var lines: [String] = []
  var line = ""
  let words = text.split(separator: " ", omittingEmptySubsequences: false)
  for (index, word) in words.enumerated() {
    let longer = index == 0 ? String(word) : line + " " + word
    if index == 0 || displayWidth(longer) <= width || line.allSatisfy({ $0 == " " }) {
      line = longer
    } else {
      lines.append(line)
      line = String(repeating: " ", count: indent) + word
    }
  }
  return (lines + [line]).map { line in
    var line = line
    while line.last == " " { line.removeLast() }
    return line
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

/// The text with an ellipsis for its middle when it does not fit a width: both ends of a path say what it is.
package func middleClipped(_ text: String, to width: Int) -> String {
  if displayWidth(text) <= width { return text }
  let end = String(clipped(String(text.reversed()), to: width / 2).dropLast().reversed())
  return clipped(text, to: width - displayWidth(end)) + end
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
