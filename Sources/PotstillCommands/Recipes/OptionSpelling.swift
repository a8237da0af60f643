/// Options as users of Hugging Face's scripts and of TextBrewer write them, turned into Potstill's.
package enum OptionSpelling {
  /// Other people's names for our options.
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
    "num-threads": "threads", "scheduler": "lr-scheduler-type", "lr-scheduler": "lr-scheduler-type",
  ]

  /// Switches of Hugging Face's scripts that say what each command here does anyway.
  package static let ignored: Set<String> = ["do-train", "do-eval", "use-cpu", "no-cuda"]

  /// Arguments in our spelling: underscores of option names turned into hyphens, aliases replaced, idle switches removed.
  ///
  /// Values and everything after a bare `--` stay as they are.
  package static func translate(_ arguments: [String]) -> (arguments: [String], ignored: [String]) {
    var result: [String] = []
    var dropped: [String] = []
    for (index, argument) in arguments.enumerated() {
      if argument == "--" {
        result += arguments[index...]
        break
      }
      guard argument.hasPrefix("--") else {
        result.append(argument)
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = canonical(String(parts[0]))
      if ignored.contains(name) {
        dropped.append(argument)
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
