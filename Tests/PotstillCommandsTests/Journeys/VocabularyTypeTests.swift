import Foundation
import ModelFormats
import TestSupport
import Testing

/// `potstill vocab --type`: kinds of vocabularies other than WordPiece.
@Suite struct VocabularyTypeTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    // Some lines have two spaces beside each other.
    let lines = TinyWorld.plainLines.map { $0.replacing("the ", with: "the  ") }
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: URL(filePath: world.path("text.txt")))
  }

  private func vocab(_ type: String, _ more: String...) -> ToolRun {
    potstill(
      ["vocab", "--type", type, "--input", world.path("text.txt"), "--output", world.path(type), "--json"]
        + more)
  }

  private func tokens(_ type: String, _ text: String) throws -> JSONValue? {
    let run = potstill(["tokenize", "--model", world.path(type), "--json", text])
    return try JSONValue(parsing: run.output)["tokens"]
  }

  private func files(_ type: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: world.path(type)).sorted()
  }

  @Test func bytePairsAreLearntFromText() throws {
    let run = vocab("bpe", "--vocab-size", "400")
    try #require(run.code == 0, "\(run.messages)")
    #expect(try JSONValue(parsing: run.output)["vocab_size"]?.intValue ?? 0 <= 400)
    #expect(try files("bpe") == ["merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"])
    #expect(try tokens("bpe", "The tea <mask>") == ["<s>", "The", "Ġtea", " <mask>", "</s>"])
  }

  @Test func piecesAreLearntFromText() throws {
    let run = vocab("unigram", "--vocab-size", "70", "--initial-alphabet", "é")
    try #require(run.code == 0, "\(run.messages)")
    // As tokenizers learns of this text, which has no more pieces that matter.
    #expect(try JSONValue(parsing: run.output)["vocab_size"] == 48)
    #expect(run.messages.contains("no more pieces that matter"), "\(run.messages)")
    #expect(try files("unigram") == ["tokenizer.json", "tokenizer_config.json"])
    #expect(try tokens("unigram", "weak  lovely <mask>") == ["<s>", "▁weak", "▁lovely", " <mask>", "</s>"])
    #expect(try tokens("unigram", "Ω é") == ["<s>", "▁", "Ω", "▁", "é", "</s>"])
    let small = vocab("unigram", "--vocab-size", "20", "--overwrite-output-dir")
    #expect(small.code == 1 && small.messages.contains("expected at least"), "\(small.messages)")
  }

  @Test func aModelIsPretrainedOverPieces() throws {
    #expect(vocab("unigram", "--vocab-size", "70").code == 0)
    let shape =
      #"{"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64}"#
    try Data(shape.utf8).write(to: URL(filePath: world.path("shape.json")))
    let run = potstill([
      "pretrain", "--output", world.path("base2"), "--max_seq_length", "16", "--input",
      world.path("text.txt"),
      "--tokenizer", world.path("unigram"), "--config", world.path("shape.json"), "--line-by-line",
      "--max-steps",
      "2", "--json",
    ])
    try #require(run.code == 0, "\(run.messages)")
    #expect(
      try JSONValue(contentsOf: URL(filePath: world.path("base2/config.json")))["vocab_size"] == 47)
  }

  @Test func optionsOfAnotherKindAreNamed() {
    for (type, more, expected) in [
      ("bpe", ["--limit-alphabet", "50"], "--limit-alphabet goes with --type wordpiece, and this is bpe"),
      (
        "unigram", ["--min-frequency", "3"],
        "--min-frequency goes with --type wordpiece or bpe, and this is unigram"
      ),
      ("bpe", ["--initial-alphabet", "é"], "--initial-alphabet goes with --type wordpiece or unigram"),
      ("unigram", ["--cased"], "--cased goes with --type wordpiece"),
      ("bpe", ["--special-tokens", "<s>", "</s>", "<pad>", "<mask>"], "--special-tokens lacks <unk>"),
      ("words", [], "The value 'words' is invalid for '--type <type>'"),
    ] {
      let run = potstill(
        ["vocab", "--type", type, "--input", world.path("text.txt"), "--output", world.path("no")] + more)
      #expect(run.code == 64 && run.messages.contains(expected), "\(run.messages)")
    }
  }
}
