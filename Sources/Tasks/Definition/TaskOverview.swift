public import Foundation
public import ModelFormats

/// Overview of a task for who looks for one: what it asks, its files, and where its data set is.
public struct TaskOverview: Sendable {
  /// Name by which `--task` finds it.
  public let name: String
  private let task: TaskDefinition
  private let folder: URL?

  /// An overview of a task.
  ///
  /// - Parameters:
  ///   - name: The name of its file; nil for its own.
  ///   - folder: The folder in which its files are looked for; nil looks for none.
  public init(_ task: TaskDefinition, name: String? = nil, folder: URL? = nil) {
    (self.task, self.folder) = (task, folder)
    self.name = name ?? task.name
  }

  /// Name, kind, language and summary.
  public var row: [String] { [name, task.kind.rawValue, task.language ?? "", task.summary ?? ""] }

  /// Files by the key that names them, in the order of task files.
  private var files: [(key: String, file: DataFile)] {
    let named: [(String, DataFile?)] = [
      ("train_file", task.trainFile), ("validation_file", task.validationFile), ("test_file", task.testFile),
      ("unlabelled_file", task.unlabelledFile),
    ]
    return named.compactMap { key, file in file.map { (key, $0) } }
      + task.extraFiles.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// Whether a file is in the folder; nil where no folder is given.
  private func isThere(_ file: DataFile) -> Bool? {
    folder.map { FileManager.default.fileExists(atPath: $0.appending(path: file.path).path) }
  }

  /// The overview for people: a name and a value a line.
  public var facts: [(name: String, value: String)] {
    var facts = [("task", name), ("about", task.summary ?? ""), ("kind", task.kind.rawValue)]
    facts.append(("language", task.language ?? ""))
    let labels = task.labels.prefix(12).joined(separator: ", ") + (task.labels.count > 12 ? ", …" : "")
    facts.append(("labels", task.labels.isEmpty ? "" : "\(task.labels.count): \(labels)"))
    facts.append(("metrics", task.metrics.joined(separator: ", ")))
    facts.append(("longest input", "\(task.maxSequenceLength) tokens"))
    if let id = task.datasetName {
      let configuration = task.datasetConfigName.map { ", configuration \($0)" } ?? ""
      facts.append(("data set", "https://huggingface.co/datasets/\(id)\(configuration)"))
    }
    for (key, file) in files {
      let state = isThere(file).map { $0 ? " (there)" : " (missing)" } ?? ""
      facts.append((key, file.path + state))
    }
    return facts.filter { !$0.1.isEmpty }
  }

  /// The overview for machines.
  public var json: JSONObject {
    var object = JSONObject()
    object["task"] = .string(name)
    object["description"] = task.summary.map { .string($0) }
    object["kind"] = .string(task.kind.rawValue)
    object["language"] = task.language.map { .string($0) }
    object["labels"] = .array(task.labels.map { .string($0) })
    object["metrics"] = .array(task.metrics.map { .string($0) })
    object["max_seq_length"] = .integer(task.maxSequenceLength)
    object["dataset_name"] = task.datasetName.map { .string($0) }
    object["dataset_config_name"] = task.datasetConfigName.map { .string($0) }
    object["files"] = .array(
      files.map { key, file in
        var entry = JSONObject()
        entry["key"] = .string(key)
        entry["path"] = .string(file.path)
        entry["exists"] = isThere(file).map { .bool($0) }
        return .object(entry)
      })
    return object
  }
}
