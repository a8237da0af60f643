public import Datasets
public import Foundation
import TaskFiles

/// Catalogue of tasks: where `--task NAME` looks for `NAME.yaml`.
///
/// The YAML files of `tasks/` are the only source of the built-in tasks. They are looked for in the folders that
/// `POTSTILL_TASKS` names, in `tasks/` of the working directory, and beside the executable: `share/potstill/tasks` next to
/// its `bin` folder and `tasks/` of each folder above it (a build inside the repository). The files as they were
/// when the program was built are compiled in and come last.
public struct TaskCatalog: Sendable {
  /// The folders in the order of the search; some may not exist.
  public let folders: [URL]

  /// The files that are compiled in, by name.
  private var builtIn: [String: [UInt8]] = [:]

  /// A catalogue of exactly these folders.
  public init(folders: [URL]) { self.folders = folders }

  /// The catalogue of the tasks that are compiled in.
  public static let builtIn: TaskCatalog = {
    var catalog = TaskCatalog(folders: [])
    catalog.builtIn = TaskFiles.all
    return catalog
  }()

  /// The catalogue of a program: folders, then what is compiled in.
  ///
  /// - Parameters:
  ///   - environment: where `POTSTILL_TASKS` is looked up; several folders are separated by colons.
  ///   - executable: the path of the running program, nil to leave the folders around it out.
  public init(environment: [String: String], workingDirectory: URL, executable: URL?) {
    var folders: [URL] = []
    for path in (environment["POTSTILL_TASKS"] ?? "").split(separator: ":") {
      folders.append(URL(filePath: String(path), directoryHint: .isDirectory, relativeTo: workingDirectory))
    }
    folders.append(workingDirectory.appending(path: "tasks"))
    if let executable {
      var folder = executable.resolvingSymlinksInPath().deletingLastPathComponent()
      folders.append(folder.deletingLastPathComponent().appending(path: "share/potstill/tasks"))
      for _ in 0..<6 where folder.pathComponents.count > 1 {
        folders.append(folder.appending(path: "tasks"))
        folder = folder.deletingLastPathComponent()
      }
    }
    self.init(folders: folders)
    builtIn = TaskFiles.all
  }

  /// The task given by name, or by the path of a YAML file.
  ///
  /// - Throws: The errors of `url(for:)` and of `TaskDefinition(contentsOf:)`.
  public func definition(of task: String) throws -> TaskDefinition {
    do {
      return try TaskDefinition(contentsOf: try url(for: task))
    } catch DatasetError.unknownTask(_, let searched, _) {
      for name in Self.spellings(of: task) {
        guard let bytes = builtIn[name] else { continue }
        return try TaskDefinition(yaml: String(decoding: bytes, as: UTF8.self), path: "tasks/\(name).yaml")
      }
      throw DatasetError.unknownTask(name: task, searched: searched, known: names)
    }
  }

  /// The file of a task given by name, or by the path of a YAML file.
  ///
  /// Throws `DatasetError.unknownTask` with the folders searched and the names found there.
  public func url(for task: String) throws(DatasetError) -> URL {
    let manager = FileManager.default
    if task.contains("/") || task.hasSuffix(".yaml") || task.hasSuffix(".yml") {
      let url = URL(filePath: task)
      if manager.fileExists(atPath: url.path(percentEncoded: false)) { return url }
      throw .unreadableFile(path: task, reason: "no such file, expected the YAML definition of a task")
    }
    for folder in folders {
      for spelling in Self.spellings(of: task) {
        let url = folder.appending(path: spelling + ".yaml")
        if manager.fileExists(atPath: url.path(percentEncoded: false)) { return url }
      }
    }
    let searched = folders.map { $0.path(percentEncoded: false) }
    throw .unknownTask(name: task, searched: searched, known: names)
  }

  /// The names that a task may be meant by: GLUE's own spelling has a hyphen (SST-2), Hugging Face's has none (sst2).
  private static func spellings(of task: String) -> [String] {
    let name = task.lowercased()
    return [task, name, name.filter { $0 != "-" && $0 != "_" }]
  }

  /// The names of all tasks in the folders and in the program, sorted.
  public var names: [String] {
    var names = Set(builtIn.keys)
    for folder in folders {
      let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path(percentEncoded: false))
      for file in files ?? [] where file.hasSuffix(".yaml") { names.insert(String(file.dropLast(5))) }
    }
    return names.sorted()
  }
}

/// Error of a model, its tokenizer or its rows that do not go together: what was found, what was expected, what to do.
public struct TaskError: Error, CustomStringConvertible {
  /// The message.
  public let description: String

  /// An error with a message.
  public init(_ description: String) { self.description = description }
}
