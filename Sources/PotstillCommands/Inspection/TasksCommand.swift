import ArgumentParser
import CommandOptions
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Command `potstill tasks`.
package struct TasksCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "tasks",
    abstract: "List the tasks that --task knows, and the data of one.",
    usage: "potstill tasks [<task>] [<options>]",
    discussion: """
      Without a name: every task with its kind and language. With one: what it asks, its files, where its data set is, and with \
      --data whether the files are there.

        potstill tasks
        potstill tasks sst2 --data SST-2/
      """)

  @Argument(help: "A task, or the YAML file of one.")
  package var task: String?

  @Option(
    help: ArgumentHelp("The folder in which its files are looked for.", valueName: "folder"),
    completion: .directory)
  package var data: String?

  @Flag(help: "Print JSON.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package func validate() throws {
    if data != nil, task == nil {
      throw ValidationError("--data is for one task; name it, as in 'potstill tasks sst2'.")
    }
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let catalog = TaskCatalog(
      environment: console.environment,
      workingDirectory: URL(filePath: FileManager.default.currentDirectoryPath),
      executable: Bundle.main.executableURL)
    if let task {
      let overview = TaskOverview(try catalog.definition(of: task), folder: data.map { URL(filePath: $0) })
      return console.result(
        json ? JSONValue.object(overview.json).prettyText : nil, orTable: TextTable(facts: overview.facts))
    }
    let overviews = try catalog.names.map { TaskOverview(try catalog.definition(of: $0), name: $0) }
    console.result(
      json ? JSONValue.array(overviews.map { .object($0.json) }).prettyText : nil,
      orTable: TextTable(
        [.text("task"), .text("kind"), .text("language"), .text("about")], overviews.map(\.row)))
  }
}
