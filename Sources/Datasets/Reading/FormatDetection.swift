import ModelFormats

extension DataFormat {
  /// Format of a file, by its content where that says so, else by its name; `.gz` or `.zst` at its end does not count.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - bytes: Its first bytes, decompressed; 64 KiB are looked at.
  package static func detected(path: String, bytes: some Collection<UInt8>) -> DataFormat {
    var start = Array(bytes.prefix(1 << 16))
    // A line that the look cuts off would not be like the others.
    if start.count < bytes.count, let end = start.lastIndex(of: DelimitedRows.newline) {
      start.removeLast(start.count - end)
    }
    start = Array(DelimitedRows.skippingMark(start))
    let named = named(path)
    if let first = start.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }), named != .csv,
      named != .tsv
    {
      if first == UInt8(ascii: "{") || first == UInt8(ascii: "["), let form = objects(start) {
        // Its first line may be broken, which its reader says.
        return form == .json && named == .jsonl && first == UInt8(ascii: "{") ? .jsonl : form
      }
    }
    if named == .conll || named != .csv && isColumns(start) { return .conll }
    let lines = start.split(separator: DelimitedRows.newline).prefix(200)
    let tabs = lines.map { $0.count { $0 == DelimitedRows.tab } }
    let hasTabs = !tabs.isEmpty && tabs.allSatisfy { $0 > 0 }
    switch named {
    case .csv: return hasTabs && !lines.contains { $0.contains(DelimitedRows.comma) } ? .tsv : .csv
    case .tsv:
      let rows = DelimitedRows(csv: start).rows
      return !hasTabs && isTable(rows) ? .csv : .tsv
    case .text, nil:
      if hasTabs, Set(tabs).count == 1 { return .tsv }
      return named == nil && isTable(DelimitedRows(csv: start).rows) ? .csv : .text
    case .jsonl, .json, .conll, .squad: return named ?? .text
    }
  }

  /// The format that a name says; nil where it says none.
  package static func named(_ path: String) -> DataFormat? {
    let name = FileCompression.innerName(path.lowercased())
    return switch name.split(separator: ".").last.map(String.init) {
    case "csv": .csv
    case "tsv", "tab": .tsv
    case "jsonl", "ndjson": .jsonl
    case "json": .json
    case "conll", "bio", "iob", "iob2", "bioes", "bmes": .conll
    case "txt": .text
    default: nil
    }
  }

  /// Whether rows have more than one field, and all the same number.
  private static func isTable(_ rows: [DelimitedRow]) -> Bool {
    // The last may be cut off.
    let widths = Set(rows.prefix(200).dropLast(rows.count > 1 ? 1 : 0).map(\.fields.count))
    return widths.count == 1 && widths.allSatisfy { $0 > 1 }
  }

  /// The form of a file that begins as JSON does; nil of one that only looks like it.
  private static func objects(_ start: [UInt8]) -> DataFormat? {
    if let line = start.split(separator: DelimitedRows.newline).first,
      let object = (try? JSONValue(parsing: Array(line)))?.objectValue
    {
      // A whole document can be on one line.
      return isSquad(start) ? .squad : object["data"]?.arrayValue != nil ? .json : .jsonl
    }
    // A text may begin with a bracket.
    guard start.contains(UInt8(ascii: "\"")) else { return nil }
    return isSquad(start) ? .squad : .json
  }

  /// Whether passages with their questions are in it, under SQuAD's or CMRC 2018's keys.
  private static func isSquad(_ start: [UInt8]) -> Bool {
    let text = String(decoding: start, as: UTF8.self)
    return text.contains("\"paragraphs\"") || text.contains("\"context_text\"") || text.contains("\"qas\"")
  }

  /// Whether lines are words with tags, with blank lines between sentences.
  private static func isColumns(_ start: [UInt8]) -> Bool {
    var (words, tagged, entities, blanks) = (0, 0, 0, 0)
    DelimitedRows.forEachLine(RowPiece(whole: start)) { _, line in
      guard let text = DelimitedRows.text(line) else { return }
      let fields = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard let tag = fields.last else {
        blanks += 1
        return
      }
      words += 1
      let isEntity = tag.count > 2 && "BIESMLU".contains(tag.first ?? " ") && tag.dropFirst().first == "-"
      if fields.count > 1, tag == "O" || isEntity { tagged += 1 }
      if isEntity { entities += 1 }
    }
    return words > 1 && blanks > 0 && entities > 0 && tagged * 10 >= words * 9
  }
}
