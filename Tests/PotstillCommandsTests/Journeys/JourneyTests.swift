import Foundation
import ModelFormats
import PotstillCommands
import Tasks
import Testing

/// The road of a user, end to end, on a model and data made on the spot.
@Suite struct JourneyTests {
  let world: TinyWorld
  let task: [String]

  init() throws {
    world = try TinyWorld()
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

  @Test func trainDistillEvaluatePredictCompare() throws {
    // Train, with Hugging Face's spellings.
    let teacher = world.path("teacher")
    let trained = potstill(
      ["train", "--model_name_or_path", world.path("base"), "--output_dir", teacher, "--seed=3", "--json"]
        + task)
    try #require(trained.code == 0, "\(trained.messages)")
    let results = try json(trained.output)
    for key in [
      "eval_accuracy", "eval_f1", "eval_loss", "train_runtime", "train_samples_per_second",
      "train_tokens_per_second", "peak_rss_mb", "epoch",
    ] { #expect(results[key]?.doubleValue != nil, "\(key) is missing.") }
    #expect(results["eval_accuracy"]?.doubleValue ?? 0 >= 0.9)
    #expect(try json(world.text("teacher/all_results.json")) == results)
    #expect(try world.text("teacher/metrics.jsonl").split(separator: "\n").count >= 12)
    for file in ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt", "recipe.yaml"] {
      #expect(FileManager.default.fileExists(atPath: teacher + "/" + file), "\(file) is missing.")
    }

    // A folder that holds something is not touched.
    let before = try world.text("teacher/recipe.yaml")
    let refused = potstill(["train", teacher + "/recipe.yaml"])
    #expect(refused.code == 1)
    #expect(refused.messages.contains("is not empty"))
    #expect(try world.text("teacher/recipe.yaml") == before)

    // The recipe of the run runs again, flags winning, and gives the same model.
    let again = potstill(["train", teacher + "/recipe.yaml", "--output", world.path("again"), "--quiet"])
    #expect(again.code == 0, "\(again.messages)")
    #expect(again.messages.isEmpty)
    let weights = { (name: String) in
      try Data(contentsOf: URL(filePath: world.path(name + "/model.safetensors")))
    }
    #expect(try weights("teacher") == weights("again"))
    #expect(try world.text("again/recipe.yaml") == before.replacing(teacher, with: world.path("again")))

    // Distil, first dry.
    let distill = ["distill", "--teacher", teacher, "--student", "T1"] + task
    let dry = potstill(
      distill + ["--dry-run", "--match", #"{"layer_T": 2, "layer_S": 1, "loss": "hidden_mse"}"#])
    #expect(dry.code == 0, "\(dry.messages)")
    #expect(dry.output.contains("teacher layer 2") && dry.output.contains("student layer 1"))
    let student = world.path("student")
    let distilled = potstill(
      distill + [
        "--output", student, "--unlabelled_file", world.path("data/more.tsv"), "--hard_label_weight", "0.5",
      ])
    try #require(distilled.code == 0, "\(distilled.messages)")
    #expect(distilled.output.contains("speed-up"))
    #expect(try world.text("student/recipe.yaml").contains("hard_label_weight: 0.5\n"))
    let all = try json(world.text("student/all_results.json"))
    #expect(all["teacher_eval_accuracy"]?.doubleValue == results["eval_accuracy"]?.doubleValue)
    #expect(all["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)

    // Evaluate and compare agree with the run.
    let evaluated = potstill(["evaluate", "--model", student, "--json"] + task)
    #expect(try json(evaluated.output)["eval_accuracy"] == all["eval_accuracy"])
    let compared = potstill(["compare", "--json", teacher, student] + task)
    let rows = try compared.output.split(separator: "\n").map { try json(String($0)) }
    try #require(rows.count == 2, "\(compared.messages)")
    #expect(rows[0]["speedup"]?.doubleValue == 1)
    #expect(rows[1]["eval_accuracy"] == all["eval_accuracy"])
    let speeds = ["latency_p50_ms", "latency_p95_ms", "latency_p99_ms"].map { rows[1][$0]?.doubleValue ?? 0 }
    #expect(speeds[0] > 0 && speeds == speeds.sorted())
    #expect(InferenceSpeed.batchSizes.contains(rows[1]["best_batch"]?.intValue ?? 0))
    #expect(rows[1]["best_samples_per_second"]?.doubleValue ?? 0 > 0)

    try predictions(of: teacher)
    inspection(of: student)
  }

  private func predictions(of model: String) throws {
    let plain = potstill(["predict", "--model", model, "the film was lovely ."])
    #expect(plain.output.hasPrefix("positive\t0."))
    let lines = ["the tea was awful .", "", "the tea was great ."]
    let file = world.path("lines.txt")
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: file))
    let states = world.path("hidden.safetensors")
    let run = potstill(["predict", "--model", model, "--input", file, "--json", "--hidden_states", states])
    let objects = try run.output.split(separator: "\n").map { try json(String($0)) }
    try #require(objects.count == 3, "\(run.messages)")
    #expect(
      objects.map { $0["label"]?.stringValue ?? "" }.enumerated().filter { $0.offset != 1 }.map(\.element)
        == ["negative", "positive"])
    #expect(objects[0]["logits"]?.arrayValue?.count == 2)
    let hidden = try SafetensorsFile(path: states)
    #expect(hidden.tensors.map(\.name) == ["hidden.0", "hidden.1", "hidden.2"])
    #expect(hidden["hidden.2"]?.shape == [7 + 2 + 7, 16])
    let piped = potstill(
      ["predict", "--model", model, "--json"],
      input: [#"{"text": "the tea", "text_pair": "was great ."}"#, "the tea"])
    #expect(piped.output.split(separator: "\n").count == 2)

    let tokens = potstill(["tokenize", "--model", model, "--input", file, "--json"])
    #expect(tokens.output.split(separator: "\n").count == 3)
    let one = try json(potstill(["tokenize", "--model", model, "--json", "The 北京x"]).output)
    #expect(one["tokens"] == ["[CLS]", "the", "北", "京", "[UNK]", "[SEP]"])
    #expect(one["offsets"] == [[0, 0], [0, 3], [4, 5], [5, 6], [6, 7], [0, 0]])
  }

  private func inspection(of model: String) {
    let run = potstill(["inspect", model])
    #expect(run.code == 0)
    #expect(run.output.contains("labels: negative, positive"))
    #expect(run.output.contains("word_embeddings.weight"))
  }

  @Test func whatIsMissingIsNamedTogether() {
    let run = potstill(["distill", "--student", "T3"])
    #expect(run.code == 64)
    for option in ["--teacher", "--output", "--task", "--data"] { #expect(run.messages.contains(option)) }
  }

  @Test func aModelWithoutAHeadIsNoClassifier() throws {
    try FileManager.default.removeItem(atPath: world.path("base/model.safetensors"))
    let run = potstill(["predict", "--model", world.path("base"), "text"])
    #expect(run.code == 1)
    #expect(run.messages.contains("model.safetensors"))
  }

  @Test func faultsOfTheSettingsComeTogether() {
    let run = potstill(
      [
        "train", "--model", world.path("base"), "--output", world.path("out"), "--learning-rate=-1",
        "--warmup-ratio=2",
      ]
        + task)
    #expect(run.code == 1)
    #expect(run.messages.contains("learning_rate") && run.messages.contains("warmup_ratio"))
    #expect(!FileManager.default.fileExists(atPath: world.path("out")))
  }
}
