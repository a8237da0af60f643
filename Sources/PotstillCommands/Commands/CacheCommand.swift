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

/// Command `potstill cache`.
package struct CacheCommand: ConsoleCommand, RankedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Ask a teacher once about a data set, for students to learn from.",
    discussion: """
      Writes a folder with the teacher's logits for every training example, and with the layers that are asked \
      for, in half precision. 'potstill distill --teacher-cache' then trains students without the teacher, several from \
      one cache, also at once. A cache that was interrupted is gone on with by the same command.

        potstill cache --task sst2 --data SST-2/ --teacher teacher/ --output answers/
        potstill cache --task sst2 --data SST-2/ --teacher teacher/ --hidden-states 0,4,8,12 --output answers/
        potstill distill --task sst2 --data SST-2/ --teacher-cache answers/ --student T4-tiny --output student/
      """)

  @OptionGroup(title: "Teacher")
  package var asked: AskedTeacherOptions

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @OptionGroup(title: "Run")
  package var plan: DryRunOption

  @OptionGroup(title: "Run")
  package var rows: RowStorageOption

  @OptionGroup(title: "Run")
  package var caching: CachingOptions

  @OptionGroup(title: "More texts")
  package var unlabelled: UnlabelledOption

  @Option(help: ArgumentHelp("Only the first so many training examples.", valueName: "n"))
  package var maxTrainSamples: Int?

  @Flag(help: "Print the results as one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func validate() throws {
    try CountOption.checkSamples(maxTrainSamples, "--max-train-samples")
  }

  package mutating func run(_ console: Console) throws {
    var missing = MissingOptions()
    if !plan.dryRun { _ = missing.require(output.output, "--output", "the folder to write") }
    try missing.check()
    try general.apply(to: console)
    var job = TeacherCacheJob(
      try task.open(console, unlabelledFile: unlabelled.unlabelledFile), teacher: asked.teacher,
      output: output.output)
    (job.hiddenStates, job.matches, job.student) = (
      asked.hiddenStates, try asked.match.values(of: "match"), asked.student
    )
    job.precision = asked.held.precision
    (job.maxTrainSamples, job.maxCacheGB) = (maxTrainSamples, caching.maxCacheGb)
    job.rowStorage = rows.storage
    job.needsValidation = task.validationFile != nil
    job.allowsNonFinite = console.allowsNonFinite
    job.overwritesOutput = output.overwriteOutputDir
    let prepared = try job.prepare(console, isDryRun: plan.dryRun)
    if !plan.dryRun {
      let watch = SignalWatch { console.note($0) }
      watch.start()
      defer { watch.stop() }
      try prepared.run(observers: [watch])
    }
    let results = prepared.results
    console.result(json ? JSONValue.object(results).prettyText : nil, orTable: ResultTable.of(results))
  }
}

/// Options of a teacher that is asked, and of the layers that are kept.
package struct AskedTeacherOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The model that answers, a Hugging Face directory.", valueName: "folder"),
    completion: .directory)
  package var teacher: String

  @OptionGroup
  package var held: TeacherPrecisionOption

  @Option(
    help: ArgumentHelp(
      "Layers whose hidden states are kept: 0 is the embeddings, -1 the last layer.", valueName: "0,4,8,12"))
  package var hiddenStates: String?

  @Option(
    help: ArgumentHelp(
      "Keep what this match of 'potstill distill' needs; may be given several times.", valueName: "match"))
  package var match: [JSONArgument] = []

  @Option(
    help: ArgumentHelp(
      "The student, for matches that depend on its depth, such as uniform.", valueName: "student"))
  package var student: String?

  package init() {}
}
