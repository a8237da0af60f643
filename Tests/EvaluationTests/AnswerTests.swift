import Evaluation
import ModelFormats
import Testing

@Suite("Answers to questions")
struct AnswerTests {
  @Test("SQuAD 1.1 scores equal the official script's to the last digit")
  func squad() throws {
    let cases = try Golden.list(Golden.load("answers.json")["squad"])
    #expect(cases.count >= 6)
    for item in cases {
      let questions = try Golden.questions(item["questions"])
      let predictions = try Golden.texts(item["predictions"])
      let scores = try SquadScores(predictions: predictions, questions: questions)
      try Golden.expectEqual(scores.json, item["scores"], "squad")
      #expect(scores.missing == questions.map(\.id).filter { predictions[$0] == nil })
    }
  }

  @Test("SQuAD 2.0 scores equal the official script's, thresholds included")
  func squadV2() throws {
    let cases = try Golden.list(Golden.load("answers.json")["squad_v2"])
    #expect(cases.count >= 18)
    for item in cases {
      let odds = try item["odds"]?.objectValue?.map { ($0.key, try #require($0.value.doubleValue)) }
      let scores = try SquadV2Scores(
        predictions: Golden.texts(item["predictions"]), questions: Golden.questions(item["questions"]),
        noAnswerProbabilities: odds, noAnswerThreshold: #require(item["threshold"]?.doubleValue))
      try Golden.expectEqual(scores.json, item["scores"], "squad_v2")
    }
  }

  @Test("CMRC 2018 scores equal the official script's")
  func cmrc2018() throws {
    let cases = try Golden.list(Golden.load("answers.json")["cmrc2018"])
    #expect(cases.count >= 6)
    for item in cases {
      let scores = try CMRCScores(
        predictions: Golden.texts(item["predictions"]), questions: Golden.questions(item["questions"]))
      try Golden.expectEqual(scores.json, item["scores"], "cmrc2018")
    }
  }

  @Test("words, normal forms and segments equal nltk's and the scripts'")
  func words() throws {
    let cases = try Golden.list(Golden.load("words.json"))
    #expect(cases.count >= 280)
    for item in cases {
      let text = try #require(item[0]?.stringValue)
      let words = WordTokenizer.words(of: PythonText.lowercased(text)[...]).map(Self.string)
      #expect(Golden.same(words, try Golden.strings(item[1])), "words of \(item[0]?.compactText ?? "")")
      let normal = try #require(item[2]?.stringValue)
      #expect(
        NormalizedAnswer(text).text.elementsEqual(normal.unicodeScalars),
        "normal form of \(item[0]?.compactText ?? "")")
      #expect(
        Golden.same(SegmentedAnswer(text).segments, try Golden.strings(item[3])),
        "segments of \(item[0]?.compactText ?? "")")
    }
  }

  @Test("a missing prediction counts 0 and is named as the scripts name it")
  func missing() throws {
    let questions = [GoldQuestion(id: "a", answers: ["x"]), GoldQuestion(id: "b", answers: ["y"])]
    let squad = try AnswerMetric.squad.score(predictions: ["a": "The x."], questions: questions)
    #expect(squad.warnings == ["Unanswered question b will receive score 0."])
    #expect(squad.scores["exact_match"]?.doubleValue == 50)
    let second = try AnswerMetric.squadV2.score(predictions: ["a": "x"], questions: questions)
    #expect(second.warnings == ["Missing prediction for b"])
    #expect(second.scores["HasAns_exact"]?.doubleValue == 50 && second.scores["total"]?.intValue == 2)
    let third = try AnswerMetric.drcd.score(predictions: ["a": "x"], questions: questions)
    #expect(third.warnings == ["Unanswered question: b"])
    #expect(third.scores["SKIP"]?.intValue == 1 && third.scores["AVERAGE"]?.doubleValue == 50)
  }

  @Test("what cannot be scored says why")
  func refusals() {
    let open = [GoldQuestion(id: "a", answers: [])]
    #expect(throws: EvaluationError.unansweredKey(id: "a")) {
      try SquadScores(predictions: ["a": "x"], questions: open)
    }
    #expect(throws: EvaluationError.nothingLabelled(count: 0)) {
      try CMRCScores(predictions: [:], questions: [])
    }
    #expect(throws: EvaluationError.missingNoAnswerProbability(id: "a")) {
      try SquadV2Scores(predictions: ["a": ""], questions: open, noAnswerProbabilities: [("b", 0.5)])
    }
  }

  private static func string(_ scalars: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    return String(view)
  }

  @Test("CMRC 2018: the longest common run of long answers is that of a table")
  func longAnswers() throws {
    var state: UInt64 = 7
    func characters(_ count: Int, of kinds: UInt64) -> [UInt32] {
      (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return 0x4E00 + UInt32((state >> 33) % kinds)
      }
    }
    func text(_ characters: [UInt32]) -> String {
      String(String.UnicodeScalarView(characters.compactMap(Unicode.Scalar.init)))
    }
    for kinds in [1, 2, 3, 40, 2000] as [UInt64] {
      let (a, b) = (characters(301, of: kinds), characters(257, of: kinds))
      var row = [Int](repeating: 0, count: b.count + 1)
      var longest = 0
      for character in a {
        for column in b.indices.reversed() {
          row[column + 1] = character == b[column] ? row[column] + 1 : 0
          longest = max(longest, row[column + 1])
        }
      }
      let scores = try CMRCScores(
        predictions: ["a": text(a)], questions: [GoldQuestion(id: "a", answers: [text(b)])])
      let (precision, recall) = (Double(longest) / Double(a.count), Double(longest) / Double(b.count))
      #expect(scores.f1 == (longest == 0 ? 0 : 100 * (2 * precision * recall / (precision + recall))))
    }
    // A hundred thousand characters, which a table would take minutes for.
    let long = text(characters(100_000, of: 50))
    let scores = try CMRCScores(predictions: ["a": long], questions: [GoldQuestion(id: "a", answers: [long])])
    #expect(scores.f1 == 100)
  }
}
