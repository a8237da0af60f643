import Foundation
import ModelFormats

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
    let raws = task.labels + task.labelValues.keys.sorted()
    for raw in raws { labels[raw] = task.labelIndex(ofRawValue: raw) }
    // Values of files are read without the white space around them, and so are the names they are compared with.
    for raw in raws where labels[Self.trimmed(raw)] == nil { labels[Self.trimmed(raw)] = labels[raw] }
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
    for value in [text, pair ?? ""] where value.utf8.count > Self.longestText {
      return .failure(
        RowFault(
          line: line, found: "a text of \(value.utf8.count) bytes", expected: "at most \(Self.longestText)"))
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

  /// Bytes of a text beyond which a row is taken for a file of another form.
  static let longestText = 10_000_000

  // MARK: Targets

  /// The label that a value means; a whole number means the same when it is written 1.0.
  private func index(of raw: String) -> Int? {
    labels[raw] ?? wholeNumber(raw).flatMap { labels[String($0)] }
  }

  private func label(_ raw: RawTarget, _ line: Int) -> Result<ExampleTarget, RowFault> {
    let raw = Self.trimmed(raw)
    if let index = index(of: raw) { return .success(.label(Int32(index))) }
    // GLUE's own test files have no label; Hugging Face's copies have -1.
    if split == .test && (raw.isEmpty || wholeNumber(raw) == -1) { return .success(.none) }
    return .failure(
      RowFault(
        line: line, found: raw.isEmpty ? "no label" : "the label \"\(raw)\"", expected: oneOfTheLabels))
  }

  private func value(_ raw: RawTarget, _ line: Int) -> Result<ExampleTarget, RowFault> {
    let raw = Self.trimmed(raw)
    let expected = task.labelRange.map { "a number from \($0.lowerBound) to \($0.upperBound)" } ?? "a number"
    if split == .test && raw.isEmpty { return .success(.none) }
    guard let number = decimalNumber(raw), Float(number).isFinite else {
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
      if split == .test && wholeNumber(Self.trimmed(text)) == -1 { return .success(.none) }
      names = text.components(separatedBy: task.labelSeparator)
        .map(Self.trimmed)
      if names == [""] { names = [] }
    case .list(let list): names = list.map(Self.trimmed)
    case .flags(let flags): return self.flags(of: flags, line)
    }
    var flags = [Bool](repeating: false, count: task.labels.count)
    for name in names {
      guard let index = index(of: name) else {
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

  private static func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func trimmed(_ raw: RawTarget) -> String {
    switch raw {
    case .scalar(let text): trimmed(text)
    case .list(let list): list.joined(separator: ", ")
    case .none, .flags: ""
    }
  }
}
