import ArgumentParser
import Cluster
import CommandOptions
import Datasets
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Terminal
import Training

extension DataSplit: ExpressibleByArgument {}

/// Command `potstill evaluate`.
package struct EvaluateCommand: ConsoleCommand, RankedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Score a model on a task.",
    discussion: """
      Prints the task's metrics, the loss and the speed, the scores of each label or type of entities, and how often each \
      label was taken for each.

        potstill evaluate --task sst2 --data SST-2/ --model student/
        potstill evaluate --task squad --data SQuAD/ --model qa/ --output answers/
      """)

  @OptionGroup(title: "Model")
  package var trained: TrainedModelOption

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @Option(help: "Which part of the data.")
  package var split: DataSplit = .validation

  @Option(
    help: ArgumentHelp(
      "A further file of that part, by its name in the task (MNLI's mismatched).", valueName: "name"))
  package var part: String?

  @Option(
    help: ArgumentHelp(
      "Also write the predictions (predictions.json, .txt or .tsv, by the kind of task; predictions.jsonl with texts and probabilities) and all_results.json there; then the part needs no labels.",
      valueName: "folder"), completion: .directory)
  package var output: String?

  @Flag(help: "Write into a folder that holds files already.")
  package var overwriteOutputDir = false

  @Option(help: ArgumentHelp("Evaluate on the first so many examples only.", valueName: "n"))
  package var maxEvalSamples: Int?

  @Flag(help: "Print one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func validate() throws {
    try CountOption.checkSamples(maxEvalSamples, "--max-eval-samples")
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console)
    let target = try output.map { try OutputFolder($0, overwrite: overwriteOutputDir) }
    let reader = try task.open(console, model: trained.model)
    let folder = try TokenizedModel(trained.model, for: reader.task.kind, console: console)
    let data = try EvaluationData(
      reader, split: split, part: part, limit: maxEvalSamples, needsLabels: output == nil, listener: console)
    _ = folder.lengthLimit(reader.task.maxSequenceLength, listener: console)
    let evaluation = try data.evaluate(folder, over: Ranks.process, listener: console)
    let result = evaluation.result
    if let doubt = result.doubt { console.warn(doubt) }
    if let target, Ranks.process.isFirst {
      try target.create()
      try OlderRun(target.url).removePredictions()
      try evaluation.writePredictions(to: target.url)
      try evaluation.writeRows(data.examples, to: target.url)
      try JSONValue.object(result.json).write(to: target.url.appending(path: "all_results.json"))
      let inputs = [ProvenanceInput("model", trained.model)] + reader.provenance(of: [split], part: part)
      try ProvenanceRecord(
        in: target.url, of: ProvenanceInput.named(inputs, by: task.inputs), by: console.invocation
      ).add(OlderRun.evaluationFiles)
      console.note("predictions and results are in \(target.url.relativePath)")
    }
    let report = try evaluation.report(on: data.examples)
    if json {
      var object = result.json
      object["report"] = report.map { .object($0.json) }
      return console.result(JSONValue.object(object).prettyText)
    }
    console.result(ResultTable.of(result.json))
    if let report {
      console.result("")
      console.result(report.table)
      if let matrix = report.matrixTable {
        console.result("")
        console.result(matrix)
      }
    }
  }
}
