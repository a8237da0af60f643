import ArgumentParser
import CommandOptions
import Foundation
import Tasks
import Terminal

/// Command `potstill init`, which prints the task file of rows.
package struct InitCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Print the task file that rows of your own would use.",
    usage: "potstill init <train-file> [<options>]",
    discussion: """
      Looks at every row of a CSV, TSV, JSON, CoNLL or SQuAD file: its format, columns, kind and labels. Change what it \
      prints where it is wrong, and give it with --task.

        potstill init tickets.csv > tickets.yaml
        potstill train --task tickets.yaml --model MODEL_DIR --output teacher/
      """)

  @Argument(help: "Rows to train on.", completion: .file())
  package var trainFile: String

  @Option(help: ArgumentHelp("Rows to score on.", valueName: "file"), completion: .file())
  package var validationFile: String?

  @Option(help: ArgumentHelp("Rows to test on.", valueName: "file"), completion: .file())
  package var testFile: String?

  @OptionGroup
  package var columns: ColumnOptions

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console)
    let inferred = try InferredTask(
      train: trainFile, validation: validationFile, test: testFile, hints: columns.hints)
    let yaml = try inferred.task.commentedYAML(inferred.findings)
    console.result(yaml.trimmingCharacters(in: .newlines))
  }
}
