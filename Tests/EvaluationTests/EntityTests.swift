import Evaluation
import ModelFormats
import Testing

@Suite("Named entities")
struct EntityTests {
  @Test("scores equal seqeval's, well or ill formed, lenient and strict in every scheme")
  func seqeval() throws {
    let cases = try Golden.list(Golden.load("entities.json")["cases"])
    #expect(cases.count >= 350)
    for item in cases {
      let scheme = item[0]?.stringValue.flatMap(TagScheme.init(rawValue:))
      let scores = try EntityScores(
        predictions: Golden.rows(item[2]), references: Golden.rows(item[1]),
        matching: scheme.map { .strict($0) } ?? .lenient)
      let expected = try #require(item[3]?.objectValue)
      #expect(scores.types.map(\.name) == expected.keys, "\(item.compactText)")
      for (name, part) in scores.types {
        #expect(
          Self.row(part) + [Double(part.number)] == (try Golden.numbers(expected[name])),
          "\(item.compactText)")
      }
      #expect(
        Self.row(scores.overall) + [scores.accuracy] == (try Golden.numbers(item[4])), "\(item.compactText)")
    }
  }

  private static func row(_ part: EntityScores.Part) -> [Double] { [part.precision, part.recall, part.f1] }

  @Test("the scheme that prefixes show is seqeval's")
  func detection() throws {
    for item in try Golden.list(Golden.load("entities.json")["detected"]) {
      let tags = try Golden.strings(item[0])
      guard let name = item[1]?.stringValue else {
        #expect(throws: EvaluationError.self, "\(tags)") {
          try EntityScores(predictions: [tags], references: [tags], matching: .strict(nil))
        }
        continue
      }
      let scheme = try #require(TagScheme(rawValue: name))
      let detected = try EntityScores(predictions: [tags], references: [tags], matching: .strict(nil))
      let named = try EntityScores(predictions: [tags], references: [tags], matching: .strict(scheme))
      #expect(detected.json == named.json, "\(tags)")
    }
  }

  @Test("the report has evaluate's names")
  func report() throws {
    let scores = try EntityScores(
      predictions: [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]],
      references: [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]])
    #expect(
      scores.json.keys == [
        "MISC", "PER", "overall_precision", "overall_recall", "overall_f1", "overall_accuracy",
      ])
    #expect(scores.json["PER"]?["f1"]?.doubleValue == 1 && scores.json["PER"]?["number"]?.intValue == 1)
    #expect(scores.overall.f1 == 0.5 && scores.accuracy == 0.8)
  }

  @Test("decoding repairs ill-formed tags leniently, and strictly takes none")
  func decoding() throws {
    let tags = ["I-PER", "I-PER", "O", "B-LOC", "I-PER", "S-PER", "B-LOC", "E-LOC", "E-LOC"]
    #expect(
      Entity.lenient(tags) == [
        Entity(type: "PER", tokens: 0..<2), Entity(type: "LOC", tokens: 3..<4),
        Entity(type: "PER", tokens: 4..<5), Entity(type: "PER", tokens: 5..<6),
        Entity(type: "LOC", tokens: 6..<8), Entity(type: "LOC", tokens: 8..<9),
      ])
    #expect(
      try Entity.strict(["I-PER", "B-LOC", "I-LOC", "I-PER"], scheme: .iob2) == [
        Entity(type: "LOC", tokens: 1..<3)
      ])
    #expect(throws: EvaluationError.invalidTag("S-PER", sentence: 0, token: 5, scheme: .iob2)) {
      try Entity.strict(tags, scheme: .iob2)
    }
  }

  @Test("unequal and empty tags are refused with their place")
  func refusals() {
    #expect(throws: EvaluationError.unequalTags(sentence: 1, predicted: 1, expected: 2)) {
      try EntityScores(predictions: [["O"], ["O"]], references: [["O"], ["O", "O"]])
    }
    #expect(throws: EvaluationError.invalidTag("", sentence: 0, token: 1, scheme: nil)) {
      try EntityScores(predictions: [["O", ""]], references: [["O", "O"]])
    }
    #expect(throws: EvaluationError.nothingLabelled(count: 1)) {
      try EntityScores(predictions: [[]], references: [[]])
    }
  }

  @Test("each token of overlapping windows comes from the one with most context")
  func windows() {
    // Tokens 0 ..< 6, 4 ..< 10 and 8 ..< 11: the last is shorter, so a tie goes against it.
    #expect(WindowJoin.bestWindows([0..<6, 4..<10, 8..<11], count: 11) == [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2])
    #expect(
      WindowJoin.joined([(0, ["a", "b", "c"]), (1, ["B", "C", "D"])], count: 4) == ["a", "b", "C", "D"])
  }
}
