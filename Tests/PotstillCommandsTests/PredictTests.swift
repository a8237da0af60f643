import Encoders
import Foundation
import ModelFormats
import Testing
import Tokenization

/// `potstill predict` with a model that answers questions; the model is random, so thresholds decide what it says.
@Suite struct PredictTests {
  let world: TinyWorld

  init() throws {
    world = try TinyWorld()
    let base = world.folder.appending(path: "base")
    let model = try TaskModel(directory: base, head: .questionAnswering, seed: 3)
    try model.save(to: world.folder.appending(path: "qa"), tokenizer: loadTokenizer(directory: base))
  }

  private let passage = "the film was good ."

  private func predict(_ arguments: [String], input: [String] = []) -> ToolRun {
    potstill(["predict", "--model", world.path("qa"), "--json"] + arguments, input: input)
  }

  @Test func emptyQuestionsAndPassagesAreNamed() throws {
    for (texts, expected) in [
      (["the film", ""], "text 2 of the command line: found an empty passage, expected some text"),
      (["the film", " \t\u{3000}"], "text 2 of the command line: found an empty passage"),
      (["the film", passage, " ", passage], "text 3 of the command line: found an empty question"),
    ] {
      let run = predict(texts)
      #expect(run.code == 1 && run.messages.contains(expected), "\(run.messages)")
      #expect(run.output.isEmpty)
    }
    let rows = [
      #"{"question": "the film", "context": "\#(passage)"}"#, #"{"question": "the film", "context": ""}"#,
    ]
    let piped = predict([], input: rows)
    #expect(
      piped.code == 1 && piped.messages.contains("standard input:2: found an empty passage"),
      "\(piped.messages)")
    let file = world.folder.appending(path: "rows.jsonl")
    try Data((rows.joined(separator: "\n") + "\n").utf8).write(to: file)
    let read = predict(["--input", file.path])
    #expect(read.messages.contains("rows.jsonl:2: found an empty passage"), "\(read.messages)")
  }

  @Test func noAnswerIsGivenByItsThreshold() throws {
    func answer(_ options: String...) throws -> JSONValue {
      let run = predict(options + ["the film", passage])
      try #require(run.code == 0, "\(run.messages)")
      return try JSONValue(parsing: run.output)
    }
    let plain = try answer()
    let always = try answer("--version_2_with_negative", "--null_score_diff_threshold", "1000")
    let never = try answer("--version-2-with-negative", "--null-score-diff-threshold", "-1000")
    #expect(plain["null_score_diff"] == nil && plain["answer"]?.stringValue != "")
    #expect(always["answer"] == plain["answer"] && always["start"] == plain["start"])
    #expect(never["answer"] == "" && never["start"] == nil && never["end"] == nil)
    let difference = try #require(always["null_score_diff"]?.doubleValue)
    #expect(never["null_score_diff"]?.doubleValue == difference)
    // The usual threshold is 0.
    #expect(try answer("--version-2-with-negative")["answer"] == (difference > 0 ? never : always)["answer"])
    // Both are among the candidates whose probabilities make 1.
    let scores = try [always, never].map { try #require($0["score"]?.doubleValue) }
    #expect(scores.reduce(0, +) <= 1.0001 && scores.allSatisfy { $0 > 0 })
  }

  @Test func theOptionsOfNoAnswerBelongToQuestions() {
    let alone = predict(["--null-score-diff-threshold", "1", "the film", passage])
    #expect(alone.code == 64 && alone.messages.contains("--version-2-with-negative"), "\(alone.messages)")
    #expect(predict(["--max-answer-length", "0", "the film", passage]).code == 64)
    let other = potstill(["predict", "--model", world.path("base"), "--version-2-with-negative", "text"])
    #expect(other.code == 1 && other.messages.contains("models that answer questions"), "\(other.messages)")
  }
}
