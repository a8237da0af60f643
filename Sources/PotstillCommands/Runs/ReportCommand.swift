import ArgumentParser
import CommandOptions
import Foundation
import Reports
import Tasks
import Terminal

/// Command `potstill report`.
package struct ReportCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Write a page to look at, of one run or of several.",
    usage: "potstill report [<options>] <run> ...",
    discussion: """
      Each run of train, distill, pretrain and multitask writes report.html into its folder: scores, curves, the plan as a picture, \
      classes, calibration, and the rows where student and teacher disagree most, in one file that needs no network. This \
      makes it again from the folder alone. Several folders of one task make one page: a table, score against size and \
      latency with the Pareto front, and the curves in the same charts.

        potstill report student/
        potstill report T3/ T4-tiny/ T6/ --output comparison.html
      """)

  @Argument(help: "Run folders; of several tasks those of the tasks.", completion: .directory)
  package var runs: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The file to write (default: report.html in the run folder; of several runs in the current folder).",
      valueName: "file"), completion: .file(extensions: ["html"]))
  package var output: String?

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    if let output { try OutputPath.check(output, "--output") }
    let folders = runs.map { URL(filePath: $0, directoryHint: .isDirectory) }
    let file = output.map { URL(filePath: $0) }
    if folders.count == 1 {
      let written = try RunReport(of: folders[0]).write(to: file)
      console.note("the report is in \(written.relativePath)")
      return
    }
    let target = file ?? URL(filePath: RunReport.fileName)
    try ComparisonReport(of: folders).write(to: target)
    console.note("the report is in \(target.relativePath)")
  }
}
