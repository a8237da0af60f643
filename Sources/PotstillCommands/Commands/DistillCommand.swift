import ArgumentParser
import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tokenization
import Training

/// `potstill distill`.
package struct DistillCommand: RecipeCommand {
  package static let configuration = CommandConfiguration(
    commandName: "distill",
    abstract: "Distil a teacher into a smaller student.",
    discussion: """
      The student is made of the teacher's layers (T6, T3, first:3, layers:0,5,11), starts fresh in a preset shape (T3-small, \
      T4-tiny, T12-nano) or as a small network over the teacher's word embeddings (BiGRU, BiLSTM, CNN), or comes from a \
      directory. Where it reads other tokens than the teacher, each side encodes the texts itself, and what is compared \
      token by token is aligned by characters. It learns the teacher's logits, the labels when --hard-label-weight is given, and what --match asks for. At the end all are measured side by \
      side, with --baseline beside the same student without a teacher.

        potstill distill --task sst2 --data SST-2/ \\
          --teacher teacher/ --student T3 --output student/
        potstill distill --task sst2 --data SST-2/ \\
          --teacher teacher/ --student T3 --match uniform --dry-run
        potstill distill --task sst2 --data SST-2/ \\
          --teacher one/ --teacher two/ --student T3 --output student/
        potstill distill recipe.yaml

      Defaults are TextBrewer's (temperature 4, weight 1 on the logits, 0 on the labels), except that the loss on the \
      logits is multiplied by the temperature squared; --compatibility textbrewer leaves that out. With --feature-epochs \
      the layers are matched first and the predictions learnt after that, as TinyBERT does. A recipe is a YAML or \
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

  @Option(
    help: ArgumentHelp(
      "A tokenizer of its own for a student of a fresh shape (default: the teacher's).", valueName: "folder"))
  package var studentTokenizer: String?

  @OptionGroup(title: "Student")
  package var size: StudentOptions

  @Flag(help: "Check everything, print the plan (sizes, matched layers, steps, memory) and stop.")
  package var dryRun = false

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @Option(
    help: ArgumentHelp(
      "More texts without labels, which the teacher labels: a .txt file with one a line, the .jsonl of 'potstill augment', or a file like the task's own (default: the task's).",
      valueName: "file"))
  package var unlabelledFile: String?

  @OptionGroup(title: "More texts")
  package var augmentation: AugmentationOptions

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @Flag(
    help:
      "Train the same student on the labels alone too, with the same settings and seed, into baseline/ of the run folder."
  )
  package var baseline = false

  @OptionGroup(title: "Distillation")
  package var distillation: DistillationOptions

  @OptionGroup(title: "BERT-of-Theseus")
  package var theseus: TheseusOptions

  @OptionGroup(title: "Teacher's answers")
  package var caching: CachingOptions

  @OptionGroup(title: "Two stages")
  package var features: FeatureStageOptions

  @OptionGroup(title: "Training")
  package var training: TrainingOptions

  @Flag(help: "Print the plan or the results as one JSON object.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    try augmentation.check()
    try features.check()
    var missing = MissingOptions()
    if teachers.teacherCache.isEmpty {
      _ = missing.require(
        teachers.teacher.first, "--teacher", "the model to imitate, or --teacher-cache, its answers")
    }
    let studentName = missing.require(student, "--student", "such as T3, T4-tiny or a directory")
    let outputPath = dryRun ? "" : missing.require(output.output, "--output", "the run folder")
    _ = missing.require(task.task, "--task", "a name or a YAML file")
    _ = missing.require(task.data, "--data", "the folder of its files")
    try missing.check()
    try general.apply(to: console)
    let folder = try dryRun ? nil : output.folder(outputPath, of: training)
    let reader = try task.open(console, unlabelledFile: unlabelledFile)
    let config = try training.config(for: reader.task, canEvaluate: reader.task.validationFile != nil)
    let distillationConfig = try distillation.config()
    var data = try RunData(reader, training: training, readsUnlabelled: true, console: console)
    let sides = try TeacherSide.all(
      teachers.teacher, caches: teachers.teacherCache, kind: reader.task.kind, console: console)
    let pair = try TeacherAndStudent(
      sides[0], studentName, tokenizer: studentTokenizer, size: size.size, seed: config.seed)
    if let ignored = pair.student.model.loadReport?.ignoredText { console.note("\(studentName): \(ignored)") }
    let tokenizer = pair.student.tokenizer
    let more = try augmentation.recipe(
      seed: config.seed, maskToken: tokenizer.maskID.flatMap { tokenizer.token($0) })
    if let more { try data.augment(more, maskedModel: augmentation.mlmModel, console: console) }
    var run = try DistillRun(
      pair, further: Array(sides.dropFirst()), teachers, task: reader.task, data: data, caching: caching,
      wish: distillation.cacheTeacherLogits, folder: output.output.map { URL(filePath: $0) }, console: console
    )
    if let replacing = try theseus.config() {
      try run.replaceLayers(replacing, distillation: try distillation.given(), seed: config.seed)
    }
    let stage = try features.stage(
      distillationConfig, training: config, cachesTeacherLogits: distillation.cacheTeacherLogits ?? true)
    let plan = try RunPlan(of: run, distillationConfig, training: config, stage: stage)
    if baseline, data.given.labelledCount == 0 {
      throw CommandError("--baseline needs labels to learn from, but no training row has one; leave it out")
    }
    let doubts = try run.doubts(distillationConfig)
    guard let folder else {
      console.result(json ? plan.json.prettyText : plan.linesWithWarnings.joined(separator: "\n"))
      for doubt in doubts { console.warn("\(doubt)") }
      return
    }
    for line in plan.lines { console.note(line) }
    for doubt in plan.warnings + doubts { console.warn("\(doubt)") }
    let runFolder = try RunFolder(
      folder,
      recipe: ResolvedRecipe.yaml(
        command: "distill",
        [
          try options(studentName, outputPath), try augmentation.recipe(more),
          theseus.theseus
            ? try theseus.given()
            : DistillationOptions.recipe(
              try run.recorded(distillationConfig, training: config, stages: stage != nil)),
          try features.recipe(stage), training.recipe(config),
        ]), resuming: training.resumePoint(in: folder.url),
      inputs: task.inputs + teachers.teacher + teachers.teacherCache
        + [student, studentTokenizer, unlabelledFile].compactMap { $0 })
    defer { runFolder.release() }
    try run.train(
      distillationConfig, training: config, stage: stage, into: runFolder,
      resumingFrom: training.resumePoint(in: folder.url))
    let alone = try baseline ? trainBaseline(of: run, config, in: folder, console) : nil
    try finish(runFolder, run, baseline: alone, console)
  }

  /// Trains the student as it was on the labels alone; returns how it does.
  private func trainBaseline(
    of run: DistillRun, _ config: TrainingConfig, in folder: OutputFolder, _ console: Console
  ) throws -> Measurement? {
    console.note("baseline: the same student on the labels alone")
    let url = TrainingOptions.baseline(in: folder.url)
    let baseline = try run.onLabelsAlone(seed: config.seed)
    let point = training.laterResumePoint
    let runFolder = try RunFolder(part: url, resuming: point)
    try baseline.train(
      DistillationConfig(kdLossWeight: 0, hardLabelWeight: 1), training: config, into: runFolder,
      resumingFrom: point)
    return try baseline.measureStudent(runFolder)
  }

  /// Measures the models, writes how they compare, and prints the results.
  private func finish(
    _ folder: RunFolder, _ run: DistillRun, baseline: Measurement?, _ console: Console
  ) throws {
    let student = try run.measureStudent(folder)
    let teachers = try run.measureTeachers(student?.metrics.map(\.name) ?? [])
    if let teacher = teachers.first, let student {
      try folder.log.writeComparison(
        teacher: teacher, others: Array(teachers.dropFirst()), baseline: baseline, student: student)
    }
    let rows = (teachers + [baseline, student]).compactMap { $0 }
    let results = try folder.results()
    console.note("checkpoint and results are in \(folder.log.directory.path)")
    if json {
      console.result(JSONValue.object(results).prettyText)
    } else {
      console.result(ResultTable.of(results))
      if !rows.isEmpty { console.result("") }
      if !rows.isEmpty { console.result(Measurement.table(rows)) }
    }
  }

  private func options(_ student: String, _ output: String) throws -> JSONObject {
    var options = try task.given()
    let groups: [any ParsableArguments] = [teachers, caching, size]
    for group in groups { for (key, value) in try group.given() { options[key] = value } }
    options["student"] = .string(student)
    options["student_tokenizer"] = studentTokenizer.map { .string($0) }
    options["output"] = .string(output)
    options["unlabelled_file"] = unlabelledFile.map { .string($0) }
    if baseline { options["baseline"] = true }
    return options
  }
}
