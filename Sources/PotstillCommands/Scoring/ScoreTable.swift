import ModelFormats

/// Scores for people: the official names with all digits.
enum ScoreTable {
  /// A row for each score; scores of entity types make columns instead.
  static func of(_ scores: JSONObject) -> TextTable {
    let parts = scores.filter { $0.value.objectValue != nil }
    guard let columns = parts.first?.value.objectValue?.keys else {
      var table = TextTable([.text(""), .number("")])
      for (name, value) in scores { table.add([name, text(value)]) }
      return table
    }
    var table = TextTable([.text("")] + columns.map { .number($0) })
    for (name, part) in parts { table.add([name] + columns.map { text(part[$0] ?? .null) }) }
    table.add(["overall"] + columns.map { scores["overall_\($0)"].map(text) ?? "" })
    table.add(["accuracy", text(scores["overall_accuracy"] ?? .null)])
    return table
  }

  private static func text(_ value: JSONValue) -> String {
    if case .double(let number) = value { "\(number)" } else { value.compactText }
  }
}
