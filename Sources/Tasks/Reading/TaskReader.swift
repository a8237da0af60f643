public import Datasets
public import Foundation
import ModelFormats

/// Reader of the files of a task in a data folder.
public struct TaskReader: Sendable {
  /// The task.
  public let task: TaskDefinition
  /// The folder that the task's paths are relative to.
  public let folder: URL
  /// Treatment of rows that cannot be used.
  public let badRows: BadRowPolicy

  /// A reader of a task whose files lie in a folder.
  public init(task: TaskDefinition, folder: URL, badRows: BadRowPolicy = .fail) {
    self.task = task
    self.folder = folder
    self.badRows = badRows
  }

  /// Reads one split of a task of single texts or pairs: classification, pair, regression or multi-label.
  ///
  /// - Parameter part: The name of a further file of the split, such as `mismatched`; nil for its main file.
  ///
  /// Throws `DatasetError` when the task is of another kind or names no such file, the file or a column is missing, a
  /// row is bad (unless bad rows are skipped) or no usable row is left.
  public func read(_ split: DataSplit, part: String? = nil) throws(DatasetError) -> TextDataset {
    let parser = try textParser(split)
    var result = try dataset(split, part, parser)
    if task.dropTrainDuplicates && (split == .validation || split == .test) && task.trainFile != nil {
      let shared = try contentsOfTraining(among: Set(result.examples.map(Self.content)))
      let before = result.count
      result.examples.removeAll { shared.contains(Self.content($0)) }
      result.trainDuplicateCount = before - result.count
      guard !result.examples.isEmpty else { throw .emptyFile(path: result.path) }
    }
    return result
  }

  /// Reads one split of a token classification task; entities come out in the task's own scheme.
  ///
  /// Throws as `read`.
  public func readSentences(
    _ split: DataSplit, part: String? = nil
  ) throws(DatasetError) -> Dataset<TaggedSentence> {
    try dataset(split, part, sentenceParser(split))
  }

  /// Reads one split of a question answering task.
  ///
  /// Throws as `read`.
  public func readQuestions(
    _ split: DataSplit, part: String? = nil
  ) throws(DatasetError) -> Dataset<Question> {
    try dataset(split, part, questionParser(split))
  }

  /// Opens one split of a masked language model's plain text; nothing but the current piece of it is in memory.
  ///
  /// Throws `DatasetError` when the task is of another kind or names no such file, and when the file cannot be read.
  public func openTexts(_ split: DataSplit, part: String? = nil) throws(DatasetError) -> TextLines {
    try check { $0 is MaskedWords }
    let path = path(of: try file(split, part))
    do throws(DatasetError) {
      return try TextLines(path: path)
    } catch {
      throw .unreadableFile(path: path, reason: Self.reason(path))
    }
  }

  /// The paths of all files that the task names.
  package var paths: [String] { task.filesByKey.map { path(of: $0.file) } }

  // MARK: Parts

  private func check(_ isMeant: (any TaskFamily) -> Bool) throws(DatasetError) {
    try task.validate()
    if !isMeant(task.kind.family) {
      throw .wrongKind(
        task: task.name, kind: task.kind.rawValue,
        expected: TaskKind.allCases.filter { isMeant($0.family) }.map(\.rawValue))
    }
  }

  private func textFamily() throws(DatasetError) -> any TextFamily {
    try check { $0 is any TextFamily }
    guard let family = task.kind.family as? any TextFamily else {
      preconditionFailure("The kind was checked just now.")
    }
    return family
  }

  /// The parser of texts or pairs.
  ///
  /// - Parameter numbersRows: Whether rows get the numbers of the file's own column, for which all must be in memory.
  func textParser(
    _ split: DataSplit, numbersRows: Bool = true
  ) throws(DatasetError) -> (String, RowLayout) -> TextRowParser {
    let targets = try textFamily().targetReader(of: task)
    return { path, layout in
      TextRowParser(path: path, layout: layout, split: split, targets: targets, numbersRows: numbersRows)
    }
  }

  /// The parser of sentences of words.
  func sentenceParser(_ split: DataSplit) throws(DatasetError) -> (String, RowLayout) -> SentenceParser {
    try check { $0 is EntityRecognition }
    let tags = TagLayout(
      input: TagSet(scheme: task.inputScheme, types: task.labels), output: task.tagSet,
      values: task.labelValues, stripsSegmentDigits: task.entities.stripSegmentDigits)
    return { _, layout in SentenceParser(layout: layout, split: split, tags: tags) }
  }

  /// The parser of questions about passages.
  func questionParser(_ split: DataSplit) throws(DatasetError) -> (String, RowLayout) -> QuestionParser {
    try check { $0 is QuestionAnswering }
    let (settings, stripsIDs) = (task.questions, task.isScoredAsCMRC)
    return { path, layout in
      QuestionParser(path: path, layout: layout, split: split, settings: settings, stripsIDs: stripsIDs)
    }
  }

