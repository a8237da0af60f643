import ArgumentParser
import CommandOptions
import Distillation
import Foundation
import ModelFormats
import Tasks
import Terminal
import Training

/// Command `potstill plan`.
package struct PlanCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "See what a recipe will do, need and take, here or on many machines.",
    usage: "potstill plan <recipe> [<options>]",
    discussion: """
      Prints the plan of a recipe of 'potstill train' or 'potstill distill', as --dry-run does. Then it makes some of the run's updates \
      on this machine, keeps nothing of them, and says how long the run will take; with --ranks also among so many processes like this \
      one, each with the recipe's batch, over a network.

        potstill plan recipe.yaml
        potstill plan recipe.yaml --ranks 64 --network 25Gb
        potstill plan recipe.yaml --ranks 16 --ranks-per-machine 2 \\
          --network 10Gb --latency 20 --threads 8

      The forecast adds up what was measured and what goes over the network: gradients in buckets, each sent once the backward pass \
      has done with it. Evaluations and checkpoints are not in it, and the first updates of a teacher whose answers are kept ask it. \
      docs/scale.md says how near it came.
      """)

  @Argument(help: "The recipe: a YAML or JSON file.", completion: .file())
  package var recipe: String

  @Option(help: ArgumentHelp("Forecast for 2, 4, … up to so many processes.", valueName: "n"))
  package var ranks = 1

  @Option(
    help: ArgumentHelp(
      "Bits a second of a machine's link, such as 25Gb or 100Mb; needed for --ranks.", valueName: "speed"))
  package var network: String?

  @Option(help: ArgumentHelp("Microseconds that a short message takes.", valueName: "us"))
  package var latency = 50.0

  @Option(help: ArgumentHelp("Processes that share a machine and its link.", valueName: "n"))
  package var ranksPerMachine = 1

  @Option(help: ArgumentHelp("Updates that are measured; 0 prints the plan alone.", valueName: "n"))
  package var measureSteps = 5

  @Flag(help: "Print one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func validate() throws {
    try CountOption.check(ranks, "--ranks", 1...100_000)
    try CountOption.check(ranksPerMachine, "--ranks-per-machine", 1...100_000)
    try CountOption.check(measureSteps, "--measure-steps", 0...1_000)
    if let network, !network.isEmpty, NetworkLink.bitsPerSecond(network) == nil {
      throw ValidationError(
        "--network is \"\(network)\"; expected bits a second, such as 25Gb, 1Gbit or 100Mb.")
    }
    guard latency.isFinite, (0...1e6).contains(latency) else {
      throw ValidationError("--latency is \(latency); expected microseconds, 0 to 1000000.")
    }
    if ranks > 1, network == nil {
      throw ValidationError("--ranks needs --network, the speed between the machines, such as 25Gb.")
    }
    if ranks > 1, measureSteps == 0 {
      throw ValidationError("--ranks needs measured updates; leave out --measure-steps 0.")
    }
  }

  package mutating func run(_ console: Console) throws {
    let prepared = try prepared(console)
    var object = JSONObject()
    object["plan"] = prepared.plan.json
    if json {
      for warning in prepared.warnings { console.warn("\(warning)") }
    } else {
      console.result(
        prepared, lines: prepared.plan.linesWithWarnings, json: false, warnings: prepared.warnings)
    }
    if measureSteps > 0 {
      console.note("measuring \(measureSteps) update\(measureSteps == 1 ? "" : "s")")
      let rehearsal = try prepared.rehearse(updates: measureSteps)
      let forecast = RunForecast(
        rehearsal.phases, totalSteps: rehearsal.totalSteps, ranks: ranks,
        link: NetworkLink(
          bitsPerSecond: network.flatMap(NetworkLink.bitsPerSecond) ?? .infinity, latency: latency / 1e6),
        ranksPerMachine: ranksPerMachine)
      object["time"] = forecast.json
      if !json { console.result(forecast) }
    }
    if json { console.result(JSONValue.object(object).prettyText) }
  }

  /// The general options as the command of the recipe takes them, over which they win.
  private var generalArguments: [String] {
    (general.threads.map { ["--threads", "\($0)"] } ?? []) + (general.quiet ? ["--quiet"] : [])
      + (general.allowNonfinite ? ["--allow-nonfinite"] : [])
  }

  /// The job of the recipe, planned alone.
  private func prepared(_ console: Console) throws -> PreparedJob {
    let file = try RecipeFile(path: recipe)
    switch RunKind(of: Set(file.entries.map { OptionSpelling.canonical($0.key) })) {
    case .train:
      var command = try file.filling(try TrainCommand.parse(generalArguments), of: "train")
      command.plan.dryRun = true
      return try command.prepared(console)
    case .distill:
      var command = try file.filling(try DistillCommand.parse(generalArguments), of: "distill")
      command.plan.dryRun = true
      return try command.prepared(console)
    }
  }
}

extension Console {
  /// Prints how long the updates of a run take, here and among more ranks.
  fileprivate func result(_ forecast: RunForecast) {
    let phases = forecast.phases
    result("")
    result(
      "measured  \(Self.shown(phases.seconds)) an update of \(phases.examples) examples: "
        + "\(Self.shown(phases.before)) forward, \(Self.shown(phases.backward)) backward, "
        + "\(Self.shown(phases.after)) optimizer; \(grouped(forecast.totalSteps)) updates take "
        + "\(Self.shown(forecast.steps.first.map(forecast.seconds) ?? 0))")
    guard forecast.steps.count > 1 else { return }
    result("")
    result(
      TextTable(
        [
          .number("ranks"), .number("examples an update", short: "examples"), .number("an update"),
          .number("sending"), .number("waiting"), .number("examples/s"), .number("efficiency"),
          .number("the run", short: "run"),
        ],
        forecast.steps.map { step in
          [
            grouped(step.ranks), grouped(Int(step.examples.rounded())), Self.shown(step.seconds),
            Self.shown(step.sending), Self.shown(step.exposed),
            grouped(Int((step.examples / step.seconds).rounded())),
            String(format: "%.0f%%", 100 * step.efficiency), Self.shown(forecast.seconds(step)),
          ]
        }))
  }

  /// A time in two or three digits, such as `12 ms`, `1.7 s`, `42 min`.
  private static func shown(_ seconds: Double) -> String {
    switch seconds {
    case ..<0.0995: String(format: "%.1f ms", 1000 * seconds)
    case ..<0.9995: String(format: "%.0f ms", 1000 * seconds)
    case ..<100: String(format: seconds < 10 ? "%.2f s" : "%.1f s", seconds)
    case ..<6000: String(format: "%.1f min", seconds / 60)
    default: String(format: "%.1f h", seconds / 3600)
    }
  }
}
