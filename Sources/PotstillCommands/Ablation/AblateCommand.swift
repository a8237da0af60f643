import ArgumentParser
import Cluster
import CommandOptions
import Distillation
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Command `potstill ablate`.
package struct AblateCommand: ConsoleCommand, RankedCommand {
  package static let configuration = CommandConfiguration(
    commandName: "ablate",
    abstract: "Run recipes with every combination of some settings, and compare.",
    usage: "potstill ablate <recipe> ... [<options>]",
    discussion: """
      Runs each recipe of 'potstill distill' or 'potstill train' with each combination of the values of --vary and with \
      each seed, and prints mean, standard deviation, least and greatest score of each combination.

        potstill ablate recipe.yaml --vary temperature=1,4,8 --seeds 3
        potstill ablate recipe.yaml --vary match=none,L3_hidden_mse \\
          --vary hard_label_weight=0,1
        potstill ablate labels.yaml kd.yaml hidden.yaml \\
          --vary student=T3,T4-tiny --seeds 3 --output runs/

      A value means what it means in a recipe; 'none' leaves the key out, and commas inside brackets belong to a value. Each \
      run has a folder below --output with its recipe, results and metrics. The same command again runs only what is not \
      finished yet, or was run with other settings.
      """)

  @Argument(help: ArgumentHelp("The recipes: YAML or JSON files.", valueName: "recipe"), completion: .file())
  package var recipes: [String]

  @Option(
    help: ArgumentHelp(
      "A key of the recipe and the values to try; may be given several times.", valueName: "key=value,value"))
  package var vary: [String] = []

  @Option(help: ArgumentHelp("Run each combination with the seeds 1 to n.", valueName: "n"))
  package var seeds = 1

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The folder of all runs (default, for one recipe: its output and \"-ablation\").", valueName: "folder"),
    completion: .directory)
  package var output: String?

  @Option(
    help: ArgumentHelp(
      "A number of all_results.json for the table; may be given several times (default: the scores).",
      valueName: "name"))
  package var metric: [String] = []

  @Flag(help: "Keep the models too, not only results and recipes.")
  package var keepModels = false

  @Flag(help: "Print the results as one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func validate() throws {
    try CountOption.check(seeds, "--seeds", 1...10_000)
  }

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let files = try recipes.map { try RecipeFile(path: $0) }
    let grid = try AblationGrid(files, vary: vary)
    let folder = try URL(filePath: outputPath(of: files), directoryHint: .isDirectory)
    let reportFile = folder.appending(path: "ablation.json")
    var lock: FolderLock?
    defer { lock?.release() }
    _ = try Ranks.process.first {
      lock = try Self.open(folder, for: reportFile)
      return true
    }
    var report = AblationReport(grid.cells.map { AblationReport.Row($0.values) }, metrics: metric)
    let total = grid.cells.count * seeds
    var (done, failed) = (0, 0)
    for (index, cell) in grid.cells.enumerated() {
      for seed in 1...seeds {
        done += 1
        let title = "[\(done)/\(total)] \(cell.name), seed \(seed)"
        guard let results = try results(of: cell, seed: seed, grid, folder, title: title, console) else {
          failed += 1
          continue
        }
        report.rows[index].runs.append((seed, results))
      }
    }
    if Ranks.process.isFirst { try report.json.write(to: reportFile) }
    console.result(json ? report.json.prettyText : nil, orTable: Self.table(report))
    if failed > 0 {
      throw CommandError(
        "\(failed) of \(total) runs failed; what went wrong stands above. The same command runs only these again"
      )
    }
  }

  /// Makes the folder of all runs, which holds no other report, and locks it.
  private static func open(_ folder: URL, for reportFile: URL) throws -> FolderLock {
    if FileManager.default.fileExists(atPath: reportFile.path), !AblationReport.isReport(reportFile) {
      throw CommandError(
        "\(reportFile.path) is there and no report of an ablation; choose another --output, or move it away")
    }
    try OutputFolder(folder.path, overwrite: true).create()
    return try FolderLock(folder)
  }

  /// The results of one run, from its folder when it is finished; nil when it failed.
  ///
  /// Several ranks work on each run together, and the first has its files and results.
  private func results(
    of cell: AblationGrid.Cell, seed: Int, _ grid: AblationGrid, _ root: URL, title: String,
    _ console: Console
  ) throws -> JSONObject? {
    let folder = AblationFolder(url: root.appending(path: cell.name).appending(path: "seed-\(seed)"))
    let arguments = try grid.arguments(of: cell, seed: seed, output: folder.url.relativePath)
    let ranks = Ranks.process
    var results: JSONObject?
    let isFinished = try ranks.first {
      results = folder.results(of: arguments)
      return results != nil
    }
    if isFinished {
      console.note("\(title): finished before")
      return results ?? JSONObject()
    }
    console.note(title)
    _ = try ranks.first {
      try folder.clear()
      return true
    }
    let inner = Console(
      output: TextStream(inMemory: false), messages: console.messages, environment: console.environment)
    let code = grid.run(cell, seed: seed, output: folder.url.relativePath, console: inner)
    // 128 and more: a signal broke the run off, and with it the ablation.
    if code >= 128 { throw ExitCode(code) }
    if code != 0 {
      // What one rank meets alone leaves the others in the middle of the run, so that no other can begin.
      guard ranks.size == 1 else { throw ExitCode(code) }
      return nil
    }
    _ = try ranks.first {
      results = try folder.finish(arguments, keepsModel: keepModels)
      return true
    }
    return results ?? JSONObject()
  }

  private static func table(_ report: AblationReport) -> TextTable {
    let table = report.table
    return TextTable(
      table.keys.map { .text($0) } + table.numbers.map { .number($0) }, table.rows)
  }

  private func outputPath(of files: [RecipeFile]) throws -> String {
    if let output { return output }
    guard files.count == 1 else {
      throw UsageError("missing --output (the folder of all runs), since there are several recipes")
    }
    let entry = files[0].entries.first { OptionSpelling.canonical($0.key) == "output" }
    guard let path = entry?.values.first else {
      throw UsageError("missing --output (the folder of all runs), since \(files[0].path) names none")
    }
    return path.trimmingSuffix("/") + "-ablation"
  }
}

extension String {
  fileprivate func trimmingSuffix(_ suffix: String) -> String {
    hasSuffix(suffix) ? String(dropLast(suffix.count)) : self
  }
}
