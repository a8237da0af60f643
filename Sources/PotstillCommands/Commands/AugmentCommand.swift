import ArgumentParser
import Foundation
import TaskData

/// `potstill augment`.
package struct AugmentCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "augment",
    abstract: "Make more texts for a teacher to label.",
    discussion: """
      Writes new texts, one a line, made of a task's training texts by masking words, replacing words and joining short \
      texts. They have no labels: 'potstill distill --unlabelled-file' lets the teacher judge them.

        potstill augment --task sst2 --data SST-2/ --count 45000 --output more.txt
        potstill distill --task sst2 --data SST-2/ --unlabelled-file more.txt \\
          --teacher teacher/ --student T3 --output student/
      """)

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"))
  package var output: String

  @Option(help: ArgumentHelp("How many texts (default: as many as the training file has).", valueName: "n"))
  package var count: Int?

  @Option(help: "What the models' tokenizer reads as its mask.")
  package var maskToken = "[MASK]"

  @Option(help: "Decides the texts.")
  package var seed: UInt64 = 42

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func validate() throws {
    if let count, count < 1 { throw ValidationError("--count is \(count); expected at least 1.") }
    if maskToken.isEmpty { throw ValidationError("--mask-token is empty; expected a token.") }
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let data = try task.open(console).read(.train)
    console.note(data.summary)
    if let pair = data.examples.first(where: { $0.pair != nil }) {
      throw CommandError("\(data.path):\(pair.line): a pair of texts; only single texts can be augmented")
    }
    let wanted = count ?? data.count
    var augmenter = TextAugmenter(data.examples.map(\.text), maskToken: maskToken, seed: seed)
    var lines = ""
    for made in 0..<wanted {
      guard let text = augmenter.next() else {
        throw CommandError(
          "\(data.path) yields only \(made) new texts, fewer than --count \(wanted); ask for fewer")
      }
      lines += text + "\n"
    }
    do {
      try Data(lines.utf8).write(to: URL(filePath: output), options: .atomic)
    } catch {
      throw CommandError("--output \(output) cannot be written: \(error.localizedDescription)")
    }
    console.note("wrote \(grouped(wanted)) texts to \(output)")
  }
}
