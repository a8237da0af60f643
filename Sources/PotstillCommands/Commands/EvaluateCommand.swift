import ArgumentParser
import ModelFormats
import TaskData
import Training

extension DataSplit: ExpressibleByArgument {}

/// `potstill evaluate`.
package struct EvaluateCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Score a classifier on a task.",
    discussion: """
      Prints the task's metrics, the loss and the speed.

        potstill evaluate --task sst2 --data SST-2/ --model student/
      """)

  @Option(help: ArgumentHelp("A Hugging Face directory with a classifier.", valueName: "folder"))
  package var model: String

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @Option(help: "Which part of the data.")
  package var split: DataSplit = .validation

  @Option(help: ArgumentHelp("Evaluate on the first so many examples only.", valueName: "n"))
  package var maxEvalSamples: Int?

  @Flag(help: "Print one JSON object.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console)
    let reader = try task.open(console)
    let folder = try ClassifierFolder(model, needsHead: true)
    let data = try EvaluationData(reader, split: split, limit: maxEvalSamples, console: console)
    let result = try data.evaluate(folder, console: console).result
    console.result(
      json ? JSONValue.object(result.json).prettyText : nil, orTable: ResultTable.of(result.json))
  }
}
