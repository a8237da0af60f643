public import Datasets
public import Foundation

/// Catalogue of tasks: where `--task NAME` looks for `NAME.yaml`.
///
/// The YAML files of `tasks/` are the only source of the built-in tasks; nothing is copied into code. They are looked for in
/// the folder that `POTSTILL_TASKS` names, in `tasks/` of the working directory, and beside the
/// executable: `tasks/` of each folder above it (a build inside the repository) and `share/potstill/tasks` next to
/// its `bin` folder (an installation). Parsing YAML is the caller's part, so that this library needs no YAML.
public struct TaskCatalog: Sendable {
  /// The folders in the order of the search; some may not exist.
  public let folders: [URL]

  /// A catalogue of exactly these folders.
  public init(folders: [URL]) { self.folders = folders }

  /// The catalogue of a program.
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
    let name = task.lowercased()
    for folder in folders {
      // GLUE's own spelling of names has a hyphen (SST-2), Hugging Face's has none (sst2).
      for spelling in [task, name, name.filter { $0 != "-" && $0 != "_" }] {
        let url = folder.appending(path: spelling + ".yaml")
        if manager.fileExists(atPath: url.path(percentEncoded: false)) { return url }
      }
    }
    let searched = folders.map { $0.path(percentEncoded: false) }
    throw .unknownTask(name: task, searched: searched, known: names)
  }

  /// The names of all tasks in the folders, sorted.
  public var names: [String] {
    var names: Set<String> = []
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
