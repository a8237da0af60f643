import Datasets
import Foundation
import ModelFormats

/// Task of files that have no task file: format, columns, kind and labels as a look at every row of them finds them.
public struct InferredTask: Sendable {
  /// The task, whose paths are those that were given.
  public let task: TaskDefinition
  /// The findings in sentences, for people: what was decided, and what decides otherwise.
  public let findings: [String]

  /// A task with what was found.
  init(_ task: TaskDefinition, findings: [String]) { (self.task, self.findings) = (task, findings) }

  /// The task of some files.
  ///
  /// Format and columns are those of the first file there is; labels are those of all of them, in the order of numbers or
  /// of the alphabet, as `run_classification` puts them.
  ///
  /// - Parameters:
  ///   - train: Rows to train on; without a validation file a share of them is held out to score on.
  ///   - validation: Rows to score on.
  ///   - test: Further rows to score on or predict.
  ///   - hints: What is known.
  /// - Throws: `DatasetError` when a file cannot be read, `TaskError` when nothing tells what its rows mean.
  public init(
    train: String?, validation: String? = nil, test: String? = nil, hints: TaskHints = TaskHints()
  ) throws {
    let paths = [train, validation, test].compactMap { $0 }
    guard let path = paths.first else {
      throw TaskError("There is no file of rows; expected a training, validation or test file.")
    }
    let name = URL(filePath: path).lastPathComponent.split(separator: ".").first.map(String.init) ?? "data"
    var look = RowLook(name: name, hints: hints)
    for path in paths { try look.add(path) }
    var (task, findings) = try look.result()
    func file(_ path: String?) -> DataFile? {
      path.map { path in
        let format = look.format(path)
        return DataFile(path, format: format == task.format ? nil : format)
      }
    }
    findings += look.findings
    task.trainFile = file(train)
    task.validationFile = file(validation)
    task.testFile = file(test)
    if train != nil && validation == nil {
      let share = HeldOutShare(percentage: hints.heldOutPercentage ?? 10)
      task.heldOut = share
      let labelled = task.kind.hasLabels && task.kind.hasTextRows ? " of each label" : ""
      findings.append(
        "no validation file: \(JSONValue.number(share.percentage).compactText) %\(labelled) of \(path) is held out "
          + "to score on (seed \(share.seed))")
    }
    try task.validate()
    (self.task, self.findings) = (task, findings)
  }
}

/// Look at files of rows, which remembers what it has seen.
private struct RowLook {
  let name: String
  let hints: TaskHints
  private var formats: [String: DataFormat] = [:]
  /// The findings about files of which only the beginning was looked at.
  private(set) var findings: [String] = []
  private var files: [(path: String, bytes: [UInt8], format: DataFormat)] = []

  init(name: String, hints: TaskHints) { (self.name, self.hints) = (name, hints) }

  mutating func add(_ path: String) throws {
    let (bytes, isWhole) = try TaskReader.look(path)
    let format = DataFormat.detected(path: path, bytes: bytes)
    formats[path] = format
    if !isWhole {
      findings.append(
        "\(path): only the first \(bytes.count >> 20) MB of rows were looked at; a label that comes later is an error, and a "
          + "task file that names it mends it ('potstill init')")
    }
    files.append((path, bytes, format))
  }

  func format(_ path: String) -> DataFormat { formats[path] ?? .text }

  func result() throws -> (TaskDefinition, [String]) {
    let (path, _, format) = files[0]
    switch format {
    case .conll: return try entities(of: files.map { TagsSeen(columns: $0.bytes) }, format: .conll, key: nil)
    case .squad: return questions()
    case .text:
      throw TaskError(
        "\(path): found plain text, which has no labels; expected rows with labels (CSV, TSV, JSON), words with tags "
          + "(CoNLL) or passages with questions (SQuAD). 'potstill pretrain' takes plain text")
    case .tsv, .csv, .jsonl, .json: return try table()
    }
  }

  // MARK: Rows with columns

  private func table() throws -> (TaskDefinition, [String]) {
    let tables = try files.map { path, bytes, format in
      try RowTable(bytes, path: path, format: format, isName: hints.isName)
    }
    let (path, format, first) = (files[0].path, files[0].format, tables[0])
    if let names = QuestionKeys(first.columns), hints.kind == nil || hints.kind == .questionAnswering {
      return questions(format, names)
    }
    let roles = try ColumnRoles(first, hints: hints, path: path)
    if first.rows.contains(where: { $0[roles.text]?.arrayValue != nil })
      || roles.label.map({ label in first.rows.contains { $0[label]?.objectValue != nil } }) ?? false
    {
      return try words(tables, roles)
    }
    var findings = ["\(path): \(first.account); the text is in the column \(first.columns[roles.text])"]
    var task = TaskDefinition(name: name, format: format, header: first.hasHeader, labels: ["0", "1"])
    task.textColumn = first.columns[roles.text]
    if let pair = roles.pair {
      task.textPairColumn = first.columns[pair]
      findings[0] += ", the second in \(first.columns[pair])"
    }
    guard roles.label != nil || !roles.flags.isEmpty else {
      throw TaskError(
        "\(path): found no column of labels; name it with --label-column. The file has "
          + first.columns.map { "\($0)" }.joined(separator: ", "))
    }
    let used = [roles.text, roles.pair, roles.label].compactMap { $0 } + roles.flags
    for case .name(let column) in used.map({ first.columns[$0] })
    where first.columns.count(where: { $0 == .name(column) }) > 1 {
      throw DatasetError.repeatedColumn(column, path: path)
    }
    let answers: LabelLook
    if let label = roles.label {
      task.labelColumn = first.columns[label]
      findings[0] += ", the label in \(first.columns[label])"
      answers = LabelLook(tables.map { $0.values(of: first.columns[label]) })
    } else {
      task.labelColumns = roles.flags.map { first.columns[$0] }
      findings[0] +=
        ", a 0 or 1 for each label in \(task.labelColumns?.map { "\($0)" }.joined(separator: ", ") ?? "")"
      answers = LabelLook(flags: task.labelColumns ?? [])
    }
    let kind = try hints.kind ?? answers.kind(hasPair: roles.pair != nil, path: path)
    try answers.apply(kind, to: &task, hints: hints, findings: &findings, path: path)
    return (task, findings)
  }

