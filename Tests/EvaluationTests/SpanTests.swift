import Evaluation
import Foundation
import ModelFormats
import Testing

@Suite("Answer spans")
struct SpanTests {
  @Test("n-best lists, answers and null odds equal run_qa's")
  func goldens() throws {
    let cases = try Golden.list(Golden.load("spans.json"))
    #expect(cases.count >= 24)
    for (index, item) in cases.enumerated() {
      let options = try #require(item["options"])
      let decoder = SpanDecoder(
        nBestSize: try #require(options["n_best_size"]?.intValue),
        maxAnswerLength: try #require(options["max_answer_length"]?.intValue),
        allowsNoAnswer: try #require(options["no_answer"]?.boolValue as Bool?),
        nullScoreDiffThreshold: Float(try #require(options["threshold"]?.doubleValue)))
      let prediction = decoder.answer(
        context: try #require(item["context"]?.stringValue),
        windows: try Golden.list(item["windows"]).map(window))
      let expected = try #require(item["result"])
      #expect(Golden.same([prediction.text], [expected["text"]?.stringValue ?? "none"]), "case \(index)")
      #expect(
        prediction.nullScoreDiff.map(Double.init) == expected["null_score_diff"]?.doubleValue, "case \(index)"
      )
      let nBest = try Golden.list(expected["n_best"])
      try #require(prediction.nBest.count == nBest.count, "case \(index)")
      for (answer, expected) in zip(prediction.nBest, nBest) {
        #expect(Golden.same([answer.text], [expected["text"]?.stringValue ?? "none"]), "case \(index)")
        #expect(Double(answer.startLogit) == expected["start_logit"]?.doubleValue, "case \(index)")
        #expect(Double(answer.endLogit) == expected["end_logit"]?.doubleValue, "case \(index)")
        // numpy takes exp in float32.
        let probability = try #require(expected["probability"]?.doubleValue)
        #expect(abs(Double(answer.probability) - probability) < 1e-6, "case \(index)")
      }
    }
  }

  private func window(_ value: JSONValue) throws -> SpanWindow {
    SpanWindow(
      startLogits: try Golden.numbers(value["start"]).map(Float.init),
      endLogits: try Golden.numbers(value["end"]).map(Float.init),
      offsets: try Golden.list(value["offsets"]).map { pair in
        pair.isNull ? nil : try #require(pair[0]?.intValue)..<(try #require(pair[1]?.intValue))
      },
      isMaxContext: try value["max_context"].map { try Golden.list($0).map { $0.boolValue == true } })
  }

  @Test("the files have the names and fields of run_qa")
  func files() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "spans-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let window = SpanWindow(
      startLogits: [1, 5, 0, 2], endLogits: [1, 0, 6, 1], offsets: [nil, 0..<3, 4..<7, nil])
    let prediction = SpanDecoder(allowsNoAnswer: true).answer(context: "the cat", windows: [window])
    #expect(prediction.text == "the cat" && prediction.nullScoreDiff == -9)
    try SpanPrediction.write([("q2", prediction), ("q1", prediction)], to: folder)
    let texts = try JSONValue(contentsOf: folder.appending(path: "predictions.json"))
    #expect(texts == ["q2": "the cat", "q1": "the cat"])
    let lists = try JSONValue(contentsOf: folder.appending(path: "nbest_predictions.json"))
    #expect(lists["q1"]?[0]?.objectValue?.keys == ["start_logit", "end_logit", "text", "probability"])
    // the cat, the, cat (ends before it starts: none), and no answer.
    #expect(lists["q1"]?.arrayValue?.compactMap { $0["text"]?.stringValue } == ["the cat", "cat", "the", ""])
    #expect(try JSONValue(contentsOf: folder.appending(path: "null_odds.json"))["q2"]?.doubleValue == -9)
    let always = SpanDecoder().answer(context: "the cat", windows: [window])
    #expect(always.nullScoreDiff == nil && !always.nBest.contains { $0.text.isEmpty })
    try SpanPrediction.write([("q", always)], to: folder, prefix: "eval")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(
      names == [
        "eval_nbest_predictions.json", "eval_predictions.json", "nbest_predictions.json", "null_odds.json",
        "predictions.json",
      ])
  }

  @Test("a passage without a usable span gets run_qa's stand-in")
  func nothing() {
    let window = SpanWindow(startLogits: [3, 1], endLogits: [2, 1], offsets: [nil, nil])
    #expect(SpanDecoder().answer(context: "x", windows: [window]).text == "empty")
    let open = SpanDecoder(allowsNoAnswer: true).answer(context: "x", windows: [window])
    #expect(open.text.isEmpty && open.nullScoreDiff == 5 && open.nBest.map(\.text) == ["empty", ""])
  }

  @Test("a list without end has all answers, those of a short list first")
  func endlessList() {
    let logits = (0..<300).map { Float(($0 * 37) % 101) / 8 }
    let window = SpanWindow(
      startLogits: logits, endLogits: logits.reversed(), offsets: (0..<300).map { $0..<$0 + 1 })
    let context = String(repeating: "a", count: 300)
    for allowsNoAnswer in [false, true] {
      let all = SpanDecoder(nBestSize: .max, maxAnswerLength: .max, allowsNoAnswer: allowsNoAnswer)
        .answer(context: context, windows: [window])
      let some = SpanDecoder(nBestSize: 300, maxAnswerLength: .max, allowsNoAnswer: allowsNoAnswer)
        .answer(context: context, windows: [window])
      #expect(all.nBest.count == 300 * 301 / 2 + (allowsNoAnswer ? 1 : 0) && some.text == all.text)
      let scores = all.nBest.map { $0.startLogit + $0.endLogit }
      #expect(zip(scores, scores.dropFirst()).allSatisfy { $0 >= $1 })
      #expect(some.nBest.prefix(200).map(\.offsets) == all.nBest.prefix(200).map(\.offsets))
    }
  }
}
