import Datasets
import Encoders
import Foundation
import Tasks

/// Tiny models, data and recipes of every kind of command, and command lines that run in milliseconds.
final class ExtremesWorld {
  private let world: TinyWorld
  let scratch: URL

  init() throws {
    world = try TinyWorld()
    scratch = world.folder.appending(path: "scratch")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    let base = world.folder.appending(path: "base")
    for (name, head) in [("qa", TaskHead.questionAnswering), ("mlm", .maskedLanguageModel)] {
      let folder = world.folder.appending(path: name)
      try FileManager.default.copyItem(at: base, to: folder)
      var config = try TaskModel(directory: base).config
      config.head = head
      try TaskModel(config: config, seed: 3).save(to: folder)
    }
    let questions = TaskDefinition(
      name: "questions", kind: .questionAnswering, trainFile: DataFile("train.json"),
      validationFile: DataFile("dev.json"))
    try SampleRows(task: questions, name: "film").write(to: world.folder.appending(path: "questions"))
    try write("questions.yaml", Self.questionTask())
    try write("text.txt", String(repeating: "the film was good . the soup was very bad .\n", count: 40))
    try write("lengths.txt", "8\n6\n")
    try write("labels.txt", "1\n0\n")
    try write("odds.json", #"{"q0": 0.5}"#)
    try write(
      "gold.json",
      #"{"data": [{"paragraphs": [{"context": "a b", "qas": [{"id": "q0", "question": "?", "is_impossible": true, "answers": []}]}]}]}"#
    )
    try write("answers.json", #"{"q0": ""}"#)
    try write("full/file", "something")
    try write(
      "finished/report.json",
      """
      {"potstill": "1", "title": "t", "method": "distillation",
       "task": {"name": "t", "kind": "k", "labels": [], "metrics": []},
       "rows": {"train": 1, "labelled": 1, "validation": 0}, "models": [],
       "machine": {"processor": "p", "processors": 1, "threads": 1, "memory_bytes": 1}}
      """)
    try write(
      "fresh.json",
      #"{"model_type": "bert", "vocab_size": 26, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 32}"#
    )
    try write(
      "ablation.yaml",
      "model: \(path("base"))\ntask: \(path("tiny.yaml"))\ndata: \(path("data"))\nmax_steps: 0\n")
    try write(
      "plan.yaml", "model: \(path("base"))\ntask: \(path("tiny.yaml"))\ndata: \(path("data"))\nmax_steps: 2\n"
    )
  }

  var folder: URL { world.folder }

  func path(_ name: String) -> String { world.path(name) }

  func write(_ name: String, _ text: String) throws {
    let url = world.folder.appending(path: name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// A task of questions with some keys set otherwise.
  static func questionTask(_ more: String = "") -> String {
    "name: questions\nkind: question_answering\ntrain_file: train.json\nvalidation_file: dev.json\n" + more
  }

  private var task: [String] { ["--task", path("tiny.yaml"), "--data", path("data")] }
  private var questions: [String] { ["--task", path("questions.yaml"), "--data", path("questions")] }
  private static let windows: Set = [
    "doc-stride", "max-answer-length", "n-best-size", "null-score-diff-threshold",
  ]

  /// Command lines that make something of an option of a command, each without the option itself.
  func bases(_ command: [String], _ option: String) -> [[String]] {
    let isAboutWindows = Self.windows.contains(option)
    let data = isAboutWindows ? questions : task
    let model = path(isAboutWindows ? "qa" : "base")
    let output = ["--output", path("scratch/\(UUID().uuidString)")]
    let steps = option == "num-train-epochs" ? [] : ["--max-steps", "2"]
    switch command.joined(separator: " ") {
    case "demo": return [["demo", "--output", path("full")]]
    case "init": return [["init", path("data/train.tsv")]]
    case "vocab": return [["vocab", "--input", path("text.txt")] + output]
    case "pretrain":
      let start = ["pretrain"] + output + steps + ["--max-seq-length", "16"]
      let fresh =
        start + ["--input", path("text.txt"), "--config", path("fresh.json"), "--tokenizer", path("base")]
      let student = ["--input", path("text.txt"), "--teacher", path("mlm"), "--student", "T1"]
      return [option.hasPrefix("alpha") || option == "temperature" ? start + student : fresh]
    case "train": return [["train", "--model", model] + data + output + steps + Self.extra(option)]
    case "distill":
      let start =
        ["distill", "--teacher", model] + data + output + steps
        + (option.hasPrefix("hard") || Self.theseus.contains(option) ? [] : ["--hard-label-weight", "0.5"])
      return Self.students(option).map { start + ["--student", $0] + Self.extra(option) }
    case "multitask":
      let entry =
        #"{"task": "\#(path("tiny.yaml"))", "data": "\#(path("data"))", "teacher": "\#(path("base"))"}"#
      return [
        ["multitask", "--tasks", "[\(entry)]", "--student", "T1"] + output + steps + Self.extra(option)
      ]
    case "compress":
      return [
        ["compress", "--model", model, "--methods", "ffn=50%,int8", "--distill", "none"] + data + output
      ]
    case "verify": return [["verify", path("base")]]
    case "ablate": return [["ablate", path("ablation.yaml")] + output]
    case "plan": return [["plan", path("plan.yaml")] + (option == "ranks" ? ["--network", "1Gb"] : [])]
    case "cache": return [["cache", "--teacher", model] + data + output]
    case "augment":
      return [
        ["augment"] + task + ["--output", path("scratch/\(UUID().uuidString).tsv"), "--methods", "deleting"]
      ]
    case "evaluate": return [["evaluate", "--model", model] + data]
    case "compare": return [["compare", model] + data]
    // Questions are refused, so that options of their windows end there.
    case "robustness": return [["robustness", "--model", model] + data]
    case "predict":
      return [
        ["predict", "--model", path("base"), "the film was good"],
        ["predict", "--model", path("base"), "--window", "mean", "the film was good"],
        ["predict", "--model", path("qa"), "--version-2-with-negative", "the film was", "the film was good"],
      ]
    case "tasks": return [["tasks"]]
    case "doctor": return [["doctor"]]
    // A server ends by itself when it cannot listen, as at an address of nobody (RFC 5737).
    case "serve": return [["serve", "--model", path("base"), "--host", "192.0.2.1"]]
    case "score":
      return [
        [
          "score", "--metric", "squad_v2", "--na-prob-file", path("odds.json"), path("answers.json"),
          path("gold.json"),
        ]
      ]
    case "tokenize":
      return [
        ["tokenize", "--model", path("base"), "the film was good"],
        ["tokenize", "--model", path("base"), "--input", path("text.txt"), "--json"],
      ]
    case "inspect": return [["inspect", path("base")]]
    case "export": return [["export", path("base"), "--onnx"] + output]
    case "report":
      return [
        ["report", path("finished"), "--output", path("scratch/\(UUID().uuidString).html")]
          + (option == "teacher" ? ["--attention", "1"] : [])
      ]
    case "push": return [["push", path("base"), "owner/name"]]
    case "bench train-step", "bench infer", "bench distill-step":
      let shape = ["--shape", path("base")]
      let teacher = command[1] == "distill-step" ? ["--teacher", path("base"), "--match", "none"] : []
      let small = ["--batch", "2", "--steps", "1", "--warmup", "0"]
      let length = option == "length" ? [] : ["--lengths", path("lengths.txt")]
      return [command + shape + teacher + small + length]
    case "bench tokenize":
      return [command + ["--model", path("base"), "--input", path("text.txt")]]
    default: return []
    }
  }

  private static let theseus: Set = ["replacing-rate", "scheduler-linear-k", "steps-for-replacing"]

  private static func students(_ option: String) -> [String] {
    switch option {
    case "hidden-size", "embedding-size": ["T1", "BiGRU", "CNN"]
    case "num-hidden-layers": ["BiLSTM", "CNN"]
    default: ["T1"]
    }
  }

  /// What must be given too, so that an option counts.
  private static func extra(_ option: String) -> [String] {
    if theseus.contains(option) { return ["--theseus"] }
    if option.hasPrefix("augment-") { return ["--augment", "deleting"] }
    switch option {
    case "feature-epochs": return ["--match", "uniform"]
    case "feature-learning-rate", "feature-warmup-ratio":
      return ["--match", "uniform", "--feature-epochs", "0.3"]
    case "max-cache-gb": return ["--match", "uniform", "--cache-teacher-logits"]
    case "eval-steps": return ["--eval-strategy", "steps"]
    case "save-steps", "save-total-limit": return ["--save-strategy", "steps", "--save-steps", "1"]
    default: return []
    }
  }
}
