import ArgumentParser

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
    groupedSubcommands: [
      CommandGroup(name: "Begin", subcommands: [DemoCommand.self, InitCommand.self]),
      CommandGroup(
        name: "Make models",
        subcommands: [
          VocabCommand.self, PretrainCommand.self, TrainCommand.self, DistillCommand.self,
          MultitaskCommand.self, AblateCommand.self, CacheCommand.self, AugmentCommand.self,
        ]),
      CommandGroup(
        name: "Use models",
        subcommands: [EvaluateCommand.self, CompareCommand.self, PredictCommand.self, ScoreCommand.self]),
      CommandGroup(
        name: "Look inside", subcommands: [TokenizeCommand.self, InspectCommand.self, BenchCommand.self]),
    ])

  package init() {}

  /// The type of a subcommand.
  ///
  /// - Throws: `UsageError` for a name that none has.
  static func command(named name: String) throws -> any ParsableCommand.Type {
    let all = configuration.groupedSubcommands.flatMap(\.subcommands) + configuration.ungroupedSubcommands
    guard let command = all.first(where: { $0.configuration.commandName == name }) else {
      throw UsageError("there is no command \(name)")
    }
    return command
  }
}

/// The version that `potstill --version` prints.
package enum PotstillVersion {
  /// Semantic version of this source tree.
  package static let current = "0.1.0"
}
