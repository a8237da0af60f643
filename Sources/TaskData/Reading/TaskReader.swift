public import Foundation

/// Reads the files of a task from a data folder.
public struct TaskReader: Sendable {
  /// The task.
  public let task: TaskDefinition
  /// The folder that the task's paths are relative to.
  public let folder: URL
  /// What to do with rows that cannot be used.
  public let badRows: BadRowPolicy

  /// A reader of a task whose files lie in a folder.
  public init(task: TaskDefinition, folder: URL, badRows: BadRowPolicy = .fail) {
    self.task = task
    self.folder = folder
    self.badRows = badRows
  }

  /// Reads one split.
  ///
  /// Throws `TaskDataError` when the task names no such file, the file or a column is missing, a row is bad (unless
  /// bad rows are skipped) or no usable row is left.
  public func read(_ split: DataSplit) throws(TaskDataError) -> TextDataset {
    try task.validate()
    var dataset = try readFile(of: split)
    if task.dropTrainDuplicates && (split == .validation || split == .test) && task.trainFile != nil {
      let known = Set(try readFile(of: .train).examples.map(Self.content))
      let before = dataset.count
      dataset.examples.removeAll { known.contains(Self.content($0)) }
      dataset.trainDuplicateCount = before - dataset.count
    }
    guard !dataset.examples.isEmpty else { throw .emptyFile(path: dataset.path) }
    return dataset
  }

  private func readFile(of split: DataSplit) throws(TaskDataError) -> TextDataset {
    guard let file = task.file(for: split) else {
      throw .missingSplit(task: task.name, split: split.rawValue)
    }
    let isAbsolute = file.path.hasPrefix("/")
    let url = isAbsolute ? URL(filePath: file.path) : folder.appending(path: file.path)
    let path = url.path(percentEncoded: false)
    let bytes = try Self.bytes(path)
    let dataset = try TextDataset(
      parsing: bytes, path: path, layout: task.layout(of: file), task: task, split: split)
    if badRows == .fail && !dataset.report.faults.isEmpty {
      throw .badRows(path: path, report: dataset.report)
    }
    return dataset
  }

  private static func content(_ example: TextExample) -> String {
    // A tab cannot be part of a TSV text, so it keeps a pair apart from one long text.
    guard let pair = example.pair else { return trimmed(example.text) }
    return trimmed(example.text) + "\t" + trimmed(pair)
  }

  private static func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static func bytes(_ path: String) throws(TaskDataError) -> [UInt8] {
    do {
      return Array(try Data(contentsOf: URL(filePath: path)))
    } catch {
      throw .unreadableFile(path: path, reason: reason(path))
    }
  }

  /// Why a file cannot be read, in words that help more than the system's.
  private static func reason(_ path: String) -> String {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    if manager.fileExists(atPath: path, isDirectory: &isFolder) {
      return isFolder.boolValue ? "it is a folder, expected a file" : "the system denies access"
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
