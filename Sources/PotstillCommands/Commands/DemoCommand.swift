import ArgumentParser
import CommandOptions
import Datasets
import Encoders
import Foundation
import ModelFormats
import PotstillDemo
import Tasks
import Terminal
import Tokenization

/// Command `potstill demo`.
package struct DemoCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Teacher to student in about two minutes: no data, no downloads.",
    usage: "potstill demo [<options>]",
    discussion: """
      Draws English and Chinese rows from grammars of its own, learns a WordPiece vocabulary, trains a teacher on many \
      labels, and a student at least four times smaller twice: on few labels alone, and with the teacher's answers to \
      rows without labels. The scores are on rows whose combinations no training row shows.

      sentiment: film reviews with negation, contrast and hearsay, which a bag of words does not solve.
      ner: names of persons, places and organisations, many of which are two of these.
      qa: passages that tell four facts of a person, and questions for one of them.

        potstill demo
        potstill demo --task ner --language zh
        potstill demo --seed 7 --output demo/
      """)

  @Option(help: "What to learn.")
  package var task: SampleData.Kind = .sentiment

  @Option(help: "The language of the rows. (default: both)")
  package var language: SampleLanguage?

  @Option(help: "Seed of rows, fresh weights, batches and dropout.")
  package var seed: UInt64 = 42

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Keep the models here as Hugging Face directories, and the rows as the files of the sample tasks.",
      valueName: "folder"), completion: .directory)
  package var output: String?

  @Flag(help: "Print one JSON object a model.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console)
    let folder = try output.map { try OutputFolder($0, overwrite: false) }
    let clock = ContinuousClock.now
    let demo = DemoRun(
      settings: DemoSettings(task), seed: seed, languages: language.map { [$0] } ?? SampleLanguage.allCases,
      observers: [TrainingView(console, barOnly: true)])
    let data = demo.data
    console.note(
      "\(task.rows): \(grouped(data.teacher.count)) labelled for the teacher; for the student "
        + "\(grouped(data.train.count)) labelled, \(grouped(data.unlabelled.count)) without labels; "
        + "\(grouped(data.test.count)) held out")
    for example in data.exampleLines { console.note("  \(example)") }
    console.note("vocabulary: \(grouped(demo.tokenizer.vocabulary.count)) WordPieces")
    console.note("teacher: \(grouped(data.teacher.count)) labels")
    let teacher = try demo.teacher(seed: seed)
    console.note("student without teacher: \(grouped(data.train.count)) labels")
    let alone = try demo.studentAlone(seed: seed)
    console.note("student with teacher: the same labels, and the teacher's answers to all its \(task.rows)")
    let distilled = try demo.studentDistilled(from: teacher, seed: seed)
    if let folder {
      try folder.create()
      for (name, trained) in [("teacher", teacher), ("student-alone", alone), ("student", distilled)] {
        let classifier = TokenizedModel(path: name, model: trained.model, tokenizer: demo.tokenizer)
        try classifier.save(to: folder.url.appending(path: name))
      }
      try data.write(to: folder.url.appending(path: "data"))
      console.note("models and data are in \(folder.url.path)")
    }
    let seconds = (ContinuousClock.now - clock) / .seconds(1)
    console.note(String(format: "done in %.0f s", seconds))
    report([teacher, alone, distilled], on: console)
  }

  private func report(_ models: [DemoRun.Trained], on console: Console) {
    let rows = models.map { trained in
      ModelMeasurement(
        name: trained.name, layers: trained.model.config.layerCount, parameters: trained.model.parameterCount,
        samplesPerSecond: trained.samplesPerSecond, latency: nil,
        metrics: trained.metrics)
    }
    if json {
      for row in rows { console.result(JSONValue.object(row.json(comparedWith: rows[0])).compactText) }
    } else {
      console.result(ModelMeasurement.table(rows))
    }
  }
}

extension SampleData.Kind: ExpressibleByArgument {
  /// The noun for the task's rows.
  fileprivate var rows: String {
    switch self {
    case .sentiment: "reviews"
    case .ner: "sentences"
    case .qa: "questions"
    }
  }
}

extension SampleLanguage: ExpressibleByArgument {}
