/// Error about a file: names the file, the line or tensor or field, what was found and what was expected.
public enum FormatError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The operating system would not let us read the file.
  case cannotRead(file: String, reason: String)
  /// The operating system would not let us write or rename the file.
  case cannotWrite(file: String, reason: String)
  /// The text is not valid JSON; line and column count from 1, columns in bytes.
  case json(file: String, line: Int, column: Int, reason: String)
  /// The JSON is valid, but a field has the wrong type or value.
  case field(file: String, path: String, reason: String)
  /// The file as a whole is not valid safetensors.
  case safetensors(file: String, reason: String)
  /// The file as a whole is not a dictionary of tensors as `torch.save` writes it, or holds what is never read.
  case pytorch(file: String, reason: String)
  /// The file as a whole is not a SentencePiece model, or not of a kind that can be read.
  case sentencePiece(file: String, reason: String)
  /// One tensor's entry in a checkpoint is wrong.
  case tensor(file: String, name: String, reason: String)

  /// The message for a person: file, place, what was found, what was expected.
  public var description: String {
    switch self {
    case .cannotRead(let file, let reason): "cannot read \(file): \(reason)"
    case .cannotWrite(let file, let reason): "cannot write \(file): \(reason)"
    case .json(let file, let line, let column, let reason):
      "\(file):\(line):\(column): \(printable(reason, atMost: 1000))"
    case .field(let file, let path, let reason):
      "\(file): field \(printable(path, atMost: 200)): \(printable(reason, atMost: 1000))"
    case .safetensors(let file, let reason):
      "\(file): not a valid safetensors file: \(printable(reason, atMost: 1000))"
    case .pytorch(let file, let reason):
      "\(file): not a PyTorch file of tensors: \(printable(reason, atMost: 1000))"
    case .sentencePiece(let file, let reason):
      "\(file): not a SentencePiece model that can be read: \(printable(reason, atMost: 1000))"
    case .tensor(let file, let name, let reason):
      "\(file): tensor \"\(printable(name, atMost: 200))\": \(printable(reason, atMost: 1000))"
    }
  }
}

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
