import Encoders
import Foundation
import ModelFormats
import PotstillCommands
import Testing
import Tokenization

@Suite struct AugmentTests {
  let world: TinyWorld
  let task: [String]

  init() throws {
    world = try TinyWorld()
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  @Test func newTextsServeAsAPoolForTheTeacher() throws {
    let file = world.path("more.txt")
    let augment = ["augment", "--count", "25", "--seed", "3", "--output", file] + task
    let run = potstill(augment)
    #expect(run.code == 0, "\(run.messages)")
    let text = try world.text("more.txt")
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
    #expect(lines.count == 25 && Set(lines).count == 25)
    let known = try world.text("data/train.tsv").split(separator: "\n").map { $0.split(separator: "\t")[0] }
    #expect(Set(lines).isDisjoint(with: known))
    let again = potstill(augment)
    #expect(again.code == 1 && again.messages.contains("more.txt exists already"), "\(again.messages)")
    #expect(potstill(augment + ["--overwrite-output"]).code == 0)
    #expect(try world.text("more.txt") == text)

    let distilled = potstill(
      [
        "distill", "--teacher", world.path("base"), "--student", "T1", "--output", world.path("student"),
        "--unlabelled-file", file, "--num-train-epochs", "1",
      ] + task)
    #expect(distilled.code == 0, "\(distilled.messages)")
    #expect(distilled.messages.contains("\(file): 25 examples"))
  }

  /// A masked language model over the tiny vocabulary.
  private func maskedModel() throws -> String {
    let tokenizer = try BertTokenizer(directory: URL(filePath: world.path("base")))
    var config = EncoderConfig(
      vocabularySize: tokenizer.idLimit, hiddenSize: 8, layerCount: 1, attentionHeads: 2, intermediateSize: 8)
    config.maxPositions = 32
    config.head = .maskedLanguageModel
    let folder = world.folder.appending(path: "mlm")
    try TaskModel(config: config, seed: 1).save(to: folder, tokenizer: tokenizer)
    return folder.path
  }

  @Test func theRecipeBesideTheTextsMakesThemAgain() throws {
    let made = potstill(
      [
        "augment", "--output", world.path("more.txt"), "--copies", "2", "--mlm-model", try maskedModel(),
        "--methods", "masked_lm:3,deleting",
      ] + task)
    try #require(made.code == 0, "\(made.messages)")
    let recipe = try world.text("more.recipe.yaml")
    #expect(recipe.contains(#""candidates": 15"#) && recipe.contains("seed: 42"))
    let again = potstill(["augment", world.path("more.recipe.yaml"), "--output", world.path("again.txt")])
    #expect(again.code == 0, "\(again.messages)")
    let text = try world.text("more.txt")
    #expect(try world.text("again.txt") == text)
    try expectReplacedAndShortened(text)
    let unknown = potstill(["augment", "--output", world.path("x.txt"), "--methods", "deletin"] + task)
    #expect(unknown.code == 1 && unknown.messages.contains("did you mean deleting?"))
    let headless = potstill(
      [
        "augment", "--output", world.path("x.txt"), "--methods", "masked_lm", "--mlm-model",
        world.path("base"),
      ]
        + task)
    #expect(headless.code == 1 && headless.messages.contains("has no head for masked words"))
  }

  /// Checks the texts that `masked_lm:3,deleting` makes of the rows "the … was … .".
  private func expectReplacedAndShortened(_ text: String) throws {
    let rows = try world.text("data/train.tsv").split(separator: "\n").dropFirst()
      .map { $0.prefix { $0 != "\t" }.split(separator: " ") }
    let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
    #expect((51...2 * rows.count).contains(lines.count) && Set(lines).isDisjoint(with: rows))
    // Nouns and adjectives are replaced by words of the vocabulary, other words stay.
    let replaced = lines.filter { $0.count == 5 }
    let words = TinyWorld.things + TinyWorld.goodWords + TinyWorld.badWords
    let candidates = Set(words + ["the", "was", "not", "very", "北", "京"])
    for line in replaced {
      #expect(line[0] == "the" && line[2] == "was" && line[4] == ".", "\(line)")
      #expect(candidates.contains(String(line[1])) && candidates.contains(String(line[3])), "\(line)")
    }
    for place in [1, 3] {
      #expect(!Set(replaced.map { $0[place] }).isSubset(of: rows.map { $0[place] }), "place \(place)")
    }
    // Of the others words are missing, and what is left stands as it stood.
    let shortened = lines.filter { $0.count < 5 }
    for line in shortened {
      let isLeft = rows.contains { row in
        var rest = line[...]
        for word in row where word == rest.first { rest.removeFirst() }
        return rest.isEmpty
      }
      #expect(isLeft && !line.isEmpty, "\(line)")
    }
    #expect(replaced.count + shortened.count == lines.count)
    #expect(replaced.count > shortened.count && !shortened.isEmpty, "three to one")
  }

  @Test func distilMakesTheSameTextsInMemory() throws {
    let settings = [
      "--teacher", world.path("base"), "--student", "T1", "--num-train-epochs", "1", "--hard-label-weight",
      "1",
      "--augment", "deleting,masking:2", "--augment-copies", "3",
    ]
    let run = potstill(["distill", "--output", world.path("one")] + settings + task)
    try #require(run.code == 0, "\(run.messages)")
    let made = try #require(run.messages.firstMatch(of: /augmentation: (\d+) examples/)).1
    let count = try #require(Int(made))
    #expect((80...96).contains(count))
    let results = try JSONValue(parsing: world.text("one/all_results.json"))
    #expect(results["train_samples"]?.intValue == 32 + count)
    let again = potstill(["distill", world.path("one/recipe.yaml"), "--output", world.path("two")])
    try #require(again.code == 0, "\(again.messages)")
    #expect(
      try Data(contentsOf: URL(filePath: world.path("one/model.safetensors")))
        == Data(contentsOf: URL(filePath: world.path("two/model.safetensors"))))
    let idle = potstill(["distill", "--augment-copies", "3"] + task)
    #expect(idle.code == 64 && idle.messages.contains("no --augment"))
  }

