import Foundation
import PotstillCommands
import Testing

/// No number that an option, a recipe or a task file can hold crashes the program, hangs it or fills the memory.
///
/// The program runs as a process of its own, since a crash would end the tests.
@Suite(.serialized) struct ExtremeNumberTests {
  private static let values = [
    "-9223372036854775808", "-1", "0", "1e-300", "nan", "inf", "1e300", "9223372036854775807",
  ]

  /// The most memory of a run, in 2^20 bytes.
  private static let memory = 512.0

  private let world: ExtremesWorld
  private let tool: ToolProcess

  init() throws {
    world = try ExtremesWorld()
    tool = try #require(ToolProcess(), "the program potstill is not beside the tests; build it first")
  }

  /// Runs command lines and expects each to end by itself with 0, 1 or 64.
  private func expectOrderlyEnds(_ lines: [[String]]) {
    let runs = tool.runAll(lines.count, atOnce: 2, scratch: world.scratch) { lines[$0] }
    #expect(runs.count == lines.count)
    let faults = runs.filter { run in
      ![0, 1, 64].contains(run.code ?? -1) || run.seconds >= ChildRun.patience
        || run.megabytes > Self.memory * ChildRun.sanitized
    }
    #expect(faults.isEmpty, "\(faults.map(\.summary).joined(separator: "\n"))")
  }

