import ArgumentParser
import CommandOptions
import Datasets
import Distillation
import Foundation
import ModelFormats
import Tasks
import Terminal
import Training

/// Command `potstill train`.
package struct TrainCommand: RecipeCommand, RankedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Fine-tune a model on a task.",
    discussion: """
      Starts from a Hugging Face directory or a name on its hub; a missing head starts fresh. The run folder receives the checkpoint, \
      metrics.jsonl, all_results.json and recipe.yaml, the options that were really used.

        potstill train --task sst2 --data SST-2/ --model MODEL_DIR --output teacher/
        potstill train recipe.yaml --learning_rate 3e-5

      A recipe is a YAML or JSON file whose keys are these options with underscores; flags win over it.
      """)

  @Argument(help: "A recipe: these options in a YAML or JSON file.", completion: .file())
  package var recipe: String?

  @OptionGroup(title: "Model")
  package var start: ModelOption

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @OptionGroup(title: "Run")
  package var plan: DryRunOption

  @OptionGroup(title: "Run")
  package var rows: RowStorageOption

  @OptionGroup(title: "Training")
  package var training: TrainingOptions

  @Flag(help: "Print the plan or the results as one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    let prepared = try prepared(console)
    if plan.dryRun {
      console.result(
        prepared, lines: prepared.plan.linesWithWarnings, json: json, warnings: prepared.warnings)
      return
    }
    var options = try task.given()
    options["model"] = start.model.map { .string($0) }
    options["tokenized_dir"] = rows.tokenizedDir.map { .string($0) }
    options["output"] = output.output.map { .string($0) }
    let result = try console.run(
      prepared,
      recipe: ResolvedRecipe.yaml(command: "train", [options, training.recipe(prepared.job.training)]),
      inputs: [start.model].compactMap { $0 } + task.inputs, showsPlan: false)
    console.note("checkpoint and results are in \(result.folder.path)")
    console.result(result, json: json)
  }

  /// The job that the options describe, read and checked.
  ///
  /// - Throws: `UsageError` for options that are missing; what reading throws.
  func prepared(_ console: Console) throws -> PreparedJob {
    var missing = MissingOptions()
    let model = missing.require(start.model, "--model", "the Hugging Face directory to start from")
    if !plan.dryRun { _ = missing.require(output.output, "--output", "the run folder") }
    task.require(&missing)
    try missing.check()
    try general.apply(to: console)
    let reader = try task.open(console)
    var job = DistillationJob(
      [JobTask(reader)], student: JobStudent(model),
      training: try training.config(for: reader.task, canEvaluate: reader.task.hasValidation))
    try output.apply(to: &job, training)
    job.rowStorage = rows.storage
    return try job.prepare(console, isDryRun: plan.dryRun)
  }
}