  func file(_ split: DataSplit, _ part: String?) throws(DatasetError) -> DataFile {
    if split == .validation, part == nil, holdsOut, let file = task.trainFile { return file }
    if let file = task.file(for: split, part: part) { return file }
    throw .missingSplit(task: task.name, split: split.rawValue + (part.map { "_" + $0 } ?? ""))
  }

  func path(of file: DataFile) -> String {
    let isAbsolute = file.path.hasPrefix("/")
    let url = isAbsolute ? URL(filePath: file.path) : folder.appending(path: file.path)
    return url.path(percentEncoded: false)
  }

  /// Whether validation rows are a share of the training file.
  var holdsOut: Bool { task.heldOut != nil && task.validationFile == nil }

  private func dataset<Parser: RowParser>(
    _ split: DataSplit, _ part: String?, _ parser: (String, RowLayout) -> Parser
  ) throws(DatasetError) -> Dataset<Parser.Row> where Parser.Row: HeldOutRow {
    let file = try file(split, part)
    let path = path(of: file)
    let layout = task.layout(of: file)
    let bytes = try Self.bytes(path)
    if layout.format != .squad, layout.format != .json, let fault = FileContents.lineEndFault(bytes) {
      throw .unreadableFile(path: path, reason: fault)
    }
    var rows = parser(path, layout)
    let dataset = try rows.rows(of: bytes, path: path)
    if badRows == .fail && !dataset.report.faults.isEmpty {
      throw .badRows(path: path, report: dataset.report)
    }
    guard !dataset.examples.isEmpty else { throw .emptyFile(path: path) }
    guard holdsOut, part == nil, let share = task.heldOut, split == .train || split == .validation else {
      return dataset
    }
    let result = dataset.part(split, by: share)
    guard !result.examples.isEmpty else { throw Self.nothingHeldOut(path) }
    return result
  }

  static func nothingHeldOut(_ path: String) -> DatasetError {
    .unreadableFile(
      path: path,
      reason: "it has one row, of which none can be held out to score on; give --validation-file")
  }

  /// Those of some texts that the training file has too; it may be larger than memory, what is scored is not.
  private func contentsOfTraining(among own: Set<String>) throws(DatasetError) -> Set<String> {
    var shared: Set<String> = []
    do {
      try stream(.train, textParser(.train, numbersRows: false)) { rows in
        shared.formUnion(rows.lazy.map(Self.content).filter(own.contains))
      }
    } catch let error as DatasetError {
      throw error
    } catch {
      throw .unreadableFile(path: path(of: try file(.train, nil)), reason: "\(error)")
    }
    return shared
  }

  private static func content(_ example: TextExample) -> String {
    // A tab cannot be part of a TSV text, so it keeps a pair apart from one long text.
    guard let pair = example.pair else { return trimmed(example.text) }
    return trimmed(example.text) + "\t" + trimmed(pair)
  }

  private static func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  static func bytes(_ path: String) throws(DatasetError) -> [UInt8] {
    do {
      return try FileContents.rows(path)
    } catch .cannotRead(_, let reason) where FileManager.default.fileExists(atPath: path) {
      throw .unreadableFile(path: path, reason: FileContents.refusal(path) ?? reason)
    } catch {
      throw .unreadableFile(path: path, reason: reason(path))
    }
  }

  /// Reason why a file cannot be read, in words that help more than the system's.
  static func reason(_ path: String) -> String {
    let manager = FileManager.default
    if manager.fileExists(atPath: path) {
      return FileContents.refusal(path) ?? "the system denies access"
    }
    let parent = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
    guard let names = try? manager.contentsOfDirectory(atPath: parent) else {
      return "the folder \(parent) does not exist; give the folder of the data set with --data"
    }
    let listed = names.sorted().prefix(10).joined(separator: ", ")
    return "no such file; the folder holds \(names.isEmpty ? "nothing" : listed). "
      + "Give the folder of the data set with --data, or correct the path in the task definition"
  }
}

extension TaskReader {
  /// Reads one split of any task but a masked language model's, whose text is streamed.
  ///
  /// - Parameter part: The name of a further file of the split, such as `mismatched`; nil for its main file.
  /// - Returns: The rows, the path of their file, and for people how many there are, and what was left out or repaired.
  ///
  /// Throws as `read`.
  public func readExamples(
    _ split: DataSplit, part: String? = nil
  ) throws(DatasetError) -> (examples: TaskExamples, path: String, note: String) {
    let rows = try task.kind.family.read(split, part: part, by: self)
    return (rows.examples, rows.path, rows.note)
  }
}

extension TaskDefinition {
  /// The file of a split, nil when the task names none.
  ///
  /// - Parameter part: The name of a further file of the split, such as `mismatched`; nil for its main file.
  public func file(for split: DataSplit, part: String? = nil) -> DataFile? {
    if let part { return extraFiles["\(split.rawValue)_\(part)"] }
    return switch split {
    case .train: trainFile
    case .validation: validationFile
    case .test: testFile
    case .unlabelled: unlabelledFile
    }
  }

  /// The names of the further files of a split, sorted: `["mismatched"]` for the validation split of MNLI.
  public func parts(of split: DataSplit) -> [String] {
    let prefix = split.rawValue + "_"
    return extraFiles.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
  }
}