  @Test("each command that the program has is driven, and the options that are found are its own")
  func nothingIsForgotten() {
    for command in NumericOptions.commands {
      #expect(command.options.contains("threads"), "\(command.words)")
      for option in command.options {
        #expect(!world.bases(command.words, option).isEmpty, "\(command.words) has no command line to try")
        if command.words.count == 1 {
          #expect(
            OptionCatalogue(of: command.words[0]).entry(named: option)?.isFlag == false,
            "\(command.words): \(option)")
        }
      }
    }
    #expect(NumericOptions.commands.reduce(0) { $0 + $1.options.count } > 100)
  }

  @Test("the command lines that numbers are tried in are right without them")
  func basesRun() {
    let lines = NumericOptions.commands.filter { !["demo", "ablate", "serve", "push"].contains($0.words[0]) }
      .flatMap {
        world.bases($0.words, "threads")
      }
    let runs = tool.runAll(lines.count, atOnce: 2, scratch: world.scratch) { lines[$0] }
    let failed = runs.filter { $0.code != 0 }
    #expect(failed.isEmpty, "\(failed.map(\.summary).joined(separator: "\n"))")
  }

  @Test("every numeric option of every command", arguments: NumericOptions.commands)
  func options(_ command: NumericOptions.Command) {
    expectOrderlyEnds(
      command.options.flatMap { option in
        Self.values.flatMap { value in
          world.bases(command.words, option).map { $0 + ["--\(option)=\(value)"] }
        }
      })
  }

  @Test("every numeric key of a recipe")
  func recipes() throws {
    var lines: [[String]] = []
    for command in NumericOptions.commands where command.words == ["distill"] {
      for option in command.options {
        for (index, value) in Self.values.enumerated() {
          let file = "recipes/\(option)-\(index).yaml"
          // YAML's own words for what is no finite number.
          let word = ["nan": ".nan", "inf": ".inf"][value] ?? value
          try world.write(file, "\(option.replacing("-", with: "_")): \(word)\n")
          lines += world.bases(command.words, option).prefix(1).map {
            ["distill", world.path(file)] + $0.dropFirst() + ["--dry-run"]
          }
        }
      }
    }
    expectOrderlyEnds(lines)
  }

  @Test("numbers inside of lists, matches and student shapes")
  func structures() {
    let texts = [
      ["--match", #"{"layer_T": §, "layer_S": 1, "loss": "hidden_mse"}"#],
      ["--match", #"{"layer_T": 1, "layer_S": §, "loss": "attention_mse"}"#],
      ["--match", #"{"layer_T": [§, 1], "layer_S": [1, 1], "loss": "mmd"}"#],
      ["--match", #"{"layer_T": 1, "layer_S": 1, "loss": "hidden_mse", "weight": §}"#],
      ["--match", #"{"map": "uniform", "weight": §}"#],
      ["--match", #"{"module_T": "pooler", "module_S": "pooler", "weight": §}"#],
      ["--match", #"{"loss": "minilmv2", "relation_heads": §}"#],
      ["--match", #"{"loss": "minilmv2", "relation_weights": [§, 1, 1]}"#],
      ["--match", #"{"layer_T": 1, "layer_S": 1, "loss": "hidden_mse", "proj": ["linear", §, 16]}"#],
      ["--match", #"{"layer_T": 1, "layer_S": 1, "loss": "hidden_mse", "proj": ["linear", {"lr": §}]}"#],
      [
        "--match",
        #"{"layer_T": 1, "layer_S": 1, "loss": "hidden_mse", "proj": ["linear", {"weight_decay": §}]}"#,
      ],
      ["--temperature-scheduler", #"["flsw", §, 1]"#], ["--temperature-scheduler", #"["flsw", 1, §]"#],
      ["--temperature-scheduler", #"["cwsm", §]"#],
      ["--kd-loss-type", "dkd", "--kd-loss-options", #"{"alpha": §}"#],
      ["--kd-loss-type", "jsd", "--kd-loss-options", #"{"beta": §}"#],
      ["--kd-loss-type", "dist", "--kd-loss-options", #"{"gamma": §}"#],
      ["--teacher", world.path("base"), "--teacher-weights", "§,1"],
      ["--student", "T§"], ["--student", "first:§"], ["--student", "layers:§"],
      ["--augment", #"[{"method": "masking", "p": §}]"#], ["--augment", "masking:§,deleting"],
    ]
    let base = world.bases(["distill"], "threads")
    var lines = texts.flatMap { text in
      Self.values.flatMap { value in
        base.map { $0 + text.map { $0.replacing("§", with: value) } }
      }
    }
    let entry = #""task": "\#(world.path("tiny.yaml"))", "data": "\#(world.path("data"))""#
    for value in Self.values {
      for keys in [#""weight": §"#, #""max_seq_length": §"#, #""distillation": {"temperature": §}"#] {
        let list = "[{\(entry), \"teacher\": \"\(world.path("base"))\", \(keys.replacing("§", with: value))}]"
        lines += world.bases(["multitask"], "threads").map { $0 + ["--tasks", list] }
      }
      lines += world.bases(["cache"], "threads").map { $0 + ["--hidden-states", value] }
    }
    expectOrderlyEnds(lines)
  }

  @Test("every numeric key of a task file")
  func taskFiles() throws {
    let keys = [
      "max_seq_length", "doc_stride", "max_query_length", "max_answer_length", "n_best_size",
      "null_score_diff_threshold",
    ]
    let defaults = [
      "learning_rate", "num_train_epochs", "per_device_train_batch_size", "per_device_eval_batch_size",
      "warmup_ratio", "weight_decay",
    ]
    var lines: [[String]] = []
    for (index, value) in Self.values.enumerated() {
      let word = ["nan": ".nan", "inf": ".inf"][value] ?? value
      for (key, text) in keys.map({ ($0, "\($0): \(word)\n") })
        + defaults.map({ ($0, "defaults: {\($0): \(word)}\n") })
      {
        let file = "tasks/\(key)-\(index).yaml"
        try world.write(file, ExtremesWorld.questionTask(text))
        let data = ["--task", world.path(file), "--data", world.path("questions")]
        let output = ["--output", world.path("scratch/\(UUID().uuidString)")]
        lines.append(["evaluate", "--model", world.path("qa")] + data)
        lines.append(
          ["train", "--model", world.path("qa")] + data + output
            + (key == "num_train_epochs" ? [] : ["--max-steps", "1"]))
      }
      for key in ["text_column", "label_column"] {
        let file = "tasks/\(key)-\(index).yaml"
        let columns = ["text_column": "sentence", "label_column": "label"].merging([key: word]) { $1 }
        try world.write(
          file,
          "name: t\nkind: classification\nvalidation_file: dev.tsv\nlabels: [a, b]\nlabel_values: {\"0\": a, \"1\": b}\n"
            + columns.map { "\($0.key): \($0.value)\n" }.sorted().joined())
        lines.append(
          [
            "evaluate", "--model", world.path("base"), "--task", world.path(file), "--data",
            world.path("data"),
          ])
      }
    }
    expectOrderlyEnds(lines)
  }
}
