import CommandOptions
import Foundation
import ModelFormats
import PotstillCommands
import Tasks

/// Targets of what people write to say what shall be done: recipes and task files.
enum SettingTargets {
  /// A recipe of the commands that take most options.
  static func recipe(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    let path = try folder.write(bytes, "recipe.yaml").path
    let recipe = try RecipeFile(path: path)
    var failure: (any Error)?
    var isRead = false
    for command in ["distill", "pretrain"] {
      do {
        _ = try recipe.spelled(for: command)
        isRead = true
      } catch {
        failure = error
      }
    }
    if let failure, !isRead { throw failure }
  }

  /// A task file, and what is printed of it.
  static func task(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    let task = try TaskDefinition(contentsOf: folder.write(bytes, "task.yaml"))
    try task.validate()
    _ = try task.commentedYAML([])
    _ = TaskReader(task: task, folder: folder.url).paths
  }
}
