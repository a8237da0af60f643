import CommandOptions
import Foundation
import PotstillCommands
import Testing

/// Recipes and definitions of tasks that are broken, or made to exhaust who reads them.
@Suite struct HostileRecipeTests {
  let world: TinyWorld

  init() throws { world = try TinyWorld() }

  private func file(_ bytes: [UInt8], _ name: String = "r.yaml") throws -> String {
    try Data(bytes).write(to: world.folder.appending(path: name))
    return world.path(name)
  }

  /// What both readers of YAML have to say.
  private func messages(_ text: String) throws -> [String] {
    let path = try file(Array(text.utf8))
    let runs = [
      potstill(["train", path]),
      potstill(["evaluate", "--task", path, "--data", world.path("data"), "--model", "m"]),
    ]
    #expect(runs.allSatisfy { $0.code == 1 && $0.messages.count < 5000 }, "\(runs)")
    return runs.map(\.messages)
  }

  @Test func aByteOrderMarkIsNoPartOfAFile() throws {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let recipe = try file(mark + Array("seed: 3\ntask: tiny\n".utf8))
    #expect(try RecipeFile(path: recipe).entries.map(\.key) == ["seed", "task"])
    let task = try file(mark + Array(world.text("tiny.yaml").utf8), "marked.yaml")
    let run = potstill([
      "augment", "--task", task, "--data", world.path("data"), "--output", world.path("a.txt"),
    ])
    #expect(run.code == 0, "\(run.messages)")
  }

  @Test func whatIsWrongIsSaidWithItsLine() throws {
    for message in try messages("seed: 1\ntask: x\nseed: 2\n") {
      #expect(message.contains("r.yaml:1: the key \"seed\" is given more than once"), "\(message)")
    }
    for message in try messages("task: [a\nb: }\n") { #expect(message.contains("r.yaml:2: "), "\(message)") }
    for message in try messages("- a\n") { #expect(message.contains("r.yaml:1: found no"), "\(message)") }
    let empty = potstill(
      ["evaluate", "--task", try file([]), "--data", world.path("data"), "--model", "m"])
    #expect(empty.messages.contains("r.yaml:1: found no keys"), "\(empty.messages)")
    for bytes in [[0x61, 0x3A, 0x20, 0xFF, 0x0A], [0xFF, 0xFE, 0x61, 0x00]] as [[UInt8]] {
      let run = potstill(["train", try file(bytes)])
      #expect(run.code == 1 && run.messages.contains("convert the file to UTF-8"), "\(run.messages)")
    }
    let folder = potstill(["train", world.path("data")])
    #expect(folder.messages.contains("it is a folder, expected a recipe"), "\(folder.messages)")
    let device = potstill(["train", "/dev/zero"])
    #expect(device.messages.contains("it is a device, expected a recipe"), "\(device.messages)")
  }

  @Test func aliasesStandForMuchButNotForAnything() throws {
    func bomb(_ levels: Int, _ width: Int, open: String = "[", close: String = "]") -> String {
      "k0: &a0 [x, x]\n"
        + (1...levels).map { level in
          let aliases = [String](repeating: "*a\(level - 1)", count: width).joined(separator: ", ")
          return "k\(level): &a\(level) \(open)\(aliases)\(close)\n"
        }.joined()
    }
    for text in [
      bomb(10, 9), bomb(22, 2), bomb(64, 2), bomb(9, 3, open: "{? [", close: "] : 1}"), bomb(9, 3),
    ] {
      for message in try messages(text) { #expect(message.contains("aliases"), "\(message)") }
    }
    // What looks like an alias in a text is none where nothing has its name.
    let plain = "# a & b\ntask: x\noutput: \"" + String(repeating: "*a ", count: 50) + "\"\n"
    #expect(try RecipeFile(path: file(Array(plain.utf8))).entries.count == 2)
    let used = try RecipeFile(path: file(Array("match: &m [{loss: flsw}]\nvary: *m\n".utf8)))
    #expect(used.entries.map(\.values) == [used.entries[0].values, used.entries[0].values])
  }

  @Test func endlessKeysAreCounted() throws {
    for count in [2_000, 30_000] {
      let text = (0..<count).map { "key_\($0): 1\n" }.joined()
      let found = try messages(text)
      #expect(
        found[0].contains("keys, expected at most") || found[0].contains("found more than"), "\(found[0])")
      #expect(found[1].contains("keys are not known") || found[1].contains("found more than"), "\(found[1])")
    }
    let large = try messages("task: " + String(repeating: "x", count: 3 << 20) + "\n")
    #expect(large.allSatisfy { $0.contains("bytes, expected") })
  }

  @Test(arguments: [
    "-9223372036854775808", "-1", "0", "1e-300", ".nan", ".inf", "1e300", "9223372036854775807", "0x1p3",
    "[]",
  ])
  func numbersOfATaskAtTheirExtremes(value: String) throws {
    let plain = [
      "max_seq_length", "defaults: {learning_rate", "defaults: {num_train_epochs",
      "defaults: {per_device_train_batch_size",
      "defaults: {per_device_eval_batch_size", "defaults: {warmup_ratio", "defaults: {weight_decay",
      "text_column",
      "label_column",
    ]
    let questions = [
      "max_seq_length", "doc_stride", "max_query_length", "max_answer_length", "n_best_size",
      "null_score_diff_threshold",
    ]
    func run(_ key: String, _ definition: String) throws {
      let line = key.contains("{") ? "\(key): \(value)}" : "\(key): \(value)"
      let path = try file(Array((definition + line + "\n").utf8), "t.yaml")
      let run = potstill([
        "augment", "--task", path, "--data", world.path("data"), "--count", "1", "--overwrite-output-dir",
        "--output",
        world.path("a.txt"),
      ])
      #expect([0, 1].contains(run.code), "\(key) \(value): \(run.messages)")
      #expect(run.messages.count < 5000)
    }
    for key in plain {
      let text = key == "text_column" ? "" : "text_column: sentence\n"
      try run(key, "name: t\ntrain_file: train.tsv\nlabels: [\"0\", \"1\"]\n" + text)
    }
    for key in questions { try run(key, "name: t\nkind: question_answering\ntrain_file: d.json\n") }
    try run(
      "label_range: [0, 5]\nmax_seq_length",
      "name: t\nkind: regression\ntrain_file: train.tsv\ntext_column: sentence\n")
    try run("mlm_probability", "name: t\nkind: masked_lm\ntrain_file: train.tsv\n")
  }
}
