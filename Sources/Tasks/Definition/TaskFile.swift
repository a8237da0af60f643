import Datasets
public import Foundation
import ModelFormats
import Yams

extension TaskDefinition {
  /// Reads the YAML file of a task.
  ///
  /// - Throws: `YAMLError` for a file that is no YAML, `DatasetError` for one that defines no task.
  public init(contentsOf url: URL) throws {
    let path = url.relativePath
    try self.init(yaml: YAMLFile.text(path, expected: "the definition of a task in YAML"), path: path)
  }

  /// Reads the YAML text of a task; errors name it by its path.
  ///
  /// - Throws: `YAMLError` for a text that is no YAML, `DatasetError` for one that defines no task.
  init(yaml text: String, path: String) throws {
    guard let root = try YAMLFile.document(text, path: path), case .mapping = root else {
      throw TaskError(
        "\(path):1: found no keys, expected the definition of a task, with lines such as 'name: my-task'")
    }
    do {
      self = try YAMLDecoder().decode(TaskDefinition.self, from: text)
    } catch {
      let error = DatasetError(decoding: error, path: path)
      guard case .invalidTask(let name, let faults, nil) = error else { throw error }
      throw DatasetError.invalidTask(name: name, faults: faults, file: path)
    }
  }
}
