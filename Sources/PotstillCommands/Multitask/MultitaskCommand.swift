import ArgumentParser
import CommandOptions
import Datasets
import Distillation
import Encoders
import Foundation
import ModelFormats
import Tasks
import Terminal
import Training

/// Command `potstill multitask`.
package struct MultitaskCommand: RecipeCommand, RankedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "multitask",
    abstract: "Distil the teachers of several tasks into one student.",
    discussion: """
      The student is one encoder with a head for each task. Every update is of one task, drawn with a chance proportional \
      to its weight times its number of examples to the power of --tau. An epoch has as many updates as one pass over all \
      data takes. The tasks stand in a recipe:

        student: T3
        output: student/
        num_train_epochs: 3
        tasks:
          - {task: sst2, data: SST-2/, teacher: sst2-teacher/}
          - {task: stsb, data: STS-B/, teacher: stsb-teacher/, weight: 2, distillation: {hard_label_weight: 0.5}}
          - {task: rte, data: RTE/}

        potstill multitask recipe.yaml --dry-run

      An entry takes task, data, teacher, teacher_cache, weight, name, train_file, validation_file, unlabelled_file, max_seq_length, \
      skip_bad_rows, doc_stride and so on, and in distillation what the options below say of all tasks. A task without a teacher is learnt from its \
      labels; without any teacher this is multi-task training of the model that --student names. The student of each task \
      is saved as a folder of its own, complete, in the output folder. Hyper-parameters that suit single tasks are not read \
      from their files.
      """)

  @Argument(help: "A recipe: these options in a YAML or JSON file.", completion: .file())
  package var recipe: String?

  @OptionGroup(title: "Tasks and student")
  package var start: MultitaskOptions

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @OptionGroup(title: "Run")
  package var plan: DryRunOption

  @OptionGroup(title: "Run")
  package var rows: RowStorageOption

  @OptionGroup(title: "Run")
  package var comparison: BaselineOption

  @OptionGroup(title: "Distillation")
  package var distillation: DistillationOptions

  @OptionGroup(title: "Training")
  package var training: TrainingOptions

  @OptionGroup(title: "Teachers' answers")
  package var caching: CachingOptions

  @Flag(help: "Print the plan or the results as one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    var missing = MissingOptions()
    if start.tasks == nil { _ = missing.require(nil, "--tasks", "a list, best in a recipe") }
    _ = missing.require(start.student, "--student", "such as T3, T4-tiny or a directory")
    if !plan.dryRun { _ = missing.require(output.output, "--output", "the run folder") }
    try missing.check()
    try general.apply(to: console)
    let list = try start.tasks?.value(of: "tasks") ?? []
    let entries = try TaskEntry.read(list)
    let job = try job(entries, console)
    let prepared = try job.prepare(console, isDryRun: plan.dryRun)
    if plan.dryRun {
      console.result(
        prepared, lines: prepared.plan.lines, json: json, warnings: prepared.plan.warnings + prepared.warnings
      )
      return
    }
    let recipe = ResolvedRecipe.yaml(
      command: "multitask",
      [
        options(list), DistillationOptions.recipe(try distillation.json()), try training.recipe(job.training),
      ])
    let result = try console.run(prepared, recipe: recipe, inputs: entries.flatMap(\.inputs))
    console.note("a student for each task and the results are in \(result.folder.path)")
    console.result(result, json: json, titles: true)
  }

  /// The job that the options and the entries describe.
  private func job(_ entries: [TaskEntry], _ console: Console) throws -> DistillationJob {
    let tasks = try entries.map { entry in
      var task = JobTask(
        try entry.options.open(console, unlabelledFile: entry.unlabelledFile), name: entry.name)
      if entry.hasTeacher {
        task.teachers = [
          JobTeacher(entry.teacher, cache: entry.teacherCache, precision: start.held.precision)
        ]
      }
      task.distillation = try distillation.config(overriddenBy: entry.distillation)
      task.keepsAnswers =
        entry.distillation["cache_teacher_logits"]?.boolValue ?? distillation.cacheTeacherLogits
      task.weight = entry.weight
      return task
    }
    var job = DistillationJob(
      tasks, student: JobStudent(start.student ?? ""),
      training: try TrainingConfig(
        for: tasks.map { (name: $0.name, task: $0.definition) }, overrides: try training.given()),
      isMultitask: true)
    try output.apply(to: &job, training)
    job.rowStorage = rows.storage
    if plan.dryRun { job.output = nil }
    job.tau = start.tau ?? job.tau
    job.hasBaseline = comparison.baseline
    job.maxCacheGB = caching.maxCacheGb
    job.allowsNonFinite = console.allowsNonFinite
    return job
  }

  private func options(_ list: JSONValue) -> JSONObject {
    var options = JSONObject()
    options["tasks"] = list
    options["student"] = start.student.map { .string($0) }
    options["teacher_precision"] = start.held.teacherPrecision.map { .string($0.rawValue) }
    options["tau"] = start.tau.map { .double($0) }
    options["tokenized_dir"] = rows.tokenizedDir.map { .string($0) }
    options["max_cache_gb"] = caching.maxCacheGb.map { .double($0) }
    if comparison.baseline { options["baseline"] = true }
    options["output"] = output.output.map { .string($0) }
    return options
  }
}
