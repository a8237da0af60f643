import ArgumentParser
import CommandOptions
import Datasets
import Distillation
import Encoders
import Foundation
import ModelFormats
import Tasks
import Terminal
import Tokenization
import Training

/// Command `potstill distill`.
package struct DistillCommand: RecipeCommand, RankedCommand {
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

      A teacher may be a file of anybody's answers, such as a language model's: JSON lines, CSV or TSV with the text, the \
      id or the index of each row, and probabilities, a label with its confidence, or a number; 'potstill predict \
      --output' writes such files. --student-from then names the model that the student is made of.

        potstill distill --train-file my.csv --teacher answers.jsonl \\
          --student-from MODEL_DIR --student T3 --output student/

      Defaults are TextBrewer's (temperature 4, weight 1 on the logits, 0 on the labels), except that the loss on the \
      logits is multiplied by the temperature squared; --compatibility textbrewer leaves that out. With --feature-epochs \
      the layers are matched first and the predictions learnt after that, as TinyBERT does. A recipe is a YAML or \
      JSON file whose keys are these options with underscores; flags win over it.
      """)

  @Argument(help: "A recipe: these options in a YAML or JSON file.", completion: .file())
  package var recipe: String?

  @OptionGroup(title: "Teachers")
  package var teachers: TeacherOptions

  @OptionGroup(title: "Student")
  package var student: StudentOptions

  @OptionGroup(title: "Task")
  package var task: TaskOptions

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

  @OptionGroup(title: "More texts")
  package var unlabelled: UnlabelledOption

  @OptionGroup(title: "More texts")
  package var augmentation: AugmentationOptions

  @OptionGroup(title: "Teacher's answers")
  package var caching: CachingOptions

  @OptionGroup(title: "Two stages")
  package var features: FeatureStageOptions

  @OptionGroup(title: "BERT-of-Theseus")
  package var theseus: TheseusOptions

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
    let learnt =
      theseus.theseus
      ? try theseus.given()
      : DistillationOptions.recipe(
        prepared.recordedDistillation.json.objectValue ?? JSONObject())
    let recipe = ResolvedRecipe.yaml(
      command: "distill",
      [
        try options(), try augmentation.recipe(prepared.augmentation), learnt,
        try features.recipe(prepared.job.featureStage), try training.recipe(prepared.job.training),
      ])
    let result = try console.run(
      prepared, recipe: recipe,
      inputs: task.inputs + teachers.teacher + teachers.teacherCache
        + [student.student, student.studentTokenizer, student.studentFrom, unlabelled.unlabelledFile]
        .compactMap { $0 })
    console.note("checkpoint and results are in \(result.folder.path)")
    console.result(result, json: json)
  }

  /// The job that the options describe, read and checked.
  ///
  /// - Throws: `UsageError` for options that are missing; what reading throws.
  func prepared(_ console: Console) throws -> PreparedJob {
    try augmentation.check()
    try features.check()
    try checkRequired()
    try general.apply(to: console)
    return try job(console).prepare(console, isDryRun: plan.dryRun)
  }

  private func checkRequired() throws {
    var missing = MissingOptions()
    if teachers.teacherCache.isEmpty {
      _ = missing.require(
        teachers.teacher.first, "--teacher", "the model to imitate, or --teacher-cache, its answers")
    }
    _ = missing.require(student.student, "--student", "such as T3, T4-tiny or a directory")
    if !plan.dryRun { _ = missing.require(output.output, "--output", "the run folder") }
    task.require(&missing, answers: teachers.answers)
    try missing.check()
  }

  /// The job that the options describe.
  func job(_ console: Console) throws -> DistillationJob {
    let reader = try task.open(console, unlabelledFile: unlabelled.unlabelledFile, answers: teachers.answers)
    var learnt = JobTask(reader)
    learnt.teachers = try teachers.teachers()
    learnt.teacherAverage = teachers.teacherAverage ?? learnt.teacherAverage
    learnt.distillation = try distillation.config()
    learnt.keepsAnswers = distillation.cacheTeacherLogits
    learnt.augmentation = try augmentation.augmentation()
    var job = DistillationJob(
      [learnt], student: student.choice,
      training: try training.config(for: reader.task, canEvaluate: reader.task.hasValidation))
    try output.apply(to: &job, training)
    job.rowStorage = rows.storage
    job.theseus = try theseus.config()
    if job.theseus != nil, !(try distillation.given()).isEmpty { throw DistillationJob.theseusFault }
    job.featureStage = features.stage(cachesTeacherLogits: distillation.cacheTeacherLogits ?? true)
    job.hasBaseline = comparison.baseline
    job.maxCacheGB = caching.maxCacheGb
    job.allowsNonFinite = console.allowsNonFinite
    return job
  }

  private func options() throws -> JSONObject {
    var options = try task.given()
    let groups: [any ParsableArguments] = [teachers, caching, student, unlabelled, rows]
    for group in groups { for (key, value) in try group.given() { options[key] = value } }
    options["output"] = output.output.map { .string($0) }
    if comparison.baseline { options["baseline"] = true }
    return options
  }
}
