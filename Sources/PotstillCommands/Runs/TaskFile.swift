import Foundation
import TaskData
import Tasks
import Yams

/// Reads the YAML file of a task.
enum TaskFile {
  static func read(_ url: URL) throws -> TaskDefinition {
    let path = url.relativePath
    let text = try YAMLFile.text(path, expected: "the definition of a task in YAML")
    guard let root = try YAMLFile.document(text, path: path), case .mapping = root else {
      throw CommandError(
        "\(path):1: found no keys, expected the definition of a task, with lines such as 'name: my-task'")
    }
    do {
      return try YAMLDecoder().decode(TaskDefinition.self, from: text)
    } catch let error as TaskDataError {
      throw error
    } catch {
      throw TaskDataError(decoding: error, path: path)
    }
  }
}
