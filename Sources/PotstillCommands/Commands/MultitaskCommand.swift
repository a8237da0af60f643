import ArgumentParser
import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Training

/// `potstill multitask`.
package struct MultitaskCommand: RecipeCommand {
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

      An entry takes task, data, teacher, weight, name, train_file, validation_file, unlabelled_file, max_seq_length, \
      skip_bad_rows, and in distillation what the options below say of all tasks. A task without a teacher is learnt from its \
      labels; without any teacher this is multi-task training of the model that --student names. The student of each task \
      is saved as a folder of its own, complete, in the output folder. Hyper-parameters that suit single tasks are not read \
      from their files.
      """)

  @Argument(help: "A recipe: these options in a YAML or JSON file.")
  package var recipe: String?

  @Option(help: ArgumentHelp("The tasks as a JSON list; a recipe holds them as a list.", valueName: "list"))
  package var tasks: String?

  @Option(
    help: ArgumentHelp(
      "T6, T3 (any T<n>), uniform:3, last:3, first:3 or layers:0,5,11 of the first teacher, T3-small, T4-tiny, T12-nano, "
        + "BiGRU, BiLSTM, CNN, or a Hugging Face directory.",
      valueName: "student"))
  package var student: String?

  @Option(help: "Power of the tasks' sizes in their chance: 1 draws in proportion, 0 evenly (default: 1).")
  package var tau: Double?

  @Flag(help: "Check everything, print the plan of each task and stop.")
  package var dryRun = false

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @OptionGroup(title: "Distillation")
  package var distillation: DistillationOptions

  @OptionGroup(title: "Training")
  package var training: TrainingOptions

  @Flag(help: "Print the plan or the results as one JSON object.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    var missing = MissingOptions()
    let list = missing.require(tasks, "--tasks", "a list, best in a recipe")
    let name = missing.require(student, "--student", "such as T3, T4-tiny or a directory")
    let outputPath = dryRun ? "" : missing.require(output.output, "--output", "the run folder")
    try missing.check()
    try general.apply(to: console)
    let folder = try dryRun ? nil : OutputFolder(outputPath, overwrite: output.overwriteOutputDir)
    let entries = try TaskEntry.read(list)
    let run = try MultitaskRun(
      entries, student: name, tau: tau ?? 1, distillation: distillation, training: training, console: console)
    guard let folder else {
      console.result(json ? run.planJSON.prettyText : run.planLines.joined(separator: "\n"))
      return
    }
    for warning in run.warnings { console.warn("\(warning)") }
    var options = JSONObject()
    options["tasks"] = try JSONValue(parsing: list, file: "tasks")
    options["student"] = .string(name)
    options["tau"] = tau.map { .double($0) }
    options["output"] = .string(outputPath)
    let runFolder = try RunFolder(
      folder,
      recipe: ResolvedRecipe.yaml(
        command: "multitask",
        [options, DistillationOptions.recipe(try distillation.json()), try training.recipe(run.training)]))
    try run.distiller.train(
      config: run.training,
      checkpoints: run.training.saveStrategy == .never ? nil : CheckpointFolder(folder.url),
      observers: [runFolder.log, TrainingView(console)], resumingFrom: training.checkpoint(in: folder.url))
    try finish(run, runFolder.log, console)
  }

  /// Saves the student of each task, measures it beside its teacher, and prints the results.
  private func finish(_ run: MultitaskRun, _ log: RunLog, _ console: Console) throws {
    var tables: [(name: String, rows: [Measurement])] = []
    for (index, member) in run.members.enumerated() {
      let name = member.entry.name
      let directory = log.directory.appending(path: name, directoryHint: .isDirectory)
      let student = run.student.folder(index, path: directory.relativePath)
      try student.save(to: directory)
      guard let validation = member.data.validation else { continue }
      let evaluation = EvaluationData(task: member.reader.task, examples: validation)
      let rows = try [member.teacher, student].compactMap { $0 }.map {
        try Measurement(of: $0, on: evaluation, console: console)
      }
      let (measured, taskLog) = (rows[rows.count - 1], try RunLog(directory))
      try taskLog.writeResults("eval", measured.evaluation)
      try measured.predictions?.write(to: directory, prefix: "eval")
      if rows.count == 2 { try taskLog.writeComparison(teacher: rows[0], student: measured) }
      tables.append((name, rows))
    }
    if !tables.isEmpty { try log.writeResults("eval", try run.distiller.evaluate().json) }
    let results =
      try JSONValue(contentsOf: log.directory.appending(path: "all_results.json")).objectValue ?? JSONObject()
    console.note("a student for each task and the results are in \(log.directory.path)")
    if json {
      console.result(JSONValue.object(results).prettyText)
      return
    }
    console.result(ResultTable.of(results))
    for (name, rows) in tables {
      console.result("\n\(name)")
      console.result(Measurement.table(rows))
    }
  }
}
