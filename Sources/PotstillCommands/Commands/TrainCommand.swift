import ArgumentParser
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tensors
import Training

/// `potstill train`.
package struct TrainCommand: RecipeCommand {
  package static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Fine-tune a model on a task.",
    discussion: """
      Starts from a Hugging Face directory; a missing head starts fresh. The run folder receives the checkpoint, \
      metrics.jsonl, all_results.json and recipe.yaml, the options that were really used.

        potstill train --task sst2 --data SST-2/ --model MODEL_DIR --output teacher/
        potstill train recipe.yaml --learning_rate 3e-5

      A recipe is a YAML or JSON file whose keys are these options with underscores; flags win over it.
      """)

  @Argument(help: "A recipe: these options in a YAML or JSON file.")
  package var recipe: String?

  @Option(help: ArgumentHelp("The Hugging Face directory to start from.", valueName: "folder"))
  package var model: String?

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @OptionGroup(title: "Training")
  package var training: TrainingOptions

  @Flag(help: "Print the results as one JSON object.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    var missing = MissingOptions()
    let modelPath = missing.require(model, "--model", "the Hugging Face directory to start from")
    let outputPath = missing.require(output.output, "--output", "the run folder")
    _ = missing.require(task.task, "--task", "a name or a YAML file")
    _ = missing.require(task.data, "--data", "the folder of its files")
    try missing.check()
    try general.apply(to: console)
    let folder = try output.folder(outputPath, of: training)
    let reader = try task.open(console)
    let config = try training.config(for: reader.task, canEvaluate: reader.task.validationFile != nil)
    let data = try RunData(reader, training: training, console: console)
    let trained = try TokenizedModel(modelPath, toTrain: reader.task, seed: config.seed)
    if let report = trained.model.loadReport { console.note("\(modelPath): \(report)") }

    var options = try task.given()
    options["model"] = .string(modelPath)
    options["output"] = .string(outputPath)
    let run = try RunFolder(
      folder, recipe: ResolvedRecipe.yaml(command: "train", [options, training.recipe(config)]),
      resuming: training.resumePoint(in: folder.url), inputs: [modelPath] + task.inputs)
    defer { run.release() }
    trained.noteRepeatedTokens(on: console)
    _ = trained.lengthLimit(reader.task.maxSequenceLength, console: console)
    let validation = try data.validation.map { try trained.encode($0, of: reader.task) }
    let origin = RunOrigin(
      model: Parameter.fingerprint(of: trained.model.parameters),
      validation: validation.map { EncodedExample.fingerprint(of: $0.examples) })
    let trainer = TaskTrainer(
      model: trained.model, train: try trained.encode(data.train, of: reader.task).examples,
      validation: validation, config: config, checkpoints: run.checkpoints(of: trained, origin: origin),
      observers: [run.beginning, run.log, TrainingView(console), SignalWatch(console)])
    _ = try trainer.train(resumingFrom: training.resumePoint(in: folder.url))
    let evaluation = try trainer.evaluate()
    try evaluation?.writePredictions(to: folder.url, prefix: "eval")
    let results = try run.finish(trained, evaluation: evaluation?.result)
    console.note("checkpoint and results are in \(outputPath)")
    console.result(json ? JSONValue.object(results).prettyText : nil, orTable: ResultTable.of(results))
  }
}
