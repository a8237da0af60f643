import ArgumentParser
import CommandOptions
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Command `potstill verify`.
package struct VerifyCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check an output folder against what it was when it was written.",
    usage: "potstill verify [<options>] <folder>",
    discussion: """
      Every folder of train, distill, multitask, pretrain, cache, compress and evaluate says in provenance.json what made it: the \
      command line, seeds, version and machine, and the SHA-256 of each file that was read or written. This command compares \
      them with what is there now, checks the files of checkpoints, loads the models and looks for NaN and infinite weights.

        potstill verify student/
        potstill verify student/ --json

      A file that is as it was is ok; others are changed, missing or damaged, and then the exit code is 1. Data and models \
      that are not where they were are gone, and files that came later are extra: both are said, and no fault.
      """)

  @Argument(help: "The folder.", completion: .directory)
  package var folder: String

  @Flag(help: "Print one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func validate() throws {
    if folder.isEmpty { throw ValidationError("The folder is empty; expected a path.") }
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let check = try ProvenanceCheck(folder, listener: console)
    if json {
      console.result(JSONValue.object(check.json).prettyText)
    } else {
      console.result(
        TextTable(
          [.text("verdict"), .text("what"), .text("path"), .text("")],
          check.findings.map { [$0.verdict.rawValue, $0.role, $0.path, $0.note] }))
      let faults = check.findings.count(where: \.verdict.isFault)
      console.note(
        faults == 0
          ? "\(folder) is what it was, as far as that can be told" : "\(faults) differ from what was written")
    }
    if check.hasFaults { throw ExitCode(1) }
  }
}
