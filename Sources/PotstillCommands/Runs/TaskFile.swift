import Foundation
import TaskData
import Yams

/// Reads the YAML file of a task.
enum TaskFile {
  static func read(_ url: URL) throws -> TaskDefinition {
    let text: String
    do { text = try String(contentsOf: url, encoding: .utf8) } catch {
      throw TaskDataError.unreadableFile(path: url.path, reason: error.localizedDescription)
    }
    do {
      return try YAMLDecoder().decode(TaskDefinition.self, from: text)
    } catch let error as TaskDataError {
      throw error
    } catch {
      throw TaskDataError(decoding: error, path: url.path)
    }
  }
}