  // MARK: Words and passages

  /// A task of lists of words with lists of tags, or of texts with the places of their entities.
  private func words(_ tables: [RowTable], _ roles: ColumnRoles) throws -> (TaskDefinition, [String]) {
    let first = tables[0]
    guard let label = roles.label else {
      throw TaskError(
        "\(files[0].path): found lists of words without tags; name the tags' key with --label-column.")
    }
    let tags = tables.map { TagsSeen($0.rows.compactMap { $0.indices.contains(label) ? $0[label] : nil }) }
    if tags.contains(where: \.hasNumbers) {
      throw TaskError(
        "\(files[0].path): found tags that are numbers, which name no entities; expected tags such as B-PER, or a task "
          + "file whose label_values say what they mean")
    }
    return try entities(
      of: tags, format: first.format, key: (first.columns[roles.text], first.columns[label]))
  }

  private func entities(
    of seen: [TagsSeen], format: DataFormat, key: (text: ColumnReference, label: ColumnReference)?
  ) throws -> (TaskDefinition, [String]) {
    var tagsOfModel = TagsSeen()
    for tag in hints.modelLabels { tagsOfModel.add(tag) }
    let found = Set(seen.flatMap(\.types))
    let types = (found.isSubset(of: tagsOfModel.types) && !found.isEmpty ? tagsOfModel.types : found).sorted()
    let prefixes = seen.reduce(into: Set<Character>()) { $0.formUnion($1.prefixes) }
    guard !types.isEmpty else {
      throw TaskError(
        "\(files[0].path): found no tags such as B-PER or I-LOC; expected a word and its tag in each line, or a task file"
      )
    }
    var task = TaskDefinition(name: name, kind: .tokenClassification, format: format, labels: types)
    if let key { (task.textColumn, task.labelColumn) = (key.text, key.label) }
    let scheme: TaggingScheme =
      prefixes.contains("M") ? .bmes : prefixes.isDisjoint(with: "ESLU") ? .bio : .bioes
    task.entities.scheme = scheme
    // IOB1 begins an entity with I, unless another of its type is in front of it.
    let (inside, begin) = (seen.contains(where: \.beginsWithInside), seen.contains(where: \.beginsWithBegin))
    if scheme == .bio, inside, !begin { task.entities.inputScheme = .iob1 }
    return (
      task,
      [
        "\(files[0].path): \(format.rawValue), words with tags; kind token_classification, "
          + "entities \(types.joined(separator: ", ")), scheme \((task.entities.inputScheme ?? scheme).rawValue)"
      ]
    )
  }

  private func questions(_ format: DataFormat = .squad, _ keys: QuestionKeys? = nil) -> (
    TaskDefinition, [String]
  ) {
    var task = TaskDefinition(name: name, kind: .questionAnswering, format: format)
    if let keys {
      task.questions.questionColumn = keys.question
      task.questions.contextColumn = keys.context
      if let answers = keys.answers { task.questions.answerColumn = answers }
    }
    var settings = task.questions
    settings.version2WithNegative = true
    let layout = RowLayout(
      format: format, header: false, textColumn: settings.questionColumn, labelColumn: settings.answerColumn)
    // What cannot be read is said when the task is.
    let read = try? Dataset<Question>(
      parsing: files[0].bytes, path: files[0].path, layout: layout, split: .validation, settings: settings,
      stripsIDs: false)
    task.questions.version2WithNegative = read?.examples.contains(where: \.isImpossible) ?? false
    let unanswerable = task.questions.version2WithNegative ? ", some without an answer" : ""
    if task.questions.version2WithNegative { task.metrics = ["f1", "exact"] }
    return (
      task,
      [
        "\(files[0].path): \(format.rawValue), questions about passages\(unanswerable); kind question_answering"
      ]
    )
  }
}

/// Keys of questions in JSON objects.
private struct QuestionKeys {
  let question: ColumnReference
  let context: ColumnReference
  let answers: ColumnReference?

  /// The keys among some columns; nil where they are not all there.
  init?(_ columns: [ColumnReference]) {
    func find(_ names: [String]) -> ColumnReference? {
      columns.first { c in names.contains { c == .name($0) } }
    }
    guard let question = find(["question"]), let context = find(["context"]) else { return nil }
    (self.question, self.context) = (question, context)
    answers = find(["answers", "answer"])
  }
}

extension RowTable {
  /// The format and the number of rows, in words.
  fileprivate var account: String {
    "\(format.rawValue)\(format.holdsObjects ? "" : hasHeader ? " with a header" : " without a header"), \(rows.count) rows"
  }

  /// The values of a column of the first file, as another has it.
  fileprivate func values(of column: ColumnReference) -> [JSONValue?] {
    guard let place = columns.firstIndex(of: column) else { return [] }
    return rows.map { $0[place] }
  }
}
