import ArgumentParser
import CommandOptions
import Datasets
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Command `potstill robustness`.
package struct RobustnessCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "robustness",
    abstract: "See what models lose on texts that are changed.",
    discussion: """
      Asks a model, and students of it, about the rows as they are and as changes make them. For each change: the rows \
      that it changes, the task's first metric on these, what that lost against the same rows unchanged, how many \
      answers flipped, how often a student answers as the model, and the expected calibration error. Then sentences: \
      where a student lost more, and the option that trains against it.

        potstill robustness --task sst2 --data SST-2/ \\
          --model teacher/ --student student/
        potstill robustness --task sst2 --data SST-2/ --model student/ \\
          --perturbations typos,case --strength 0.2 --out-of-domain tweets.tsv

      Changes: typos (Latin words of four letters and more), case, punctuation, homophones and similar_shapes (English and \
      Chinese), word_order, negation (the answer should move, so it has no score), shortening (the first half), \
      lengthening (a neutral sentence more). The same names are methods of 'potstill distill --augment' and 'potstill \
      augment --methods'. Sentences of tagged words take those that keep words; questions about passages none.
      """)

  @OptionGroup(title: "Models")
  package var trained: TrainedModelOption

  @OptionGroup(title: "Models")
  package var others: ComparedModels

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @OptionGroup(title: "Changes")
  package var changes: ChangeOptions

  @Option(help: "Which part of the data.")
  package var split: DataSplit = .validation

  @Option(help: ArgumentHelp("Take the first so many rows only.", valueName: "n"))
  package var maxEvalSamples: Int?

  @Option(
    name: .shortAndLong, help: ArgumentHelp("Also write the report as JSON there.", valueName: "file"),
    completion: .file())
  package var output: String?

  @Flag(help: "Write over that file where it exists.")
  package var overwriteOutputDir = false

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
    let settings = try changes.settings
    let file = try output.map { try OutputFile($0, option: "--output", overwrite: overwriteOutputDir) }
    let reader = try task.open(console, model: trained.model)
    if let file, file.isAmong(reader.paths + changes.outOfDomain) {
      throw CommandError("--output \(file.path) is a file that is read; choose another file")
    }
    try settings.check(reader.task)
    let data = try EvaluationData(reader, split: split, limit: maxEvalSamples, listener: console)
    try settings.check(data.task, data.examples)
    let elsewhere = try changes.outOfDomain.map { path in
      (
        name: path,
        data: try EvaluationData(outOfDomain: path, of: data.task, limit: maxEvalSamples, listener: console)
      )
    }
    let models = try ([trained.model] + others.student).map {
      try TokenizedModel($0, for: reader.task.kind, console: console)
    }
    for model in models { _ = model.lengthLimit(reader.task.maxSequenceLength, listener: console) }
    let report = try RobustnessReport(
      of: models, on: data, outOfDomain: elsewhere, settings: settings, listener: console)
    if let file { try JSONValue.object(report.json).write(to: URL(filePath: file.path)) }
    console.result(report, json: json)
  }
}

/// Options of the changes under which robustness is measured.
package struct ChangeOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The changes, with commas (default: all that suit the rows).", valueName: "names"))
  package var perturbations: String?

  @Option(
    help: ArgumentHelp(
      "The share of words, in Chinese characters, that typos, homophones, similar_shapes and word_order may change, one at least.",
      valueName: "share"))
  package var strength: Double = Perturbation.usualStrength

  @Option(help: "Decides the changes.")
  package var seed: UInt64 = 42

  @Option(
    help: ArgumentHelp(
      "Rows of another domain with the same labels, or with none: a file like the task's, or another task's YAML file. May be given several times.",
      valueName: "file"), completion: .file())
  package var outOfDomain: [String] = []

  package init() {}

  package mutating func validate() throws {
    guard strength > 0, strength <= 1 else {
      throw ValidationError("--strength is \(strength); expected more than 0 and at most 1.")
    }
  }

  /// The settings that the options describe.
  var settings: RobustnessSettings {
    get throws {
      RobustnessSettings(
        kinds: try perturbations.map {
          try RobustnessSettings.kinds(reading: $0, option: "--perturbations")
        }, strength: strength, seed: seed)
    }
  }
}

/// Option of further models that answer the same rows.
package struct ComparedModels: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A model to compare with it, such as its student; may be given several times.", valueName: "folder"),
    completion: .directory)
  package var student: [String] = []

  package init() {}
}
