import Encoders
import Foundation
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
    #expect(potstill(augment).code == 0)
    #expect(try world.text("more.txt") == text)

    let distilled = potstill(
      [
        "distill", "--teacher", world.path("base"), "--student", "T1", "--output", world.path("student"),
        "--unlabelled-file", file, "--num-train-epochs", "1",
      ] + task)
    #expect(distilled.code == 0, "\(distilled.messages)")
    #expect(distilled.messages.contains("\(file): 25 examples"))
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
