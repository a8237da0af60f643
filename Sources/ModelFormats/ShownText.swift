/// Text for one cell of a line of columns: what would end the line or the cell (line ends of all kinds, tabs) is written as
/// a JSON escape such as `\n`.
package func inOneCell(_ text: String) -> String {
  escaped(text) { scalar in
    switch scalar.value {
    case 0x09...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }
}

/// Text as a terminal may show it: control characters, which could move its cursor or ring its bell, and the marks that
/// reorder text are written as JSON escapes such as `\u001b`; line feeds and tabs stay.
package func printable(_ text: String) -> String {
  escaped(text) { scalar in
    switch scalar.value {
    case 0x09, 0x0A: false
    case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}

/// Text of a file as one line of a message may hold it: shortened, and nothing in it ends the line or steers a terminal.
package func printable(_ text: String, atMost limit: Int) -> String {
  printable(inOneCell(shortened(text, to: limit)))
}

/// Text with its middle left out where it is longer than a limit, which the place of the cut says.
package func shortened(_ text: String, to limit: Int) -> String {
  let count = text.unicodeScalars.count
  guard count > limit else { return text }
  let (head, tail) = (limit * 2 / 3, limit / 3)
  return String(text.unicodeScalars.prefix(head)) + " … (\(count - head - tail) characters) … "
    + String(text.unicodeScalars.suffix(tail))
}

private func escaped(_ text: String, where isEscaped: (Unicode.Scalar) -> Bool) -> String {
  guard text.unicodeScalars.contains(where: isEscaped) else { return text }
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    guard isEscaped(scalar) else {
      result.append(scalar)
      continue
    }
    switch scalar {
    case "\n": result.append(contentsOf: "\\n".unicodeScalars)
    case "\r": result.append(contentsOf: "\\r".unicodeScalars)
    case "\t": result.append(contentsOf: "\\t".unicodeScalars)
    default:
      let digits = String(scalar.value, radix: 16)
      let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
      result.append(contentsOf: "\\u\(zeros)\(digits)".unicodeScalars)
    }
  }
  return String(result)
}