  @Test func pairsAndSentencesOfWordsBecomeJSONLines() throws {
    let pairs = "a\tb\tlabel\nthe film was good .\tthe room was bad .\t1\nthe tea was fine .\tnot good\t0\n"
    try Data(pairs.utf8).write(to: URL(filePath: world.path("data/pairs.tsv")))
    try Data(
      """
      {name: pairs, kind: pair, train_file: pairs.tsv, text_column: a, text_pair_column: b, labels: [no, yes],
       label_values: {"0": no, "1": yes}, metrics: [accuracy], max_seq_length: 24}
      """.utf8
    ).write(to: URL(filePath: world.path("pairs.yaml")))
    let words = "the O\nfilm B-X\n. O\n\ngood O\ntea B-X\nroom I-X\n"
    try Data(words.utf8).write(to: URL(filePath: world.path("data/words.txt")))
    try Data(
      """
      {name: words, kind: token_classification, format: conll, train_file: words.txt, labels: [X], scheme: BIO,
       metrics: [overall_f1], max_seq_length: 24}
      """.utf8
    ).write(to: URL(filePath: world.path("words.yaml")))
    for name in ["pairs", "words"] {
      let task = ["--task", world.path(name + ".yaml"), "--data", world.path("data")]
      let methods = ["--methods", "short_disorder,deleting", "--copies", "4"]
      let refused = potstill(["augment", "--output", world.path("x.txt")] + methods + task)
      #expect(refused.code == 1 && refused.messages.contains(".jsonl"), "\(refused.messages)")
      let file = world.path(name + ".jsonl")
      let made = potstill(["augment", "--output", file] + methods + task)
      try #require(made.code == 0, "\(made.messages)")
      let line = try JSONValue(parsing: String(try world.text(name + ".jsonl").split(separator: "\n")[0]))
      #expect(name == "pairs" ? line["text_pair"] != nil : line["words"]?.arrayValue != nil)
      let teacher = world.path(name + "-teacher")
      let trained = potstill(
        ["train", "--model", world.path("base"), "--output", teacher, "--num-train-epochs", "1"] + task)
      try #require(trained.code == 0, "\(trained.messages)")
      let distilled = potstill(
        [
          "distill", "--teacher", teacher, "--student", "T1", "--output", world.path(name + "-student"),
          "--unlabelled-file", file, "--num-train-epochs", "1", "--hard-label-weight", "1",
        ] + task)
      #expect(distilled.code == 0, "\(distilled.messages)")
    }
  }

  @Test func asksForWhatItNeeds() {
    #expect(potstill(["augment", "--count", "0", "--output", world.path("x.txt")] + task).code == 64)
    let many = potstill(["augment", "--count", "100000000", "--output", world.path("x.txt")] + task)
    #expect(many.code == 1 && many.messages.contains("new texts, fewer than --count"))
    #expect(!FileManager.default.fileExists(atPath: world.path("x.txt")))
    let nowhere = potstill(["augment", "--output", world.path("no/such/x.txt")] + task)
    #expect(nowhere.code == 1 && nowhere.messages.contains("cannot be written"))
  }

  @Test func aPairNeedsAModelWithTwoSegments() throws {
    let tokenizer = try BertTokenizer(directory: URL(filePath: world.path("base")))
    var config = EncoderConfig(
      vocabularySize: tokenizer.idLimit, hiddenSize: 8, layerCount: 1, attentionHeads: 2, intermediateSize: 8)
    config.segmentCount = 1
    let folder = world.folder.appending(path: "single")
    try TaskModel(config: config, seed: 1).save(to: folder, tokenizer: tokenizer)
    let run = potstill(
      ["predict", "--model", folder.path], input: [#"{"text": "the tea", "text_pair": "was good"}"#])
    #expect(run.code == 1)
    #expect(run.messages.contains("has type_vocab_size 1; expected a model that tells two segments apart"))
    #expect(potstill(["predict", "--model", folder.path, "the tea"]).code == 0)
  }
}
