/// Option of another tool that is ignored.
package struct IgnoredOption: Sendable {
  /// Reason, or what to use instead.
  package let reason: String
  /// Whether a value follows it.
  package let takesValue: Bool

  package init(_ reason: String, takesValue: Bool = true) {
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
    "lr-scheduler": "lr-scheduler-type", "shuffle-seed": "data-seed",
    "text-column-name": "text-column", "text-column-names": "text-column",
    "label-column-name": "label-column",
    "label-smoothing": "label-smoothing-factor", "freeze-embeds": "freeze-embeddings",
    "log-dir": "logging-dir", "activation-checkpointing": "gradient-checkpointing",
  ]

  /// Options of Hugging Face's scripts and TextBrewer's `TrainingConfig` that are ignored.
  package static let ignored: [String: IgnoredOption] = {
    let groups: [(reason: String, flags: [String], options: [String])] = [
      ("the command says what is done", ["do-train", "do-eval", "do-predict"], []),
      (
        "everything runs on the processor", ["use-cpu", "no-cuda", "use-mps-device"],
        ["device", "past-index"]
      ),
      (
        "everything runs in one process",
        ["average-tokens-across-devices", "log-on-each-node", "save-on-each-node"],
        [
          "local-rank", "ddp-backend", "ddp-find-unused-parameters", "ddp-timeout", "ddp-bucket-cap-mb",
          "ddp-broadcast-buffers", "ddp-static-graph", "accelerator-config", "parallelism-config",
        ]
      ),
      ("all processors work on one batch", ["data-parallel"], []),
      (
        "models are trained in single precision",
        ["fp16", "bf16", "fp16-full-eval", "bf16-full-eval", "tf32"],
        ["fp16-opt-level", "half-precision-backend"]
      ),
      (
        "a run is called as its folder, and nothing is sent anywhere", [],
        [
          "run-name", "project", "trackio-space-id", "trackio-bucket-id", "trackio-static-space-id",
        ]
      ),
      (
        "the log has a line each --logging-steps", [], ["logging-strategy", "log-level", "log-level-replica"]
      ),
      ("--quiet leaves the progress out", ["disable-tqdm"], []),
      (
        "checkpoints come with --save-strategy epoch or steps", [],
        ["ckpt-frequency", "ckpt-epoch-frequency"]
      ),
      ("models are saved as safetensors", ["save-safetensors"], []),
      (
        "'potstill push' uploads a model", ["push-to-hub", "hub-private-repo", "hub-always-push"],
        ["hub-model-id", "hub-strategy", "hub-token", "hub-revision", "token"]
      ),
      (
        "no code is downloaded; the cache is where HF_HUB_CACHE or HF_HOME say", ["trust-remote-code"],
        ["cache-dir"]
      ),
      ("a head of other labels starts fresh anyway", ["ignore-mismatched-sizes"], []),
      ("sequences are packed, nothing is padded", ["pad-to-max-length"], ["pad-to-multiple-of"]),
      ("every tokenizer is fast", ["use-fast-tokenizer", "use-slow-tokenizer"], []),
      ("rows are read once and tokenized on all cores", ["overwrite-cache"], ["preprocessing-num-workers"]),
      (
        "batches are in memory", ["dataloader-pin-memory", "dataloader-persistent-workers"],
        [
          "dataloader-num-workers", "dataloader-prefetch-factor", "dataloader-multiprocessing-context",
          "dataloader-in-order",
        ]
      ),
      (
        "layers are the parts that are computed again", [],
        ["gradient-checkpointing-kwargs", "activation-checkpointing-kwargs"]
      ),
      (
        "the kernels are compiled already", ["torch-compile", "use-liger-kernel"],
        ["torch-compile-backend", "torch-compile-mode", "liger-kernel-config", "torch-empty-cache-steps"]
      ),
      ("a loss that is not finite ends a run", ["logging-nan-inf-filter"], []),
      ("tokens are always counted", ["include-num-input-tokens-seen"], []),
      (
        "evaluations take what their metrics need",
        ["prediction-loss-only", "eval-do-concat-batches", "eval-use-gather-object", "batch-eval-metrics"],
        ["include-for-metrics", "label-names"]
      ),
      ("only the text, its pair and the label are read", ["remove-unused-columns"], ["length-column-name"]),
      ("batches are drawn anew in each epoch", ["shuffle-train-dataset"], []),
      (
        "a resumed run goes on with everything that a checkpoint holds",
        ["restore-callback-states-from-checkpoint"], ["enable-jit-checkpoint"]
      ),
      ("encoders keep no cache of keys and values", ["use-cache"], []),
      ("errors name what was found", [], ["debug"]),
      ("predict answers every row", [], ["max-predict-samples"]),
      ("runs are repeatable to the bit anyway", ["full-determinism"], []),
      ("memory is always measured", ["skip-memory-metrics"], []),
      ("F1 of each type of entities is always given", ["return-entity-level-metrics"], []),
      ("the best candidates are in nbest_predictions.json anyway", ["beam-search"], []),
    ]
    var all: [String: IgnoredOption] = [:]
    for group in groups {
      for name in group.flags { all[name] = IgnoredOption(group.reason, takesValue: false) }
      for name in group.options { all[name] = IgnoredOption(group.reason) }
    }
    return all
  }()

  /// Options of Hugging Face's scripts that would change a run and that Potstill does not have, each with the reason.
  package static let refused: [String: String] = [
    "neftune-noise-alpha": "noise on embeddings is not supported",
    "deepspeed": "training runs on one machine's processors",
    "fsdp": "training runs on one machine's processors",
    "fsdp-config": "training runs on one machine's processors",
    "dataloader-drop-last": "the last batch of an epoch is always used",
    "save-only-model":
      "a checkpoint holds what a run goes on from; the model alone is in the run folder at the end",
    "auto-find-batch-size":
      "the plan says how much memory a batch takes; choose --per-device-train-batch-size by it",
    "model-revision": "name the revision with the model, as in org/name@revision",
    "dataset-name": "data sets are files; give --train-file, or --task with --data",
    "dataset-config-name": "data sets are files; give --train-file, or --task with --data",
    "optim-target-modules": "all parameters are updated by one rule",
    "eval-delay": "the first evaluation is as --eval-strategy and --eval-steps say",
    "eval-on-start": "'potstill evaluate' scores a model before its training",
    "ignore-data-skip": "a resumed run goes on at the row where it stopped",
    "train-sampling-strategy": "sequences of like length come together with --group-by-length",
    "metric-name": "name it in the task file's metrics, or choose by --metric-for-best-model",
    "eval-accumulation-steps": "answers are kept in memory as they come; leave it out",
  ]

  /// Checks that no option of other tools is given which would change a run and is not there.
  ///
  /// - Throws: `UsageError` with the reason.
  package static func checkRefused(_ arguments: [String]) throws {
    for argument in arguments.prefix(while: { $0 != "--" }) where argument.hasPrefix("--") {
      let name = String(argument.dropFirst(2).prefix { $0 != "=" })
      if let reason = refused[name] { throw UsageError("--\(name) is not supported: \(reason)") }
    }
  }

  /// Arguments in our spelling: underscores of option names turned into hyphens, aliases replaced, ignored options removed.
  ///
  /// Values and everything after a bare `--` stay as they are. The removed options are returned with their reasons.
  package static func translate(_ arguments: [String]) -> (arguments: [String], ignored: [String]) {
    var result: [String] = []
    var dropped: [String] = []
    var (isIgnoredValue, isIgnoredFlag) = (false, false)
    for (index, argument) in arguments.enumerated() {
      if argument == "--" {
        result += arguments[index...]
        break
      }
      // Flags of transformers may be followed by a truth value.
      let isTruth = ["true", "false"].contains(argument.lowercased())
      if isIgnoredValue || isIgnoredFlag && isTruth, !argument.hasPrefix("--") {
        (isIgnoredValue, isIgnoredFlag) = (false, false)
        continue
      }
      (isIgnoredValue, isIgnoredFlag) = (false, false)
      guard argument.hasPrefix("--") else {
        result.append(argument)
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = canonical(String(parts[0]))
      if let option = ignored[name] {
        dropped.append("\(argument) changes nothing here: \(option.reason)")
        isIgnoredValue = option.takesValue && parts.count == 1
        isIgnoredFlag = !option.takesValue && parts.count == 1
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
