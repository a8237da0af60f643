import Datasets
import Encoders
import Foundation
import PotstillCommands
import Tasks
import Testing
import Tokenization
import Yams

/// A folder with everything that commands and recipes of the documentation name, in small.
///
/// Encoders have the layers and heads of those that are named, data sets a few rows in the very form of their task.
final class DocumentationWorld {
  private let world = try? TinyWorld()
  private let folder: URL
  private let environment = ["POTSTILL_TASKS": TaskFilesTests.folder.path]

  init() throws {
    folder = try #require(world).folder
    let base = folder.appending(path: "base")
    let tokenizer = try BertTokenizer(directory: base)
    for (name, layers) in [("minilm-l6", 6), ("e5-small-zh", 12), ("multilingual-e5-small", 12)] {
      var config = EncoderConfig(
        vocabularySize: tokenizer.idLimit, hiddenSize: 24, layerCount: layers, attentionHeads: 12,
        intermediateSize: 32)
      config.maxPositions = 32
      try TaskModel(config: config, seed: 1).save(to: folder.appending(path: name))
      try tokenizer.save(to: folder.appending(path: name))
    }
  }

  /// Runs a command line, the short way: training stops after a step, a distillation is planned.
  func run(_ words: [String]) throws {
    guard let command = words.first else { return }
    let recipes = try words.filter { $0.hasSuffix(".yaml") }.map(recipe)
    let options = words.dropFirst().filter { !$0.hasSuffix(".yaml") }
    try prepare(
      task: value("--task", in: words), data: value("--data", in: words),
      file: value("--train-file", in: words))
    let paths = options.map { located($0) }
    switch command {
    case "train":
      try potstill(["train"] + recipes + paths + ["--max-steps", "1", "--overwrite-output-dir", "--quiet"])
    case "pretrain":
      let short = ["--max-steps", "1", "--max-seq-length", "16", "--overwrite-output-dir", "--quiet"]
      try potstill(["pretrain"] + recipes + paths + short)
    case "robustness":
      for (option, model) in zip(words, words.dropFirst()) where ["--model", "--student"].contains(option) {
        try make(model: model, value("--task", in: words), value("--data", in: words))
      }
      try potstill([command] + paths + ["--quiet"])
    case "distill", "multitask": try potstill([command] + recipes + paths + ["--dry-run"])
    case "augment": try potstill([command] + paths + ["--count", "8", "--quiet"])
    case "predict":
      let input = try #require(value("--input", in: words))
      try makeTexts(input)
      try potstill(["predict"] + paths + ["--quiet"])
    case "cache": try potstill([command] + paths + ["--quiet"])
    case "compress":
      let task = value("--task", in: words)
      if let model = value("--model", in: words) { try make(model: model, task, value("--data", in: words)) }
      // Words alone are cut at once, and other commands go on with what is left.
      try potstill([command] + paths + (task == nil ? ["--quiet"] : ["--dry-run"]))
    case "ablate":
      let varied = paths.indices.filter { paths[$0] == "--vary" }.map { "--" + paths[$0 + 1] }
      for recipe in recipes { try potstill(["distill", recipe, "--dry-run"] + varied) }
    case "compare": break
    default: Issue.record("\(command) is not expected here")
    }
  }

  /// Writes a recipe whose paths are below the folder, and makes the data and the teachers it names.
  func write(recipe text: String, as name: String) throws -> String {
    let file = folder.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    let lines = text.split(separator: "\n")
    func value(_ key: String, in line: some StringProtocol) -> String? {
      let parts = line.components(separatedBy: key + ": ")
      return parts.count < 2 ? nil : String(parts[1].drop { $0 == "[" }.prefix { !",}]".contains($0) })
    }
    for name in text.matches(of: /[a-z]+\.txt/) { try makeTexts(String(name.output)) }
    // The options of one task stand on lines of their own, those of several in braces.
    let whole = lines.joined(separator: ", ")
    let entries = text.contains("{task:") ? lines.filter { $0.contains("{task:") }.map(String.init) : [whole]
    for entry in entries {
      let (task, data) = (value("task", in: entry), value("data", in: entry))
      try prepare(task: task, data: data, file: value("train_file", in: entry))
      if let texts = value("unlabelled_file", in: entry), texts.hasSuffix(".tsv") { try makeTexts(texts) }
      if let teacher = value("teacher", in: entry), teacher.hasSuffix("/") {
        try make(model: teacher, task, data)
      }
    }
    try Data(lines.map { located($0) }.joined(separator: "\n").utf8).write(to: file)
    return file.path
  }

  // MARK: Paths

  private func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: name).path)
  }

  private func recipe(_ name: String) throws -> String {
    if name.hasPrefix(folder.path) { return name }
    let text = try String(contentsOf: Page.root.appending(path: "docs/results/" + name), encoding: .utf8)
    return try write(recipe: text, as: name)
  }

  /// The same words with folders (`teacher/`) and files (`more.txt`) below the folder of this world.
  private func located(_ words: some StringProtocol) -> String {
    String(words).replacing(/[A-Za-z0-9-]+(\/[A-Za-z0-9.-]*|\.(txt|tsv|jsonl))/) {
      self.folder.path + "/" + $0.0
    }
  }

  // MARK: Parts

  private func value(_ option: String, in words: [String]) -> String? {
    words.firstIndex(of: option).map { words[$0 + 1] }
  }

  /// Trains a model for a task, where there is none yet.
  private func make(model: String, _ task: String?, _ data: String?) throws {
    guard let task, let data, !exists(model) else { return }
    try run(["train", "--task", task, "--data", data, "--model", "minilm-l6/", "--output", model])
  }

  /// Sentences without labels, where there are none yet.
  private func makeTexts(_ name: String) throws {
    if exists(name) { return }
    let texts = TinyWorld.things.map { "the \($0) was not good ." }
    try Data((["sentence"] + texts).joined(separator: "\n").utf8).write(to: folder.appending(path: name))
  }

  /// Rows of a task, where there are none yet, and another training file that is asked for.
  private func prepare(task name: String?, data: String?, file: String?) throws {
    guard let name, let data else { return }
    let url = try TaskFilesTests.catalog.url(for: name)
    let task = try YAMLDecoder().decode(TaskDefinition.self, from: Data(contentsOf: url))
    let rows = folder.appending(path: data)
    if !exists(data) { try SampleRows(task: task).write(to: rows) }
    if let file, !exists(file), let train = task.trainFile {
      try FileManager.default.copyItem(at: rows.appending(path: train.path), to: folder.appending(path: file))
    }
  }

  private func potstill(_ arguments: [String]) throws {
    let run = PotstillCommandsTests.potstill(arguments, environment: environment)
    try #require(run.code == 0, "\(arguments): \(run.messages)")
  }
}
