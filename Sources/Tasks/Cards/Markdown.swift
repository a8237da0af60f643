/// Markdown as the Hugging Face hub renders it: tables, code, and text that means no markup.
package enum Markdown {
  /// Text that no character of is markup, on one line.
  package static func text(_ text: String) -> String {
    var escaped = ""
    let characters = Array(text)
    for (place, character) in characters.enumerated() {
      switch character {
      case "\\", "`", "*", "[", "]", "<", ">", "|", "#", "~", "$": escaped += "\\\(character)"
      case "_":
        // Inside a word an underscore is one, as in f1_macro.
        let isInside =
          place > 0 && place + 1 < characters.count && isOfWord(characters[place - 1])
          && isOfWord(characters[place + 1])
        escaped += isInside ? "_" : "\\_"
      case let character where character.isNewline: escaped += " "
      case let character: escaped.append(character)
      }
    }
    return escaped
  }

  private static func isOfWord(_ character: Character) -> Bool { character.isLetter || character.isNumber }

  /// Text as code inside a line.
  package static func code(_ text: String) -> String {
    let line = String(text.map { $0.isNewline ? " " : $0 })
    let fence = String(repeating: "`", count: longestRun(of: "`", in: line) + 1)
    let space = line.hasPrefix("`") || line.hasSuffix("`") || line.isEmpty ? " " : ""
    return fence + space + line + space + fence
  }

  /// Lines as a block of code.
  static func block(_ lines: [String], language: String = "") -> String {
    let longest = lines.map { longestRun(of: "`", in: $0) }.max() ?? 0
    let fence = String(repeating: "`", count: max(3, longest + 1))
    return ([fence + language] + lines + [fence]).joined(separator: "\n")
  }

  /// A table of text; columns behind the first are numbers where `numbers` says so.
  ///
  /// - Parameters:
  ///   - header: The names of the columns.
  ///   - rows: The cells, as many a row as there are columns.
  ///   - leading: The number of columns that hold words, which stand on the left.
  static func table(_ header: [String], _ rows: [[String]], leading: Int = 1) -> String {
    func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
    let rule = header.indices.map { $0 < leading ? "---" : "---:" }
    return ([header.map(text), rule] + rows.map { $0.map(text) }).map(line).joined(separator: "\n")
  }

  /// A list of points.
  static func list(_ points: [String]) -> String { points.map { "- " + $0 }.joined(separator: "\n") }

  private static func longestRun(of character: Character, in text: String) -> Int {
    var (longest, current) = (0, 0)
    for other in text {
      current = other == character ? current + 1 : 0
      longest = max(longest, current)
    }
    return longest
  }
}
