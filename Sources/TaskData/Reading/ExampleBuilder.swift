import Foundation

/// What a row says about its label, before anybody has looked at it.
enum RawTarget {
  /// Nothing: no such column, an unlabelled split, a missing key.
  case none
  /// One value.
  case scalar(String)
  /// The labels that apply.
  case list([String])
  /// A 0 or 1 for each label.
  case flags([String])
}

/// Turns the raw values of a row into an example, or says what is wrong with them.
struct ExampleBuilder {
  let task: TaskDefinition
  let split: DataSplit
  private let labels: [String: Int]

  init(task: TaskDefinition, split: DataSplit) {
    self.task = task
    self.split = split
    var labels: [String: Int] = [:]
    for raw in task.labels + task.labelValues.keys { labels[raw] = task.labelIndex(ofRawValue: raw) }
    self.labels = labels
  }

  /// The example that a row is, or what is wrong with it.
  ///
  /// - Parameter row: The place among the rows of the file, bad ones counted too.
  func example(
    row: Int, line: Int, text: String, pair: String?, target raw: RawTarget
  ) -> Result<TextExample, RowFault> {
    for (value, name) in [(text, "text"), (pair ?? text, "second text")]
    where value.allSatisfy(\.isWhitespace) {
      return .failure(RowFault(line: line, found: "an empty \(name)", expected: "some text"))
    }
    if split == .unlabelled { return .success(TextExample(text: text, pair: pair, line: line, row: row)) }
    let target: Result<ExampleTarget, RowFault>
    switch task.kind {
    case .regression: target = value(raw, line)
    case .multiLabel: target = flags(raw, line)
    default: target = label(raw, line)
    }
    return target.map { TextExample(text: text, pair: pair, target: $0, line: line, row: row) }
  }

  // MARK: Targets

  private func label(_ raw: RawTarget, _ line: Int) -> Result<ExampleTarget, RowFault> {
    let raw = Self.trimmed(raw)
    if let index = labels[raw] { return .success(.label(Int32(index))) }
    // GLUE's own test files have no label; Hugging Face's copies have -1.
    if split == .test && (raw.isEmpty || raw == "-1") { return .success(.none) }
    return .failure(
      RowFault(
        line: line, found: raw.isEmpty ? "no label" : "the label \"\(raw)\"", expected: oneOfTheLabels))
  }

  private func value(_ raw: RawTarget, _ line: Int) -> Result<ExampleTarget, RowFault> {
    let raw = Self.trimmed(raw)
    let expected = task.labelRange.map { "a number from \($0.lowerBound) to \($0.upperBound)" } ?? "a number"
    if split == .test && raw.isEmpty { return .success(.none) }
    guard let number = Double(raw), number.isFinite else {
      return .failure(
        RowFault(line: line, found: raw.isEmpty ? "no number" : "\"\(raw)\"", expected: expected))
    }
    if let range = task.labelRange, !range.contains(number) {
      if split == .test && number == -1 { return .success(.none) }
      return .failure(RowFault(line: line, found: "the number \(raw)", expected: expected))
    }
    return .success(.value(Float(number)))
  }

  private func flags(_ raw: RawTarget, _ line: Int) -> Result<ExampleTarget, RowFault> {
    var names: [String]
    switch raw {
    case .none:
      if split == .test { return .success(.none) }
      return .failure(RowFault(line: line, found: "no labels", expected: "a list, empty where none applies"))
    case .scalar(let text):
      if split == .test && text == "-1" { return .success(.none) }
      names = text.components(separatedBy: task.labelSeparator)
        .map { $0.trimmingCharacters(in: .whitespaces) }
      if names == [""] { names = [] }
    case .list(let list): names = list
    case .flags(let flags): return self.flags(of: flags, line)
    }
    var flags = [Bool](repeating: false, count: task.labels.count)
    for name in names {
      guard let index = labels[name] else {
        return .failure(RowFault(line: line, found: "the label \"\(name)\"", expected: oneOfTheLabels))
      }
      flags[index] = true
    }
    return .success(.labels(flags))
  }

  private func flags(of cells: [String], _ line: Int) -> Result<ExampleTarget, RowFault> {
    var flags: [Bool] = []
    for (cell, label) in zip(cells, task.labels) {
      switch cell.trimmingCharacters(in: .whitespaces) {
      case "0", "0.0", "false", "False": flags.append(false)
      case "1", "1.0", "true", "True": flags.append(true)
      // Jigsaw's test labels have -1 where nobody judged.
      case "-1" where split == .test: return .success(.none)
      case let text:
        return .failure(
          RowFault(line: line, found: "\"\(text)\" in the column of \"\(label)\"", expected: "0 or 1"))
      }
    }
    return .success(.labels(flags))
  }

  private var oneOfTheLabels: String { "one of \(labels.keys.sorted().joined(separator: ", "))" }

  private static func trimmed(_ raw: RawTarget) -> String {
    switch raw {
    case .scalar(let text): text.trimmingCharacters(in: .whitespaces)
    case .list(let list): list.joined(separator: ", ")
    case .none, .flags: ""
    }
  }
}
