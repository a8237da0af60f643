import ArgumentParser
import CommandOptions
import ModelFormats
import Tasks

/// The root of the command tree.
package struct PotstillCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "potstill",
    abstract: "Distil big NLP Transformers into small ones, on ordinary CPUs.",
    discussion: """
      A Hugging Face checkpoint goes in, a smaller Hugging Face checkpoint comes out.

        potstill demo
        potstill train --task sst2 --data SST-2/ --model MODEL_DIR --output teacher/
        potstill distill --task sst2 --data SST-2/ \\
          --teacher teacher/ --student T3 --output student/
        potstill compare --task sst2 --data SST-2/ teacher/ student/
        potstill predict --model student/ "a gripping, funny film"

      Results go to standard output, everything else to standard error. Options may be spelt as Hugging Face's scripts \
      spell them (--learning_rate, --model_name_or_path). Files in a run folder are described in docs/recipes-and-runs.md.
      """,
    version: PotstillVersion.current,
    subcommands: [ManualCommand.self],
    groupedSubcommands: [
      CommandGroup(
        name: "Begin",
        subcommands: [DemoCommand.self, InitCommand.self, TasksCommand.self, DoctorCommand.self]),
      CommandGroup(
        name: "Make models",
        subcommands: [
          PlanCommand.self, VocabCommand.self, PretrainCommand.self, TrainCommand.self, DistillCommand.self,
          MultitaskCommand.self, CompressCommand.self, AblateCommand.self, CacheCommand.self,
          AugmentCommand.self,
        ]),
      CommandGroup(
        name: "Use models",
        subcommands: [
          EvaluateCommand.self, CompareCommand.self, RobustnessCommand.self, PredictCommand.self,
          ServeCommand.self, ExportCommand.self, PushCommand.self, ScoreCommand.self,
        ]),
      CommandGroup(
        name: "Look inside",
        subcommands: [
          ReportCommand.self, VerifyCommand.self, TokenizeCommand.self, InspectCommand.self,
          BenchCommand.self,
        ]),
    ])

  package init() {}

  /// The type of a subcommand.
  ///
  /// - Throws: `UsageError` for a name that none has.
  static func command(named name: String) throws -> any ParsableCommand.Type {
    try command(named: name, among: configuration)
  }

  /// Checks the names of commands before the parser, which would take an unknown one for a value too many.
  ///
  /// - Throws: `UsageError` with the nearest name.
  static func checkNames(_ arguments: [String]) throws {
    let names = (arguments.first == "help" ? arguments.dropFirst() : arguments[...]).prefix {
      !$0.hasPrefix("-")
    }
    guard let first = names.first, first != "help" else { return }
    let parts = try command(named: first).configuration
    if names.count > 1, !parts.subcommands.isEmpty {
      _ = try command(named: names[names.startIndex + 1], among: parts)
    }
  }

  private static func command(
    named name: String, among configuration: CommandConfiguration
  ) throws -> any ParsableCommand.Type {
    if let command = configuration.subcommands.first(where: { $0._commandName == name }) { return command }
    let names = configuration.subcommands.filter { $0.configuration.shouldDisplay }.map { $0._commandName }
    let near = suggestion(for: name, among: names) ?? names.first { name.count > 1 && $0.hasPrefix(name) }
    throw UsageError("Unknown command '\(name)'" + (near.map { ". Did you mean '\($0)'?" } ?? ""))
  }
}

/// The version of the program.
package enum PotstillVersion {
  /// Semantic version of this source tree.
  package static let current = LibraryVersion.current

  /// The line that `potstill --version` prints, with the commit where it is known.
  package static func line(commit: String = "") -> String {
    "potstill \(current)" + (commit.isEmpty ? "" : " (\(commit))")
  }
}
