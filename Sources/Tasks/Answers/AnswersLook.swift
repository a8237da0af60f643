import Datasets
import Foundation
import ModelFormats

extension InferredTask {
  /// The task of a file of answers that brings its own texts: its labels are those that the answers name.
  ///
  /// - Parameters:
  ///   - answers: The file.
  ///   - validation: Rows to score on, whose columns decide where they are given.
  ///   - test: Further rows to score on or predict.
  ///   - hints: What is known.
  /// - Throws: As with rows; `TaskError` when answers have no texts, or do not name their labels.
  init(answers path: String, validation: String?, test: String?, hints: TaskHints) throws {
    let look = try AnswersLook(path)
    var findings = [
      "\(path): \(grouped(look.textCount)) answers with texts of their own, which are trained on"
    ]
    var hints = hints
    if validation != nil || test != nil {
      hints.modelLabels = look.names
      let rows = try InferredTask(train: nil, validation: validation, test: test, hints: hints)
      self.init(rows.task, findings: findings + rows.findings)
      return
    }
    let name =
      URL(filePath: path).lastPathComponent.split(separator: ".").first.map(String.init) ?? "answers"
    var task = TaskDefinition(name: name, format: DataFormat.named(path), labels: ["0", "1"])
    (task.textColumn, task.textPairColumn) = (.name(look.columns.text), look.columns.pair.map { .name($0) })
    task.unlabelledFile = DataFile(path)
    let kind = try hints.kind ?? look.kind()
    try look.labels(kind).apply(kind, to: &task, hints: hints, findings: &findings, path: path)
    try task.validate()
    self.init(task, findings: findings)
  }
}

/// Look at the answers of a file that no task describes: which labels they name, and what kind of task they make.
private struct AnswersLook {
  /// Answers that have a text.
  private(set) var textCount = 0
  /// The fields of the text, and of the second of a pair.
  private(set) var columns: (text: String, pair: String?) = ("text", nil)
  /// The names of labels, in the order in which they come.
  private(set) var names: [String] = []
  private let path: String
  private var known: Set<String> = []
  private var values: [JSONValue?] = []
  private var hasNumbers = false
  private var hasSets = false
  private var lacksNames = false

  init(_ path: String) throws {
    self.path = path
    let (single, pair) = (TextFields(TaskDefinition(name: "")), TextFields(Self.pairs))
    try AnswersFile.forEachRow(path) { fields in
      guard let fields = try? fields.get(), let answer = try? StatedAnswer(fields, labels: []) else { return }
      add(answer)
      guard let names = pair.names(in: fields) ?? single.names(in: fields) else { return }
      if textCount == 0 { columns = names }
      textCount += 1
    }
    guard textCount > 0 else {
      throw TaskError(
        "\(path): found no answers with texts of their own; name the rows that they are to with --train-file or --task"
      )
    }
  }

  private static var pairs: TaskDefinition {
    var task = TaskDefinition(name: "")
    task.textPairColumn = .name("text_pair")
    return task
  }

  private mutating func add(_ answer: StatedAnswer) {
    switch answer {
    case .probabilities(let named):
      for (label, _) in named { add(label) }
      // Probabilities of labels of which one applies are 1 together.
      if named.reduce(0, { $0 + $1.value }) > 1.02 { hasSets = true }
    case .label(let label, _):
      add(label)
      values.append(.string(label))
    case .labels(let labels):
      hasSets = true
      for label in labels { add(label) }
    case .value: hasNumbers = true
    case .list, .tokens: lacksNames = true
    }
  }

  private mutating func add(_ label: String) { if known.insert(label).inserted { names.append(label) } }

  func kind() throws -> TaskKind {
    if hasNumbers { return .regression }
    guard !names.isEmpty || !lacksNames else {
      throw TaskError(
        "\(path): its answers do not name the labels; give --task or --train-file, or \"probabilities\" as an object "
          + "of labels")
    }
    if hasSets { return .multiLabel }
    // Bare labels may be numbers.
    if values.count == textCount, !values.isEmpty {
      return try LabelLook([values]).kind(hasPair: columns.pair != nil, path: path)
    }
    return columns.pair != nil ? .pair : .classification
  }

  /// The labels as a look at a column of them.
  func labels(_ kind: TaskKind) -> LabelLook {
    let names = names.map { JSONValue.string($0) }
    return LabelLook([kind == .multiLabel ? [.array(names)] : names])
  }
}
