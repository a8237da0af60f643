import ArgumentParser
import CommandOptions
import Datasets
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Command `potstill compare`.
package struct CompareCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Put models side by side: size, speed, score.",
    discussion: """
      Measures each model on the same examples, one after the other: sentences a second in batches, milliseconds for \
      one sentence alone (the median), and the task's metrics. The speed-up is against the first model. A second table has the \
      percentiles of these milliseconds, and the sentences a second at the best of the batch sizes 1 to 128.

        potstill compare --task sst2 --data SST-2/ teacher/ student/
      """)

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @Option(help: "Which part of the data.")
  package var split: DataSplit = .validation

  @Option(help: ArgumentHelp("Measure on the first so many examples only.", valueName: "n"))
  package var maxEvalSamples: Int?

  @Flag(help: "Print one JSON object a model.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  @Argument(help: "Hugging Face directories with models for the task.", completion: .directory)
  package var models: [String]

  package init() {}

  package mutating func validate() throws {
    try CountOption.checkSamples(maxEvalSamples, "--max-eval-samples")
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console)
    let reader = try task.open(console, model: models.first)
    let folders = try models.map { try TokenizedModel($0, for: reader.task.kind, console: console) }
    let data = try EvaluationData(reader, split: split, limit: maxEvalSamples, listener: console)
    for folder in folders { _ = folder.lengthLimit(reader.task.maxSequenceLength, listener: console) }
    let measured = try folders.map { try ModelMeasurement(of: $0, on: data, listener: console) }
    let speeds = try folders.map {
      InferenceSpeed(of: $0.model, on: try $0.encode(data.examples, of: data.task))
    }
    if json {
      for (measurement, speed) in zip(measured, speeds) {
        var object = measurement.json(comparedWith: measured[0])
        for (key, value) in speed.json { object[key] = value }
        console.result(JSONValue.object(object).compactText)
      }
    } else {
      console.result(ModelMeasurement.table(measured))
      console.result("")
      console.result(InferenceSpeed.table(zip(measured.map(\.name), speeds).map { ($0, $1) }))
    }
  }
}
