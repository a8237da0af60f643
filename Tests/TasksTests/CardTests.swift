import Datasets
import Encoders
import Evaluation
import Foundation
import ModelFormats
import Tasks
import TestSupport
import Testing
import Training
import Yams

/// Model cards: the YAML that they are written in, their facts, and files of others.
@Suite struct CardTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  /// What a reader of YAML sees of a head.
  private func read(_ yaml: String) throws -> JSONValue {
    JSONValue(try #require(try Yams.compose(yaml: yaml)))
  }

  private func head(of card: String) throws -> JSONValue {
    let parts = card.components(separatedBy: "---\n")
    try #require(parts.count >= 3 && parts[0].isEmpty, "\(card)")
    return try read(parts[1])
  }

  // MARK: YAML

  @Test(arguments: [
    "plain", "nyu-mll/glue", "two words", "no", "NO", "y", "null", "~", "", " ", " leading", "trailing ", "1",
    "1e5",
    "0x1F", "1_000", "2024-01-01", "12:30", "a: b", "a:b", "a #b", "# a", "- a", "-", "a-", "? a", "[a]",
    "{a}", "*a", "&a", "!a",
    "%a", "@a", "`a`", "|", ">", "'", "\"", "say \"hi\", don't", "back\\slash", "tab\tab", "line\nbreak",
    "\r", "\u{0}",
    "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}", "a\u{FEFF}b", "情感：正面", "😀", "...", "---", ".nan", ".inf", "=",
    "<<",
    "e5", "Infinity",
  ])
  func aStringIsItselfAgain(_ text: String) throws {
    let value: JSONValue = [
      "text": .string(text), "list": [.string(text), ["key": .string(text)], [.string(text)]],
    ]
    #expect(try read(value.yamlText) == value, "\(value.yamlText)")
    var named = JSONObject()
    named[text] = 1
    #expect(try read(JSONValue.object(named).yamlText)["\(text)"] == 1, "\(JSONValue.object(named).yamlText)")
  }

  @Test func numbersHaveThePointThatPyYAMLAsksFor() throws {
    let value: JSONValue = [
      "small": .double(1e-5), "large": .double(1e20), "half": .double(0.5), "one": .double(1),
      "none": .double(.nan),
      "empty": [], "nothing": .object(JSONObject()), "whole": 7, "yes": true,
    ]
    #expect(
      value.yamlText == """
        small: 1.0e-05
        large: 1.0e+20
        half: 0.5
        one: 1.0
        none: null
        empty: []
        nothing: {}
        whole: 7
        "yes": true

        """)
  }

  // MARK: Facts

  private func facts(_ task: TaskDefinition, _ scores: [Score]) -> CardFacts {
    var config = EncoderConfig(
      vocabularySize: 10, hiddenSize: 8, layerCount: 1, attentionHeads: 2, intermediateSize: 16)
    config.head = task.kind.head
    var facts = CardFacts(title: "student", task: task, config: config, training: TrainingConfig())
    facts.evaluation = EvaluationResult(loss: 0.25, metrics: scores, examples: 1234, runtime: 1)
    return facts
  }

  @Test(arguments: [
    ("classification", ["accuracy", "f1_macro"], "text-classification", ["accuracy", "f1"]),
    ("pair", ["accuracy"], "text-classification", ["accuracy"]),
    ("multi_label", ["f1_micro", "f1_macro"], "text-classification", ["f1"]),
    ("regression", ["pearson", "spearmanr"], "text-classification", ["pearsonr", "spearmanr"]),
    ("sentence_similarity", ["spearmanr"], "sentence-similarity", ["spearmanr"]),
    (
      "token_classification", ["overall_f1", "overall_precision"], "token-classification",
      ["f1", "precision"]
    ),
    ("question_answering", ["exact_match", "f1"], "question-answering", ["exact_match", "f1"]),
    ("masked_lm", ["perplexity", "accuracy"], "fill-mask", ["perplexity", "accuracy"]),
  ])
  func everyKindHasItsPipelineScoresAndUse(
    kind: String, metrics: [String], pipeline: String, types: [String]
  ) throws {
    var task = TaskDefinition(
      name: "好: \"task\"", kind: try #require(TaskKind(rawValue: kind)), language: "zh", labels: ["a", "b"],
      metrics: metrics)
    (task.datasetName, task.datasetConfigName) = ("nyu-mll/glue", "sst2")
    let scores = metrics.enumerated().map { Score($1, Double($0) / 4 + 0.5) }
    // A score of one type of entities is in the table of classes.
    let text = ModelCard(facts(task, scores + [Score("PER_f1", 1), Score("nothing", .nan)])).text
    let head = try head(of: text)
    #expect(head["pipeline_tag"]?.stringValue == pipeline)
    #expect(head["library_name"] == "transformers" && head["language"] == "zh")
    #expect(head["tags"] == ["generated_from_trainer", "potstill"])
    #expect(head["datasets"] == ["nyu-mll/glue"])
    #expect(head["metrics"] == .array(types.map { .string($0) }))
    #expect(head["base_model"] == nil && head["license"] == nil)
    let index = try #require(head["model-index"]?.arrayValue?.first)
    #expect(index["name"] == "student")
    let result = try #require(index["results"]?.arrayValue?.first)
    #expect(result["task"]?["type"]?.stringValue == pipeline && result["task"]?["name"]?.stringValue != nil)
    #expect(
      result["dataset"] == [
        "name": .string(task.name), "type": "nyu-mll/glue", "config": "sst2", "split": "validation",
      ])
    let values = try #require(result["metrics"]?.arrayValue)
    #expect(values.map { $0["value"]?.doubleValue } == scores.map(\.value))
    #expect(
      values.allSatisfy { types.contains($0["type"]?.stringValue ?? "") && $0["name"]?.stringValue != nil })
    for heading in [
      "# student\n", "## Results\n", "```python\n", "```swift\n", "learning_rate: 5e-05\n", "- Potstill ",
    ] {
      #expect(text.contains(heading), "\(heading): \(text)")
    }
    #expect(text.contains("potstill predict --model student") == (kind != "masked_lm"))
    #expect(!text.contains("MODEL"), "\(text)")
    #expect(text.contains("`potstill export student --onnx --output student-onnx`:\n"))
  }

  /// A data set that the hub does not have is named by its format, and no scores make no index.
  @Test func ownDataHasNoIdAndNoScoresNoIndex() throws {
    let task = TaskDefinition(name: "tickets", format: .csv, labels: ["a", "b"])
    var facts = facts(task, [Score("accuracy", 0.5)])
    let dataset = try head(of: ModelCard(facts).text)["model-index"]?.arrayValue?[0]["results"]?.arrayValue?[
      0]["dataset"]
    #expect(dataset == ["name": "tickets", "type": "csv", "split": "validation"])
    facts.evaluation = nil
    let head = try head(of: ModelCard(facts).text)
    for key in ["datasets", "metrics", "model-index", "language"] { #expect(head[key] == nil, "\(key)") }
  }

  @Test func modelsThatTransformersLacksSaySo() throws {
    var facts = facts(TaskDefinition(name: "t", labels: ["a", "b"]), [])
    facts.config.architecture = .bigru
    let text = ModelCard(facts).text
    #expect(try head(of: text)["library_name"] == "potstill")
    #expect(
      text.contains("`transformers` does not know models of the type `bigru`") && !text.contains("In Python"))
    #expect(text.contains("onnxruntime.InferenceSession(\"student-onnx/onnx/model.onnx\")"))
  }

  @Test func namesAreNoMarkupAndNoCode() throws {
    var facts = facts(TaskDefinition(name: "t", labels: ["<b>|*x*", "b"]), [Score("accuracy", 1)])
    facts.title = "my `odd\" $(name)"
    facts.report = ClassReport(rows: [
      ClassReport.Row(name: "<b>|*x*\n", precision: 1, recall: 1, f1: 1, support: 3)
    ])
    let text = ModelCard(facts).text
    #expect(text.contains("| \\<b\\>\\|\\*x\\*  | 1.0 | 1.0 | 1.0 | 3 |"), "\(text)")
    #expect(text.contains("# my \\`odd\" \\$(name)\n") && text.contains("--model MODEL_DIR"), "\(text)")
  }

  @Test func hyperparametersAreThoseOfTheRun() throws {
    var facts = facts(TaskDefinition(name: "t", labels: ["a", "b"]), [])
    facts.training?.gradientAccumulationSteps = 4
    facts.training?.warmupRatio = 0.1
    facts.training?.labelSmoothingFactor = 0.2
    facts.training?.maxSteps = 30
    let text = ModelCard(facts).text
    for line in [
      "train_batch_size: 8", "total_train_batch_size: 32", "lr_scheduler_warmup_ratio: 0.1",
      "training_steps: 30",
      "optimizer: adamw_torch with betas=(0.9,0.999) and epsilon=1e-08", "label_smoothing_factor: 0.2",
    ] { #expect(text.contains("- \(line)\n"), "\(line): \(text)") }
    #expect(!text.contains("logging_steps") && !text.contains("num_epochs"))
  }

  // MARK: History

  @Test func evaluationsAreReadFromTheLog() throws {
    let file = folder.url.appending(path: "metrics.jsonl")
    let lines = [
      #"{"step": 2, "epoch": 0.5, "eval_loss": 0.75, "eval_a/accuracy": 0.5, "eval_b/accuracy": 0.25, "eval_samples": 8}"#,
      #"{"step": 3, "epoch": 0.75, "loss": 1.5}"#, #"{"step": 4, "epoch": 1.0, "loss": 1.25}"#,
      #"{"step": 4, "epoch": 1.0, "eval_loss": 0.5, "eval_a/accuracy": 0.75, "eval_a/loss": 0.125, "eval_samples": 8}"#,
    ]
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
    let entries = EvaluationHistory(of: file, task: "a").entries
    #expect(entries.map(\.step) == [2, 4] && entries.map(\.trainingLoss) == [nil, 1.25])
    #expect(entries.map(\.validationLoss) == [0.75, 0.125])
    #expect(entries.map { $0.scores["accuracy"] } == [0.5, 0.75])
    var facts = facts(TaskDefinition(name: "t", labels: ["a", "b"]), [])
    facts.history = EvaluationHistory(of: file, task: "a")
    #expect(
      ModelCard(facts).text.contains(
        """
        | Training Loss | Epoch | Step | Validation Loss | Accuracy |
        | ---: | ---: | ---: | ---: | ---: |
        | No log | 0.5 | 2 | 0.75 | 0.5 |
        | 1.25 | 1.0 | 4 | 0.125 | 0.75 |
        """))
    #expect(EvaluationHistory(of: folder.url.appending(path: "nosuch")).entries.isEmpty)
  }

  // MARK: Other models

  private func write(_ path: String, _ text: String) throws {
    let url = folder.url.appending(path: path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  private func model(_ path: String, config: String = "{}", card: String? = nil) throws -> CardModel {
    try write("\(path)/config.json", config)
    try write("\(path)/model.safetensors", "")
    if let card { try write("\(path)/README.md", card) }
    return CardModel(folder.url.appending(path: path).path, environment: ["HOME": "/nowhere"])
  }

  @Test func aModelIsKnownByItsNameOnTheHub() throws {
    let commit = "hub/models--org--name/snapshots/0123"
    #expect(try model(commit).repository == "org/name")
    try write("hub/models--org--name/refs/main", "0123")
    let cached = CardModel(
      "org/name", environment: ["HF_HUB_CACHE": folder.url.appending(path: "hub").path])
    #expect(cached.repository == "org/name" && cached.name == "org/name")
    #expect(cached.link == "[org/name](https://huggingface.co/org/name)")
    for (written, found) in [
      ("google-bert/bert-base-uncased", "google-bert/bert-base-uncased"),
      ("bert-base-uncased", "bert-base-uncased"),
      ("distilbert-base-uncased", "distilbert-base-uncased"), ("teacher", nil), ("/home/ada/teacher", nil),
      ("./org/name", nil), ("a/b/c", nil), ("", nil),
    ] {
      let other = try model("made", config: #"{"_name_or_path": "\#(written)"}"#)
      #expect(other.repository == found && other.name == "made", "\(written)")
    }
    let nowhere = CardModel("somewhere/else/", environment: ["HOME": "/nowhere"])
    #expect(nowhere.repository == nil && nowhere.name == "else" && nowhere.link == "`else`")
  }

  @Test func theLicenseIsThatOfTheOtherCard() throws {
    let free = try model("a", card: "---\nlicense: apache-2.0\nlanguage:\n- en\n- zh\n---\n# A\n")
    #expect(free.license["license"] == "apache-2.0" && free.languages == ["en", "zh"])
    let other = try model(
      "b",
      card:
        "---\r\nlicense: other\r\nlicense_name: own\r\nlicense_link: https://example.org/l\r\nlanguage: de\r\n---\r\n"
    )
    #expect(
      JSONValue.object(other.license) == [
        "license": "other", "license_name": "own", "license_link": "https://example.org/l",
      ])
    #expect(other.languages == ["de"])
    let near = try model("c", card: "---\nlicense: other\nlicense_link: LICENSE\n---\n")
    #expect(JSONValue.object(near.license) == ["license": "other"])
    for card in [
      "# no head\n", "---\nlicense: apache-2.0\n", "---\nlicense: {a: b}\n---\n", "---\n: : [\n---\n",
      "---\n---\n", "",
    ] {
      #expect(try model("d", card: card).license.isEmpty, "\(card)")
    }
    var facts = facts(TaskDefinition(name: "t", labels: ["a", "b"]), [])
    facts.bases = [free]
    let head = try head(of: ModelCard(facts).text)
    #expect(head["license"] == "apache-2.0" && head["language"] == ["en", "zh"] && head["base_model"] == nil)
  }

  // MARK: Files

  @Test func aCardTakesThePlaceOfCardsAlone() throws {
    var head = JSONObject()
    head["library_name"] = "potstill"
    var card = ModelCard(metadata: head, title: "a")
    let file = folder.url.appending(path: ModelCard.fileName)
    func text() throws -> String { try String(contentsOf: file, encoding: .utf8) }
    #expect(try card.write(to: folder.url) && text() == card.text && !ModelCard.isOwned(in: folder.url))
    card.title = "b"
    #expect(try card.write(to: folder.url) && text() == card.text)
    let own = card.text.split(separator: "\n", omittingEmptySubsequences: false)
      .filter { !$0.hasPrefix("<!--") }.joined(separator: "\n")
    for user in [own, "# Mine\n", "", "Written by <!-- Generated by Potstill -->\n"] {
      try write("README.md", user)
      #expect(ModelCard.isOwned(in: folder.url), "\(user)")
      #expect(try !card.write(to: folder.url) && text() == user)
    }
    try Data([0xFF, 0xFE, 0x00]).write(to: file)
    #expect(try !card.write(to: folder.url))
  }
}
