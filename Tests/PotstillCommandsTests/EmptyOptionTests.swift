import ArgumentParser
import CommandOptions
import Foundation
import PotstillCommands
import Testing

/// Texts and paths that are empty, and places that nothing can be written to.
@Suite struct EmptyOptionTests {
  /// Every option of a command that takes a text, found from the types that it declares.
  private static func texts(of value: Any) -> [String] {
    Mirror(reflecting: value).children.flatMap { label, child -> [String] in
      if let group = child as? any TextGroup { return texts(of: group.emptyValue) }
      guard let label, let option = child as? any TextOption, option.takesText else { return [] }
      return [label.drop { $0 == "_" }.map { $0.isUppercase ? "-" + $0.lowercased() : String($0) }.joined()]
    }
  }

  private static let commands = PotstillCommand.configuration.groupedSubcommands.flatMap(\.subcommands)
    .filter { $0.configuration.subcommands.isEmpty }

  @Test("no command takes an empty text for a value", arguments: commands.map { $0.configuration })
  func emptyTexts(_ configuration: CommandConfiguration) throws {
    let name = try #require(configuration.commandName)
    let command = try #require(Self.commands.first { $0.configuration.commandName == name })
    // Where a text may be empty; --metrics is --metric on the command line; --ties-of is no option of users.
    let exceptions = ["initial-alphabet", "metrics", "ties-of"]
    let options = Self.texts(of: command.init()).filter { !exceptions.contains($0) }
    let required = [
      "vocab": ["--input", "a", "--output", "b"], "ablate": ["a.yaml"], "cache": ["--teacher", "a"],
      "plan": ["a.yaml"],
      "evaluate": ["--model", "a"], "compare": ["a"], "robustness": ["--model", "a"],
      "predict": ["--model", "a", "text"],
      "init": ["a"], "tasks": ["a"], "serve": ["--model", "a"], "export": ["a", "--onnx"], "report": ["a"],
      "push": ["a", "b/c"], "compress": ["--model", "a", "--methods", "int8", "--task", "sst2"],
      "tokenize": ["--model", "a", "text"], "score": ["--metric", "accuracy", "a", "b"],
    ]
    let scored = [
      "na-prob-file": ["--metric", "squad_v2", "a", "b"],
      "labels": ["--metric", "f1_micro", "--multi-label", "a", "b"],
      "label-separator": ["--metric", "f1_micro", "--multi-label", "a", "b"],
    ]
    for option in options {
      let others = name == "score" ? scored[option] : nil
      let run = potstill([name] + (others ?? required[name] ?? []) + ["--\(option)", ""])
      #expect(run.code == 64, "\(name) --\(option): \(run.messages)")
      #expect(run.messages.contains("--\(option)") && run.messages.contains("empty"), "\(run.messages)")
    }
    #expect(["inspect", "demo", "doctor", "verify"].contains(name) || !options.isEmpty)
  }

