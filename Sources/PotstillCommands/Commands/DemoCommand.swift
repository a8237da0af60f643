import ArgumentParser
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tokenization

/// `potstill demo`.
package struct DemoCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "Teacher to student in about two minutes: no data, no downloads.",
    discussion: """
      Draws English and Chinese film reviews from grammars of its own (negation, contrast, hearsay: a bag of words does \
      not solve them), learns a WordPiece vocabulary, trains a teacher on many labels, and a student at least four times \
      smaller twice: on few labels alone, and with the teacher's answers to reviews without labels. Accuracy is on \
      reviews whose combinations of words and constructions no training review shows.

        potstill demo
        potstill demo --seed 7 --output demo/
      """)

  @Option(help: "Seed of reviews, fresh weights, batches and dropout.")
  package var seed: UInt64 = 42

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Keep the models here as Hugging Face directories, and the reviews as the data of task sample.",
      valueName: "folder"))
  package var output: String?

  @Flag(help: "Print one JSON object a model.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console)
    let folder = try output.map { try OutputFolder($0, overwrite: false) }
    let clock = ContinuousClock.now
    let demo = DemoRun(seed: seed, observers: [TrainingView(console, barOnly: true)])
    let data = demo.data
    console.note(
      "reviews: \(grouped(data.teacher.count)) labelled for the teacher; for the student \(data.train.count) labelled, "
        + "\(grouped(data.unlabelled.count)) without labels; \(grouped(data.test.count)) held out")
    for example in Self.examples(of: data.test) { console.note("  \(Self.label(example)): \(example.text)") }
    console.note("vocabulary: \(grouped(demo.tokenizer.vocabulary.count)) WordPieces")
    console.note("teacher: \(data.teacher.count) labels")
    let teacher = try demo.teacher(seed: seed)
    console.note("student without teacher: \(data.train.count) labels")
    let alone = try demo.studentAlone(seed: seed)
    console.note("student with teacher: the same labels, and the teacher's answers to all its reviews")
    let distilled = try demo.studentDistilled(from: teacher, seed: seed)
    if let folder {
      try folder.create()
      for (name, trained) in [("teacher", teacher), ("student-alone", alone), ("student", distilled)] {
        let classifier = ModelFolder(path: name, model: trained.model, tokenizer: demo.tokenizer)
        try classifier.save(to: folder.url.appending(path: name))
      }
      try SampleTask.write(data, to: folder.url.appending(path: "data"))
      console.note("models and data are in \(folder.url.path)")
    }
    let seconds = (ContinuousClock.now - clock) / .seconds(1)
    console.note(String(format: "done in %.0f s", seconds))
    report([teacher, alone, distilled], on: console)
  }

  private func report(_ models: [DemoRun.Trained], on console: Console) {
    let rows = models.map { trained in
      Measurement(
        name: trained.name, layers: trained.model.config.layerCount, parameters: trained.model.parameterCount,
        samplesPerSecond: trained.samplesPerSecond, latency: nil,
        metrics: [("accuracy", trained.accuracy)])
    }
    if json {
      for row in rows { console.result(JSONValue.object(row.json(comparedWith: rows[0])).compactText) }
    } else {
      console.result(Measurement.table(rows))
    }
  }

  /// An English and a Chinese review.
  private static func examples(of reviews: [TextExample]) -> [TextExample] {
    let isEnglish = { (example: TextExample) in example.text.unicodeScalars.allSatisfy(\.isASCII) }
    return [reviews.first(where: isEnglish), reviews.first { !isEnglish($0) }].compactMap { $0 }
  }

  private static func label(_ example: TextExample) -> String {
    example.label == 1 ? "positive" : "negative"
  }
}
