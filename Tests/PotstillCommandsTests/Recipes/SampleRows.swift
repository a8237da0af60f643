import Datasets
import Foundation
import ModelFormats
import Tasks

/// A few rows in the very files, columns and codes that a recipe asks for, whatever its kind.
struct SampleRows {
  private let task: TaskDefinition
  /// What the texts of a file speak of.
  private let name: String
  private let isLabelled: Bool

  private static let names = ["film", "room", "soup", "book", "tea"]

  init(task: TaskDefinition, name: String = "film", isLabelled: Bool = true) {
    self.task = task
    self.name = name
    self.isLabelled = isLabelled
  }

  /// Writes the training, validation and test files, the further ones too, into a folder; test files have no labels.
  func write(to folder: URL) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let further = task.extraFiles.filter { !$0.key.hasPrefix("test_") }.map(\.value)
    let labelled = [task.trainFile, task.validationFile, task.unlabelledFile].compactMap { $0 } + further
    // Where one file serves to validate and to test, it has labels.
    let parts = task.parts(of: .test).map { task.file(for: .test, part: $0) }
    let tests = ([task.testFile] + parts).compactMap { $0 }
      .filter { test in !labelled.contains { $0.path == test.path } }
    for (index, file) in (labelled + tests).enumerated() {
      // Other texts in each file, since some tasks leave out what train has.
      let name = SampleRows.names[index % SampleRows.names.count]
      let rows = SampleRows(task: task, name: name, isLabelled: index < labelled.count)
      let content =
        switch task.kind {
        case .questionAnswering: try rows.questions()
        case .tokenClassification: (file.format ?? task.format) == .jsonl ? rows.spans() : rows.columns()
        default: (file.format ?? task.format) == .jsonl ? rows.objects(file) : rows.table(file)
        }
      try Data(content.utf8).write(to: folder.appending(path: file.path))
    }
  }

  private static let words = ["good", "bad", "fine", "poor", "great", "weak", "lovely", "awful"]

  private func text(_ index: Int) -> String {
    "the \(name) was \(Self.words[index % Self.words.count])"
  }

  // MARK: Texts

  /// What the label column of a row holds.
  private func label(_ index: Int) -> String {
    switch task.kind {
    case .regression, .sentenceSimilarity:
      return String(Double(index % 6) / 5 * (task.labelRange?.upperBound ?? 1))
    case .multiLabel: return task.labels[index % task.labels.count]
    default:
      let label = task.labels[index % task.labels.count]
      return task.labelValues.filter { $0.value == label }.keys.min() ?? label
    }
  }

  private func cells(_ index: Int, _ file: DataFile) -> [(column: ColumnReference, value: String)] {
    var cells = [(column: file.textColumn ?? task.textColumn, value: text(index))]
    if let column = file.textPairColumn ?? task.textPairColumn { cells.append((column, text(index + 3))) }
    if isLabelled { cells.append((file.labelColumn ?? task.labelColumn, label(index))) }
    return cells
  }

  private func table(_ file: DataFile) -> String {
    var lines: [String] = []
    let names = cells(0, file).compactMap { if case .name(let name) = $0.column { name } else { nil } }
    if file.header ?? task.header { lines.append(names.joined(separator: "\t")) }
    for index in 0..<24 {
      var row = [String](repeating: "x", count: 5)
      let cells = cells(index, file)
      for (column, value) in cells { if case .index(let place) = column { row[place] = value } }
      lines.append((names.isEmpty ? row : cells.map(\.value)).joined(separator: "\t"))
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private func objects(_ file: DataFile) -> String {
    (0..<24).map { index in
      var object = JSONObject()
      for case (.name(let name), let value) in cells(index, file) { object[name] = .string(value) }
      return JSONValue.object(object).compactText + "\n"
    }.joined()
  }

  // MARK: Entities

  private func columns() -> String {
    (0..<24).map { index in
      let words = text(index).split(separator: " ").map(String.init)
      return words.enumerated().map { place, word in
        let type = task.labels[index % task.labels.count]
        let start = task.entities.inputScheme == .iob1 ? "I" : "B"
        let tag = place == 1 ? "\(start)-\(type)" : "O"
        let name = task.entities.stripSegmentDigits ? String(word.prefix(1)) + "0" : word
        if !isLabelled { return name + "\n" }
        return task.name == "conll2003" ? "\(name) NN I-NP \(tag)\n" : "\(name)\t\(tag)\n"
      }.joined() + "\n"
    }.joined()
  }

  private func spans() -> String {
    (0..<24).map { index in
      let type = task.labels[index % task.labels.count]
      let label = isLabelled ? #", "label": {"\#(type)": {"北京": [[0, 1]]}}"# : ""
      return #"{"text": "北京的\#(name)\#(Self.words[index % Self.words.count])"\#(label)}"# + "\n"
    }.joined()
  }

  // MARK: Questions

  private func questions() throws -> String {
    let paragraphs: [JSONValue] = (0..<12).map { index in
      let answer = Self.words[index % Self.words.count]
      let context = "the \(name) was \(answer) ."
      var entry = JSONObject()
      entry["id"] = .string("q\(index)")
      entry["question"] = .string("the \(name) was")
      if isLabelled {
        entry["answers"] = [["text": .string(answer), "answer_start": .integer("the \(name) was ".count)]]
      }
      if isLabelled, task.questions.version2WithNegative {
        entry["is_impossible"] = .bool(index % 3 == 0)
        if index % 3 == 0 { entry["answers"] = [] }
      }
      return ["context": .string(context), "qas": [.object(entry)]]
    }
    let document: JSONValue = ["data": [["title": "t", "paragraphs": .array(paragraphs)]]]
    return document.compactText
  }
}
