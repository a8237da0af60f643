import Encoders
import Foundation
import ModelFormats
import Testing
import Tokenization

/// What `predict` and `evaluate` print and write of texts and labels that hold line ends, tabs and spaces; the models are
/// random.
@Suite struct PredictionFileTests {
  let world: TinyWorld

  init() throws { world = try TinyWorld() }

  private func model(_ name: String, _ head: TaskHead, _ labels: [String]) throws -> String {
    let base = world.folder.appending(path: "base")
    try TaskModel(directory: base, head: head, labels: labels, seed: 5)
      .save(to: world.folder.appending(path: name), tokenizer: loadTokenizer(directory: base))
    return world.path(name)
  }

  private func write(_ name: String, _ text: String) throws -> String {
    try Data(text.utf8).write(to: world.folder.appending(path: name))
    return world.path(name)
  }

  @Test func eachAnswerIsOneLineOfColumns() throws {
    let classifier = try model("classifier", .sequenceClassification, ["a\tb", "c\nd"])
    let run = potstill(["predict", "--model", classifier, "the film\nwas\tgood", "the room"])
    let lines = run.output.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    #expect(lines.count == 2 && lines[0].hasSuffix("\t" + #"the film\nwas\tgood"#))
    #expect(lines.allSatisfy { $0.split(separator: "\t").count == 3 })
    let tagger = try model("tagger", .tokenClassification, ["PER", "x\ny"])
    let entities = potstill(["predict", "--model", tagger, "the\nfilm was\ngood"])
    #expect(entities.code == 0, "\(entities.messages)")
    #expect(entities.output.split(separator: "\n").allSatisfy { $0.split(separator: "\t").count == 5 })
  }

  @Test func aTableWithoutRowsKeepsItsColumns() throws {
    let classifier = try model("classifier", .sequenceClassification, ["a", "b"])
    let input = try write("in.csv", "id,text\n")
    let run = potstill([
      "predict", "--model", classifier, "--input", input, "--output", world.path("out.csv"),
    ])
    #expect(run.code == 0, "\(run.messages)")
    #expect(try world.text("out.csv") == "id,text,prediction\n")
  }

