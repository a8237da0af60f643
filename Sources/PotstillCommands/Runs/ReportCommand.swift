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

      --attention and --row-graph load the models of one run, and write what they find into its folder first: \
      attention.json, row_graph.json and row_graph.graphml. A later report of the folder shows them too.

        potstill report student/
        potstill report student/ --attention 4 --row-graph 24
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

  @Option(
    help: ArgumentHelp(
      "Attention maps of teacher and student for the rows where they disagree most, at most \(RunModels.attentionLimit).",
      valueName: "rows"))
  package var attention: Int?

  @Option(
    help: ArgumentHelp(
      "The graph of the distances between rows, as teacher and student see them, at most \(RunModels.graphLimit).",
      valueName: "rows"))
  package var rowGraph: Int?

  @Option(
    help: ArgumentHelp(
      "The teacher of --attention and --row-graph (default: the folder that the run names).",
      valueName: "folder"),
    completion: .directory)
  package var teacher: String?

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  /// Whether the models of the run are loaded.
  private var asksModels: Bool { attention != nil || rowGraph != nil }

  package mutating func validate() throws {
    try CountOption.check(attention, "--attention", 1...RunModels.attentionLimit)
    try CountOption.check(rowGraph, "--row-graph", 2...RunModels.graphLimit)
    if asksModels, runs.count > 1 {
      throw ValidationError(
        "--attention and --row-graph look into the models of one run, found \(runs.count) runs.")
    }
  }

  package mutating func run(_ console: Console) throws {
    if teacher != nil, !asksModels {
      throw ValidationError("--teacher is that of --attention and --row-graph; give one of them too.")
    }
    try general.apply(to: console, computes: asksModels)
    if let output { try OutputPath.check(output, "--output") }
    let folders = runs.map { URL(filePath: $0, directoryHint: .isDirectory) }
    let file = output.map { URL(filePath: $0) }
    if asksModels {
      let models = try RunModels(of: folders[0], teacher: teacher, listener: console)
      if let attention { try models.writeAttention(rows: attention) }
      if let rowGraph { try models.writeRowGraph(rows: rowGraph) }
    }
    if folders.count == 1 {
      let written = try RunReport(of: folders[0]).write(to: file)
      // What the folder is known by keeps up; a page is there without that too.
      try? Provenance.restateReport(in: folders[0])
      console.note("the report is in \(written.relativePath)")
      return
    }
    let target = file ?? URL(filePath: RunReport.fileName)
    try ComparisonReport(of: folders).write(to: target)
    console.note("the report is in \(target.relativePath)")
  }
}