  @Test("an empty value of a recipe is refused with its line")
  func recipes() throws {
    let world = try TinyWorld()
    let url = world.folder.appending(path: "recipe.yaml")
    try Data("task: tiny.yaml\noutput: \"\"\n".utf8).write(to: url)
    let run = potstill(["train", url.path])
    #expect(
      run.code == 1 && run.messages.contains("recipe.yaml:2: Missing value for '--output"), "\(run.messages)")
    let list = potstill([
      "multitask", "--student", "T1", "--output", world.path("out"), "--tasks",
      #"[{"task": "t", "data": "", "teacher": ""}]"#,
    ])
    #expect(list.messages.contains("tasks[0].teacher: found \"\""), "\(list.messages)")
  }

  @Test("a path below a file is refused before any work, with the file's name")
  func belowAFile() throws {
    let world = try TinyWorld()
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    let file = world.path("tiny.yaml")
    let base = world.path("base")
    for command in [
      ["train", "--model", base] + task, ["distill", "--teacher", base, "--student", "T1"] + task,
      ["evaluate", "--model", base] + task, ["cache", "--teacher", base] + task,
      ["vocab", "--input", world.path("data/train.tsv")], ["export", base, "--onnx"],
    ] {
      let run = potstill(command + ["--output", file + "/below/it"])
      #expect(run.code == 1, "\(command): \(run.messages)")
      #expect(run.messages.contains("is below \(file), which is a file"), "\(run.messages)")
      #expect(!run.messages.contains("512"))
      // What is there already is not written into without consent.
      let full = potstill(command + ["--output", world.path("data")])
      #expect(
        full.code == 1 && full.messages.contains("--overwrite-output-dir"), "\(command): \(full.messages)")
    }
    let augment = potstill(["augment", "--output", file + "/below"] + task)
    #expect(augment.messages.contains("--output \(file)/below is below \(file), which is a file"))
  }

  @Test("a place where nobody can make a folder is named, with the system's words")
  func noPlace() throws {
    let world = try TinyWorld()
    let run = potstill(["export", world.path("base"), "--onnx", "--output", "/proc/nowhere/o"])
    #expect(run.code == 1 && run.messages.contains("/proc/nowhere/o"), "\(run.messages)")
    #expect(run.messages.contains("No such file or directory"), "\(run.messages)")
  }

  @Test("no command writes into the folder of a run that another process is at")
  func folderInUse() throws {
    let world = try TinyWorld()
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    let file = world.path("data/.potstill.lock")
    try Data("1\n".utf8).write(to: URL(filePath: file))
    let lock = open(file, O_RDWR)
    defer { close(lock) }
    try #require(flock(lock, LOCK_EX | LOCK_NB) == 0)
    for command in [
      ["evaluate", "--model", world.path("base")] + task, ["cache", "--teacher", world.path("base")] + task,
      ["vocab", "--input", world.path("data/train.tsv")], ["export", world.path("base"), "--onnx"],
    ] {
      let run = potstill(command + ["--output", world.path("data"), "--overwrite-output-dir"])
      #expect(run.code == 1 && run.messages.contains("another run (process 1) is writing"), "\(run.messages)")
    }
  }

  @Test("a process with few addresses is told so at once", .disabled(if: ChildRun.sanitized != 1))
  func fewAddresses() throws {
    let world = try TinyWorld()
    let tool = try #require(ToolProcess())
    // OpenBLAS alone takes 128 MiB for each thread, and asks for ever where it does not get them.
    let run = tool.run(
      ["predict", "--model", world.path("base"), "text"], scratch: world.folder, limits: "ulimit -v 220000")
    #expect(run.code == 1 && run.messages.contains("Allow the process more"), "\(run.summary)")
  }

  @Test("a line that is no text is refused, with its number")
  func endlessLine() throws {
    let world = try TinyWorld()
    let long = "short\n" + String(repeating: "!,", count: 5_000_001) + "\n"
    try Data(long.utf8).write(to: world.folder.appending(path: "long.txt"))
    let run = potstill(["tokenize", "--model", world.path("base"), "--input", world.path("long.txt")])
    #expect(run.code == 1, "\(run.messages)")
    #expect(run.messages.contains("long.txt:2: found a text of 10000002 bytes, expected at most 10000000"))
  }

  @Test("no example is a number of examples; nothing is made")
  func noExamples() throws {
    let world = try TinyWorld()
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    let output = world.path("out")
    for option in ["--max-train-samples", "--max-eval-samples"] {
      let run = potstill(
        ["train", "--model", world.path("base"), "--output", output, "\(option)=0"] + task)
      #expect(run.code == 64 && run.messages.contains("\(option) is 0, so 0 examples were asked for"))
      #expect(!FileManager.default.fileExists(atPath: output))
    }
  }

  @Test("an ablation removes no folder that is none of its runs")
  func ablation() throws {
    let world = try TinyWorld()
    let recipe = world.folder.appending(path: "r.yaml")
    let text =
      "model: \(world.path("base"))\ntask: \(world.path("tiny.yaml"))\ndata: \(world.path("data"))\nmax_steps: 1\n"
    try Data(text.utf8).write(to: recipe)
    let own = world.folder.appending(path: "runs/r/seed-1")
    try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
    try Data("precious".utf8).write(to: own.appending(path: "notes.txt"))
    let run = potstill(["ablate", recipe.path, "--output", world.path("runs")])
    #expect(
      run.code == 1 && run.messages.contains("holds something that is no run of an ablation"),
      "\(run.messages)")
    #expect(try world.text("runs/r/seed-1/notes.txt") == "precious")
  }

  @Test("a file system that is full leaves no tokenizer in part")
  func partOfATokenizer() throws {
    let world = try TinyWorld()
    let tool = try #require(ToolProcess())
    // Blocks of 512 or 1024 bytes: vocab.txt fits, tokenizer.json does not.
    let run = tool.run(
      [
        "vocab", "--input", world.path("data/train.tsv"), "--output", world.path("words"), "--vocab-size",
        "60",
      ],
      scratch: world.folder, limits: "ulimit -f 1")
    #expect(run.code == 1, "\(run.summary)")
    #expect(run.messages.contains("File too large"), "\(run.summary)")
    let left = try FileManager.default.contentsOfDirectory(atPath: world.path("words"))
    #expect(left.isEmpty, "\(left)")
  }
}

private protocol TextGroup { var emptyValue: Any { get } }
private protocol TextOption { var takesText: Bool { get } }

extension OptionGroup: TextGroup { fileprivate var emptyValue: Any { Value() } }

extension Option: TextOption {
  fileprivate var takesText: Bool {
    ["String", "JSONArgument"].contains { String(describing: Value.self).contains($0) }
  }
}
