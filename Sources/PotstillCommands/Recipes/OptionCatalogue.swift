import ArgumentParser
import Foundation

/// Options of a subcommand, asked from the parser itself, so that no second list can grow stale.
package struct OptionCatalogue {
  /// One option or flag.
  package struct Entry: Sendable {
    /// Long names without hyphens in front, `no-…` included for flags with an inversion.
    package let names: [String]
    /// Whether it takes no value.
    package let isFlag: Bool
    /// Whether it may be given several times.
    package let isRepeating: Bool
    /// Placeholder of the value in messages.
    let valueName: String?
    /// The accepted values, where there are few; else empty.
    let values: [String]
  }

  /// The options in the order of the help text.
  package let entries: [Entry]

  /// The catalogue of one subcommand of `potstill`; empty when there is no such subcommand.
  package init(of subcommand: String) {
    let dump = try? JSONDecoder().decode(ToolDump.self, from: Data(PotstillCommand._dumpHelp().utf8))
    let command = dump?.command.subcommands?.first { $0.commandName == subcommand }
    entries = (command?.arguments ?? []).compactMap { argument in
      let names = (argument.names ?? []).filter { $0.kind == "long" }.map(\.name)
      if argument.kind == "positional" || names.isEmpty { return nil }
      return Entry(
        names: names, isFlag: argument.kind == "flag", isRepeating: argument.isRepeating,
        valueName: argument.valueName, values: argument.allValues ?? [])
    }
  }

  /// The option of a name in Potstill's spelling.
  package func entry(named name: String) -> Entry? { entries.first { $0.names.contains(name) } }

  /// The name of the flag that a name turns off; nil for every other name.
  func flagTurnedOff(by name: String) -> String? {
    let flag = String(name.dropFirst(3))
    return name.hasPrefix("no-") && entry(named: flag)?.isFlag == true ? flag : nil
  }

  /// The main name of each option, as a recipe writes it: with underscores.
  package var recipeKeys: [String] {
    entries.compactMap { entry in
      entry.names.first { !$0.hasPrefix("no-") }?.replacing("-", with: "_")
    }.filter { !["help", "version"].contains($0) }
  }
}

extension OptionCatalogue.Entry {
  /// The option with its value, as the parser shows it.
  func shown(_ name: String) -> String { "--\(name)" + (valueName.map { " <\($0)>" } ?? "") }

  /// The accepted values as the parser writes them, on one line.
  var valueList: String {
    if values.isEmpty { return "" }
    if values.count > 5 { return ". Please provide one of the following:" }
    let quoted = values.map { "'\($0)'" }
    let list =
      quoted.count <= 2
      ? quoted.joined(separator: " and ")
      : quoted.dropLast().joined(separator: ", ") + " or " + quoted.suffix(1).joined()
    return ". Please provide one of \(list)."
  }
}

/// The part we read of ArgumentParser's description of a tool.
private struct ToolDump: Decodable {
  struct Command: Decodable {
    let commandName: String
    let subcommands: [Command]?
    let arguments: [Argument]?
  }
  struct Argument: Decodable {
    let kind: String
    let isRepeating: Bool
    let names: [Name]?
    let valueName: String?
    let allValues: [String]?
  }
  struct Name: Decodable {
    let kind: String
    let name: String
  }
  let command: Command
}

/// Option of another tool that is ignored.
package struct IgnoredOption: Sendable {
  /// Reason, or what to use instead.
  package let reason: String
  /// Whether a value follows it.
  package let takesValue: Bool

  init(_ reason: String, takesValue: Bool = true) {
    (self.reason, self.takesValue) = (reason, takesValue)
  }
}

/// Options as users of Hugging Face's scripts and of TextBrewer write them, turned into Potstill's.
package enum OptionSpelling {
  /// Potstill's options by their names in other tools.
  package static let aliases: [String: String] = [
    "model-name-or-path": "model", "teacher-name-or-path": "teacher", "student-name-or-path": "student",
    "teacher-model-name-or-path": "teacher", "student-model-name-or-path": "student",
    "task-name": "task", "data-dir": "data", "output-dir": "output",
    "overwrite-output": "overwrite-output-dir",
    "epochs": "num-train-epochs", "num-epochs": "num-train-epochs", "lr": "learning-rate",
    "batch-size": "per-device-train-batch-size", "train-batch-size": "per-device-train-batch-size",
    "eval-batch-size": "per-device-eval-batch-size", "evaluation-strategy": "eval-strategy",
    "max-length": "max-seq-length", "max-seq-len": "max-seq-length", "warmup-proportion": "warmup-ratio",
    "random-seed": "seed",
    "matches": "match", "intermediate-matches": "match", "is-caching-logits": "cache-teacher-logits",
    "tokenizer-name": "tokenizer", "config-name": "config", "word-list-file": "word-list",
    "no-chinese-chars": "no-handle-chinese-chars",
    "no-tokenize-chinese-chars": "no-handle-chinese-chars",
    "dev-file": "validation-file", "eval-file": "validation-file",
    "num-threads": "threads", "ckpt-steps": "save-steps", "scheduler": "lr-scheduler-type",
    "lr-scheduler": "lr-scheduler-type",
  ]

  /// Options of Hugging Face's scripts and TextBrewer's `TrainingConfig` that are ignored.
  package static let ignored: [String: IgnoredOption] = [
    "do-train": IgnoredOption("the command says what is done", takesValue: false),
    "do-eval": IgnoredOption("the command says what is done", takesValue: false),
    "use-cpu": IgnoredOption("everything runs on the processor", takesValue: false),
    "no-cuda": IgnoredOption("everything runs on the processor", takesValue: false),
    "device": IgnoredOption("everything runs on the processor"),
    "local-rank": IgnoredOption("everything runs in one process"),
    "data-parallel": IgnoredOption("all processors work on one batch", takesValue: false),
    "fp16": IgnoredOption("models are trained in single precision", takesValue: false),
    "fp16-opt-level": IgnoredOption("models are trained in single precision"),
    "log-dir": IgnoredOption("the log is metrics.jsonl in the run folder"),
    "ckpt-frequency": IgnoredOption("checkpoints come with --save-strategy epoch or steps"),
    "ckpt-epoch-frequency": IgnoredOption("checkpoints come with --save-strategy epoch or steps"),
  ]

  /// Arguments in our spelling: underscores of option names turned into hyphens, aliases replaced, ignored options removed.
  ///
  /// Values and everything after a bare `--` stay as they are. The removed options are returned with their reasons.
  package static func translate(_ arguments: [String]) -> (arguments: [String], ignored: [String]) {
    var result: [String] = []
    var dropped: [String] = []
    var isIgnoredValue = false
    for (index, argument) in arguments.enumerated() {
      if argument == "--" {
        result += arguments[index...]
        break
      }
      if isIgnoredValue, !argument.hasPrefix("--") {
        isIgnoredValue = false
        continue
      }
      isIgnoredValue = false
      guard argument.hasPrefix("--") else {
        result.append(argument)
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = canonical(String(parts[0]))
      if let option = ignored[name] {
        dropped.append("\(argument) changes nothing here: \(option.reason)")
        isIgnoredValue = option.takesValue && parts.count == 1
      } else {
        result.append("--" + name + parts.dropFirst().map { "=" + $0 }.joined())
      }
    }
    return (result, dropped)
  }

  /// Our name, with hyphens, of an option or of a key of a recipe.
  package static func canonical(_ name: String) -> String {
    let hyphenated = name.replacing("_", with: "-")
    return aliases[hyphenated] ?? hyphenated
  }
}