  @Test func aTextThatBeginsWithABraceIsAText() throws {
    let classifier = try model("classifier", .sequenceClassification, ["a", "b"])
    let lines = ["the film", "{not} the room", #"{"text": "the film"}"#, "{"]
    let run = potstill(["predict", "--model", classifier], input: lines)
    #expect(run.code == 0, "\(run.messages)")
    #expect(
      run.output.split(separator: "\n").map { $0.split(separator: "\t")[2] } == [
        "the film", "{not} the room", "the film", "{",
      ])
    let lacking = potstill(["predict", "--model", classifier], input: [#"{"txt": "the film"}"#])
    #expect(lacking.code == 1 && lacking.messages.contains("found no \"text\""))
  }

  private func evaluate(_ lines: String, labels: String, model: String, output: String) throws -> JSONValue {
    let task = try write(
      "ner.yaml",
      "name: ner\nkind: token_classification\nformat: jsonl\nvalidation_file: \(try write("ner.jsonl", lines))\n"
        + "text_column: words\nlabel_column: tags\nlabels: \(labels)\n")
    let run = potstill([
      "evaluate", "--task", task, "--data", world.path("."), "--model", model, "--output", world.path(output),
      "--json",
    ])
    try #require(run.code == 0, "\(run.messages)")
    return try JSONValue(parsing: run.output)
  }

  @Test func wordsAndTypesWithSpacesAndLineEndsCanBeScored() throws {
    let model = try model(
      "tagger", .tokenClassification, ["O", "B-date of birth", "I-date of birth", "B-PER", "I-PER"])
    let lines = """
      {"words": ["the", "\\n", "film", "\\u2028", "was", "", " ", "good\\tbad"], "tags": ["B-date of birth", "I-date of birth", "O", "B-PER", "O", "O", "O", "B-PER"]}
      {"words": ["the", "room"], "tags": ["O", "B-PER"]}

      """
    let scores = try evaluate(lines, labels: "[date of birth, PER]", model: model, output: "out")
    let text = try world.text("out/predictions.txt")
    let sentences = text.components(separatedBy: "\n\n").filter { !$0.isEmpty }
    #expect(sentences.map { $0.split(separator: "\n", omittingEmptySubsequences: false).count } == [8, 2])
    #expect(
      text.contains("\\n\tI-date of birth\t") && text.contains("good\\tbad\tB-PER\t")
        && text.contains("\\u2028\t"))
    let tags = ["B-date of birth", "I-date of birth", "O", "B-PER", "O", "O", "O", "B-PER", "", "O", "B-PER"]
    let file = try write("gold.txt", tags.map { $0.isEmpty ? "\n" : "w\t\($0)\n" }.joined())
    let scored = potstill(["score", "--metric", "seqeval", "--json", world.path("out/predictions.txt"), file])
    #expect(scored.code == 0, "\(scored.messages)")
    #expect(scores["eval_overall_f1"] != nil)
  }

  @Test func wordsWithoutATokenAreNotScored() throws {
    let model = try model("tagger", .tokenClassification, ["O", "B-PER", "I-PER"])
    let with = """
      {"words": ["\\u200b", "the", "film", "\\u200b", "was", "\\u0001"], "tags": ["B-PER", "I-PER", "O", "B-PER", "O", "B-PER"]}

      """
    let without = """
      {"words": ["the", "film", "was"], "tags": ["I-PER", "O", "O"]}

      """
    let scores = try [with, without].enumerated().map {
      try evaluate($1, labels: "[PER]", model: model, output: "out\($0)")
    }
    for key in ["eval_overall_f1", "eval_PER_f1"] { #expect(scores[0][key] == scores[1][key]) }
    #expect(try world.text("out0/predictions.txt").split(separator: "\n").count == 6)
    // Nor do they change a tag of another word.
    let words = ["the", "film", "was", "very", "good", "soup", "not", "awful", "tea", "北", "room", "."]
    func line(_ words: [String]) -> String {
      let tags = JSONValue.array(words.map { _ in "O" })
      return (["words": .array(words.map { .string($0) }), "tags": tags] as JSONValue).compactText + "\n"
    }
    let sentences = (0..<8).map { first in (0..<12).map { words[($0 * 5 + first) % 12] } }
    let spaced = sentences.map { $0.flatMap { [$0, "\u{200B}"] } }
    _ = try evaluate(sentences.map(line).joined(), labels: "[PER]", model: model, output: "plain")
    _ = try evaluate(spaced.map(line).joined(), labels: "[PER]", model: model, output: "spaced")
    let tags = try ["plain", "spaced"].map { name in
      try world.text("\(name)/predictions.txt").split(separator: "\n").filter { !$0.hasPrefix("\u{200B}") }
    }
    #expect(tags[0] == tags[1] && tags[0].count == 96)
  }

  @Test func filesAreWrittenOverOnConsentOnly() throws {
    let classifier = try model("classifier", .sequenceClassification, ["a", "b"])
    let file = try write("states.safetensors", "precious")
    let predict = ["predict", "--model", classifier, "the film", "--hidden-states"]
    let refused = potstill(predict + [file])
    #expect(refused.code == 1 && refused.messages.contains("exists already") && refused.output.isEmpty)
    #expect(try world.text("states.safetensors") == "precious")
    #expect(potstill(predict + [file, "--overwrite-output-dir"]).code == 0)
    #expect(potstill(predict + [""]).code == 64)
    #expect(potstill(predict + [world.path("missing/x")]).messages.contains("does not exist"))

    let augment = [
      "augment", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--count", "3", "--output",
    ]
    let training = try world.text("data/train.tsv")
    for options in [[], ["--overwrite-output"]] {
      #expect(potstill(augment + [world.path("data/train.tsv")] + options).code == 1)
      #expect(try world.text("data/train.tsv") == training)
    }
    #expect(potstill(augment + [""]).code == 64)
    _ = try write("more.recipe.yaml", "precious")
    let beside = potstill(augment + [world.path("more.txt")])
    #expect(
      beside.code == 1 && beside.messages.contains("more.recipe.yaml exists already"), "\(beside.messages)")
    #expect(!FileManager.default.fileExists(atPath: world.path("more.txt")))
  }

  @Test func moreNewTextsThanTheMemoryHoldsAreRefused() {
    let augment = [
      "augment", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--output",
      world.path("a.txt"),
    ]
    for options in [
      ["--count", "1000000000000000000"], ["--copies", "9223372036854775807"],
      ["--count", "9223372036854775807"],
    ] {
      let run = potstill(augment + options)
      #expect(run.code == 1 && run.messages.contains("the memory holds about"), "\(run.messages)")
    }
    // What yields nothing new ends: a text of five words has few masked forms.
    let copies = potstill(augment + ["--copies", "2000", "--methods", "masking"])
    #expect(copies.code == 0, "\(copies.messages)")
  }

  @Test func aStudentHasTheTasksNamesWhereItsTeacherHasNone() throws {
    let teacher = try model("teacher", .sequenceClassification, ["LABEL_0", "LABEL_1"])
    let run = potstill([
      "distill", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--teacher", teacher,
      "--student", "T1",
      "--output", world.path("student"), "--max-steps", "1", "--eval-strategy", "no",
    ])
    try #require(run.code == 0, "\(run.messages)")
    #expect(try world.text("student/config.json").contains(#""0": "negative""#))
  }

  @Test func theLimitOfExamplesCountsTextsWithoutLabels() throws {
    let teacher = try model("teacher", .sequenceClassification, ["negative", "positive"])
    for (limit, expected) in [("10", 10), ("34", 34), ("1000", 37)] {
      let run = potstill([
        "distill", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--teacher", teacher,
        "--student", "T1",
        "--output", world.path("student-\(limit)"), "--max-steps", "1", "--eval-strategy", "no",
        "--unlabelled-file",
        world.path("data/more.tsv"), "--max-train-samples", limit,
      ])
      try #require(run.code == 0, "\(run.messages)")
      let results = try JSONValue(parsing: world.text("student-\(limit)/train_results.json"))
      #expect(results["train_samples"]?.intValue == expected)
      #expect(run.messages.contains("leaves out") == (expected < 37), "\(run.messages)")
    }
  }
}
