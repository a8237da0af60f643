import ArgumentParser
import CommandOptions
import Compression
import CompressionSearch
import Datasets
import Distillation
import Evaluation
import Foundation
import ModelFormats
import Tasks
import Terminal
import Training

extension ImportanceMeasure: ExpressibleByArgument {}

/// Command `potstill compress`.
package struct CompressCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "compress",
    abstract: "Make a model smaller step by step, and keep the best.",
    discussion: """
      Each of --methods makes the model of the step before smaller, and the result is distilled from the model itself (or from \
      the teacher of --distill). Every model is measured on the validation rows; those that no other one beats in size, \
      latency and score at once stay, and the table has them all.

        potstill compress --task sst2 --data SST-2/ --model teacher/ \\
          --target 4x --methods vocab,layers,ffn,int8 --output smaller/
        potstill compress --task sst2 --data SST-2/ --model teacher/ \\
          --methods hidden=50%,ffn=512,int8 --distill recipe.yaml \\
          --hours 2 --output smaller/
        potstill compress --task sst2 --data SST-2/ --model student/ \\
          --methods int8 --max-drop 0.003 --output student-int8/

      Methods are layers, hidden, heads, ffn (pruning), low_rank (two thin matrices for each; those without an amount share what --target asks for), vocab (tokens \
      that the training texts never use; vocab=5 keeps those that occur five times, vocab=en+zh those of languages too) and int8 (one more model of each, in 8-bit \
      integers; matrices that would cost too much stay floats). 'heads' without 'hidden' gives models that Potstill and \
      ONNX Runtime run, and transformers only padded; those of low rank it loads merged. The same command goes on where a killed one stopped.

      The vocabulary of any model, one without a head too, is cut to languages without a task; its texts keep their tokens:

        potstill compress --model multilingual-e5-small/ \\
          --methods vocab=en+zh --output e5-en-zh/
      """)

  @Option(
    help: ArgumentHelp("The model to make smaller: a Hugging Face directory.", valueName: "folder"),
    completion: .directory)
  package var model: String

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @Option(
    help: ArgumentHelp(
      "The steps in order: layers, hidden, heads, ffn, low_rank, vocab, int8; with an amount (ffn=50%, layers=3) or without.",
      valueName: "list"))
  package var methods: String

  @Option(
    help: ArgumentHelp(
      "Size or latency of the last float model: 4x (a fourth), 25%, 20MB or 3ms (one row on this machine).",
      valueName: "size"))
  package var target: String?

  @Option(
    help: ArgumentHelp(
      "A recipe of 'potstill distill' for the training after each step; none only cuts (default: distil's own settings).",
      valueName: "recipe"), completion: .file())
  package var distill: String?

  @Option(
    help: ArgumentHelp(
      "The number of cuts of each step, each distilled for its part of the epochs.", valueName: "n"))
  package var iterations = 1

  @Option(help: "What decides which parts go (default: labels where there are any, else logits).")
  package var importance: ImportanceMeasure?

  @Option(
    help: ArgumentHelp(
      "Matrices that stay floats, such as embeddings or output.dense; may be given several times.",
      valueName: "name"))
  package var keep: [String] = []

  @Option(
    help: ArgumentHelp(
      "The most that int8 may cost of the score, as a share of its scale; matrices stay floats until it holds.",
      valueName: "share"))
  package var maxDrop = 0.003

  @Option(
    help: ArgumentHelp("Hours for everything; distillations are shortened to fit.", valueName: "hours"))
  package var hours: Double?

  @Option(help: "Train on the first so many examples only, texts without labels included.")
  package var maxTrainSamples: Int?

  @Option(help: "Evaluate on the first so many examples only.")
  package var maxEvalSamples: Int?

  @Option(help: "The seed of the distillations (default: the recipe's, else 42).")
  package var seed: UInt64?

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @OptionGroup(title: "Run")
  package var dry: DryRunOption

  @Flag(help: "Keep every model, not only those that no other one beats.")
  package var keepModels = false

  @Flag(help: "Print the plan or the results as one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func validate() throws {
    try CountOption.checkSamples(maxTrainSamples, "--max-train-samples")
    try CountOption.checkSamples(maxEvalSamples, "--max-eval-samples")
    try CountOption.check(iterations, "--iterations", 1...100)
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console)
    var missing = MissingOptions()
    if !dry.dryRun { _ = missing.require(output.output, "--output", "the folder of all models") }
    if task.inputs.isEmpty,
      let languages = VocabularyReduction.languages(of: try CompressionStep.list(methods))
    {
      try missing.check()
      return try cut(to: languages, console)
    }
    task.require(&missing)
    try missing.check()
    let prepared = try job(console).prepare(console, isDryRun: dry.dryRun)
    if dry.dryRun {
      console.result(json ? prepared.plan.json.prettyText : prepared.plan.lines.joined(separator: "\n"))
      return
    }
    for line in prepared.plan.lines { console.note(line) }
    let result = try prepared.run { job in
      let watch = SignalWatch { console.note($0) }
      watch.start()
      defer { watch.stop() }
      for warning in job.plan.warnings + job.warnings { console.warn("\(warning)") }
      return try job.run(observers: [TrainingView(console), watch])
    }
    console.note("models and results are in \(result.folder.path)")
    console.result(json ? result.json.prettyText : nil, orTable: Self.table(result.points))
  }

  /// Cuts the vocabulary alone.
  private func cut(to languages: [Language], _ console: Console) throws {
    guard let output = output.output else {
      throw CommandError(
        "a dry run measures steps on the rows of a task; give --task, or leave --dry-run out")
    }
    let folder = try OutputFolder(output, overwrite: self.output.overwriteOutputDir)
    let report = try VocabularyReduction(of: model, to: languages).run(writing: folder, console)
    console.note("the model is in \(folder.url.path)")
    var object = JSONObject()
    for (name, size) in [("before", report.before), ("after", report.after)] {
      object[name] = [
        "vocab_size": .integer(size.vocabularySize), "parameters": .integer(size.parameters),
        "bytes": .integer(size.bytes),
      ]
    }
    console.result(json ? JSONValue.object(object).prettyText : report.description)
  }

  /// The job that the options describe.
  private func job(_ console: Console) throws -> CompressionJob {
    let distils = distill != "none"
    var job = CompressionJob(
      model, steps: try CompressionStep.list(methods),
      distilling: try distillation(console, distils ? distill : nil),
      output: output.output)
    job.target = try target.map { try CompressionTarget($0) }
    (job.distils, job.measure, job.iterations) = (distils, importance, iterations)
    (job.keeping, job.maxDrop, job.hours) = (keep, maxDrop, hours)
    (job.keepsAll, job.overwritesOutput) = (keepModels, output.overwriteOutputDir)
    return job
  }

  /// Keys of a recipe that a compression sets itself.
  private static let own: Set = [
    "output", "overwrite-output-dir", "student", "student-from", "student-tokenizer", "hidden-size",
    "embedding-size", "num-attention-heads", "intermediate-size", "num-hidden-layers", "json", "quiet",
    "dry-run", "baseline", "resume-from-checkpoint", "resume-anyway",
  ]

  /// The distillation of a recipe, with the task and the limits that were given here.
  private func distillation(_ console: Console, _ recipe: String?) throws -> DistillationJob {
    var given = try task.given()
    given["max_train_samples"] = maxTrainSamples.map { .integer($0) }
    given["max_eval_samples"] = maxEvalSamples.map { .integer($0) }
    given["seed"] = seed.flatMap { Int(exactly: $0) }.map { .integer($0) }
    given["student"] = .string(model)
    let names = Set(given.filter { !$0.value.isNull }.map { OptionSpelling.canonical($0.key) })
    var entries: [RecipeFile.Entry] = []
    if let recipe {
      let file = try RecipeFile(path: recipe)
      for option in file.ignoredOptions { console.note("potstill: note: \(option)") }
      for entry in file.entries {
        let name = OptionSpelling.canonical(entry.key)
        if Self.own.contains(name) {
          console.note("\(recipe): \(entry.key) is the compression's own, and not taken from there")
        } else if !names.contains(name) {
          entries.append(entry)
        }
      }
    }
    let hasTeacher = entries.contains {
      ["teacher", "teacher-cache"].contains(OptionSpelling.canonical($0.key))
    }
    if !hasTeacher { given["teacher"] = .string(model) }
    entries += given.compactMap { key, value in value.isNull ? nil : RecipeFile.Entry(key, value) }
    let command = try RecipeFile(path: recipe ?? "compress", entries: entries)
      .filling(try DistillCommand.parse([]), of: "distill")
    return try command.job(console)
  }

  private static func table(_ points: [CompressionPoint]) -> TextTable {
    let metrics = points.first?.scores.map(\.name) ?? []
    return TextTable(
      [
        .text("model"), .text("step"), .number("parameters", short: "params"), .number("MB"),
        .number("ms/sentence", short: "ms/sent"), .number("sentences/s", short: "sent/s"),
      ] + metrics.map { .number($0) } + [.text("front")],
      points.map { point in
        [
          point.name, point.steps.last ?? "", grouped(point.parameters), megabytes(point.bytes),
          String(format: "%.2f", point.latency), grouped(Int(point.samplesPerSecond.rounded())),
        ]
          + metrics.map { name in
            point.scores.first { $0.name == name }.map { String(format: "%.4f", $0.value) } ?? ""
          } + [point.isOnFront ? "yes" : ""]
      })
  }
}
