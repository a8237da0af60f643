import ArgumentParser
import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Training

/// `potstill distill`.
package struct DistillCommand: RecipeCommand {
  package static let configuration = CommandConfiguration(
    commandName: "distill",
    abstract: "Distil a teacher into a smaller student.",
    discussion: """
      The student is made of the teacher's layers (T6, T3, first:3, layers:0,5,11), starts fresh in a preset shape (T3-small, \
      T4-tiny, T12-nano) or as a small network over the teacher's word embeddings (BiGRU, BiLSTM, CNN), or comes from a \
      directory that reads the same tokens. It learns the teacher's logits, the \
      labels when --hard-label-weight is given, and what --match asks for. At the end all are measured side by side.

        potstill distill --task sst2 --data SST-2/ \\
          --teacher teacher/ --student T3 --output student/
        potstill distill --task sst2 --data SST-2/ \\
          --teacher teacher/ --student T3 --match uniform --dry-run
        potstill distill --task sst2 --data SST-2/ \\
          --teacher one/ --teacher two/ --student T3 --output student/
        potstill distill recipe.yaml

      Defaults are TextBrewer's (temperature 4, weight 1 on the logits, 0 on the labels), except that the loss on the \
      logits is multiplied by the temperature squared; --compatibility textbrewer leaves that out. A recipe is a YAML or \
      JSON file whose keys are these options with underscores; flags win over it.
      """)

  @Argument(help: "A recipe: these options in a YAML or JSON file.")
  package var recipe: String?

  @OptionGroup(title: "Teachers")
  package var teachers: TeacherOptions

  @Option(
    help: ArgumentHelp(
      "T6, T3 (any T<n>), uniform:3, last:3, first:3, layers:0,5,11, T3-small, T4-tiny, T12-nano, BiGRU, BiLSTM, CNN, or a "
        + "Hugging Face directory.",
      valueName: "student"))
  package var student: String?

  @OptionGroup(title: "Student")
  package var size: StudentOptions

  @Flag(help: "Check everything, print the plan (sizes, matched layers, steps, memory) and stop.")
  package var dryRun = false

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @Option(
    help: ArgumentHelp(
      "More texts without labels, which the teacher labels: a .txt file with one a line, or a file like the task's own (default: the task's).",
      valueName: "file"))
  package var unlabelledFile: String?

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @OptionGroup(title: "Distillation")
  package var distillation: DistillationOptions

  @OptionGroup(title: "BERT-of-Theseus")
  package var theseus: TheseusOptions

  @OptionGroup(title: "Training")
  package var training: TrainingOptions

  @Flag(help: "Print the plan or the results as one JSON object.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    var missing = MissingOptions()
    let teacherPath = missing.require(teachers.teacher.first, "--teacher", "the model to imitate")
    let studentName = missing.require(student, "--student", "such as T3, T4-tiny or a directory")
    let outputPath = dryRun ? "" : missing.require(output.output, "--output", "the run folder")
    _ = missing.require(task.task, "--task", "a name or a YAML file")
    _ = missing.require(task.data, "--data", "the folder of its files")
    try missing.check()
    try general.apply(to: console)
    let folder = try dryRun ? nil : OutputFolder(outputPath, overwrite: output.overwriteOutputDir)
    let reader = try task.open(console, unlabelledFile: unlabelledFile)
    let config = try training.config(for: reader.task, canEvaluate: reader.task.validationFile != nil)
    let distillationConfig = try distillation.config()
    let theseusConfig = try theseus.config()
    let data = try RunData(reader, training: training, readsUnlabelled: true, console: console)
    let pair = try TeacherAndStudent(
      teacherPath, studentName, size: size.size, kind: reader.task.kind, seed: config.seed)
    let order = try LabelOrder(model: pair.teacher.model, path: teacherPath, task: reader.task)
    let others = try FurtherTeachers(teachers, task: reader.task, order: order)
    let limit = min(
      pair.teacher.lengthLimit(reader.task.maxSequenceLength),
      others.lengthLimit(reader.task.maxSequenceLength),
      pair.student.lengthLimit(reader.task.maxSequenceLength))
    let examples = order.relabel(
      try pair.student.encode(data.train, of: reader.task, limit: limit).examples)
    let replacing = try theseusConfig.map {
      try TheseusRun($0, pair, others: others, distillation: distillationConfig, seed: config.seed)
    }
    if dryRun {
      let plain = { try pair.plan(distillationConfig, others: others, training: config, examples: examples) }
      let plan =
        try replacing?.plan(training: config, examples: examples)
        ?? { plan in (plan.lines, plan.json) }(plain())
      console.result(json ? plan.json.prettyText : plan.lines.joined(separator: "\n"))
      return
    }
    let distiller =
      replacing == nil
      ? try pair.distiller(distillationConfig, others: others, examples: examples, seed: config.seed) : nil
    for warning in distiller?.warnings ?? [] { console.warn("\(warning)") }
    guard let folder else { return }
    let run = try RunFolder(
      folder,
      recipe: ResolvedRecipe.yaml(
        command: "distill",
        [
          options(studentName, outputPath),
          replacing == nil ? DistillationOptions.recipe(distillationConfig) : theseus.recipe,
          training.recipe(config),
        ]))
    let validation = try data.validation.map {
      try pair.student.encode($0, of: reader.task, limit: limit)
    }
    let score = validation.map { rows in
      { try evaluateTask(pair.student.model, rows, outputs: order.outputs).result }
    }
    let (checkpoints, observers): (CheckpointFolder?, [any TrainingObserver]) = (
      run.checkpoints(of: pair.student, config), [run.log, TrainingView(console)]
    )
    let checkpoint = try training.checkpoint(in: folder.url)
    if let replacing {
      try replacing.distiller.train(
        examples, score: score, config: config, checkpoints: checkpoints, observers: observers,
        resumingFrom: checkpoint)
    } else {
      try distiller?.train(
        examples, score: score, config: config, checkpoints: checkpoints, observers: observers,
        resumingFrom: checkpoint)
    }
    try finish(run, pair, others, data, reader.task, console)
  }

  /// Saves the student, measures both models, and prints the results.
  private func finish(
    _ run: RunFolder, _ pair: TeacherAndStudent, _ others: FurtherTeachers, _ data: RunData,
    _ task: TaskDefinition, _ console: Console
  ) throws {
    var results = try run.finish(pair.student, evaluation: nil)
    var rows: [Measurement] = []
    if let validation = data.validation {
      let evaluation = EvaluationData(task: task, examples: validation)
      let path = run.log.directory.relativePath
      let student = ModelFolder(path: path, model: pair.student.model, tokenizer: pair.student.tokenizer)
      for model in [pair.teacher] + others.folders + [student] {
        rows.append(try Measurement(of: model, on: evaluation, console: console))
      }
      let measured = rows[rows.count - 1]
      try run.log.writeResults("eval", measured.evaluation)
      try measured.predictions?.write(to: run.log.directory, prefix: "eval")
      results = try run.log.writeComparison(
        teacher: rows[0], others: Array(rows.dropFirst().dropLast()), student: measured)
    }
    console.note("checkpoint and results are in \(run.log.directory.path)")
    if json {
      console.result(JSONValue.object(results).prettyText)
    } else {
      console.result(ResultTable.of(results))
      if !rows.isEmpty { console.result("") }
      if !rows.isEmpty { console.result(Measurement.table(rows)) }
    }
  }

  private func options(_ student: String, _ output: String) -> JSONObject {
    var options = task.recipe
    for (key, value) in teachers.recipe { options[key] = value }
    options["student"] = .string(student)
    size.record(in: &options)
    options["output"] = .string(output)
    options["unlabelled_file"] = unlabelledFile.map { .string($0) }
    return options
  }
}
