import Datasets
import ModelFormats
import Testing
import Tokenization

@Suite("Encoding of questions")
struct QuestionEncodingTests {
  @Test("windows, offsets and spans are those of run_qa")
  func golden() throws {
    let tokenizers = try Golden.tokenizers()
    let (cases, spans) = try check("questions.json", tokenizers, by: "lowercase")
    #expect(cases == 68 && spans > 60)
  }

  @Test("windows, offsets and spans of byte-level BPE are those of run_qa with RoBERTa")
  func byteLevelGolden() throws {
    let tokenizers = [
      true: try Golden.roberta(addPrefixSpace: true), false: try Golden.roberta(addPrefixSpace: false),
    ]
    let (cases, spans) = try check("byte_level_questions.json", tokenizers, by: "add_prefix_space")
    #expect(cases == 52 && spans > 50)
  }

  /// Encodes every question of a golden file with the tokenizer that a key names, and compares everything; returns the
  /// number of cases and of windows that show an answer.
  private func check(
    _ file: String, _ tokenizers: [Bool: any Tokenizer], by key: String
  ) throws -> (cases: Int, spans: Int) {
    let golden = try Golden.load(file)
    let cases = try #require(golden["cases"]?.arrayValue)
    var spans = 0
    for value in cases {
      let tokenizer = try #require(tokenizers[value[key]?.boolValue == true])
      let context = try #require(value["context"]?.intValue)
      var question = Question(
        id: "q", text: try #require(value["question"]?.stringValue),
        context: try #require(golden["contexts"]?[context]?.stringValue))
      if let answer = value["answer"]?.stringValue {
        question.answers = [.init(text: answer, start: try #require(value["answer_start"]?.intValue))]
      } else {
        question.isImpossible = true
      }
      let windows = try QuestionWindow.encode(
        [question], with: tokenizer, maxLength: try #require(value["max_length"]?.intValue),
        stride: try #require(value["stride"]?.intValue),
        maxQueryLength: try #require(value["max_query_length"]?.intValue))
      let expected = try #require(value["windows"]?.arrayValue)
      #expect(windows.count == expected.count)
      for (window, expected) in zip(windows, expected) {
        let comment: Comment = "\(question.text) -> \(question.answers.first?.text ?? "nothing")"
        #expect(window.example.ids.map(Int.init) == (try Golden.integers(expected["ids"])), comment)
        #expect(window.example.segments.map(Int.init) == (try Golden.integers(expected["segments"])), comment)
        #expect(window.contextTokens.lowerBound == expected["context_start"]?.intValue, comment)
        #expect(
          window.offsets.flatMap { [$0.lowerBound, $0.upperBound] }
            == (try Golden.integers(expected["offsets"])),
          comment)
        // Pieces of one character lie at one place; there run_qa may put the end before the start.
        let span = try Golden.integers(expected["span"]).sorted().map { Int32($0) }
        #expect(window.example.target == .span(start: span[0], end: span[1]), comment)
        spans += span == [0, 0] ? 0 : 1
      }
    }
    return (cases.count, spans)
  }

  private let tokenizer = BertTokenizer(
    vocabulary: Vocabulary(["[UNK]", "[CLS]", "[SEP]", "a", "b", "c", "d"]))

  @Test("a question without a known answer has no target, and the first located answer is the target")
  func targets() throws {
    let questions = [
      Question(id: "1", text: "a", context: "b c d"),
      Question(
        id: "2", text: "a", context: "b c d",
        answers: [.init(text: "x", start: nil), .init(text: "c d", start: 2)]),
      Question(id: "3", text: "a", context: "b c d", isImpossible: true),
    ]
    let windows = try QuestionWindow.encode(questions, with: tokenizer, maxLength: 16, stride: 0)
    #expect(windows.map(\.example.target) == [.none, .span(start: 4, end: 5), .span(start: 0, end: 0)])
    #expect(windows.map(\.question) == [0, 1, 2] && windows[0].contextTokens == 3..<6)
    let batch = Batch(windows.map(\.example), at: [1, 2, 0])
    #expect(batch.spanStarts == [4, 0, -100] && batch.spanEnds == [5, 0, -100] && batch.targetCount == 2)
  }

  @Test("lengths that leave the passage no room are refused")
  func noRoom() {
    let questions = [Question(id: "1", text: "a a a a", context: "b c d b c d")]
    #expect(throws: TokenizerError.self) {
      try QuestionWindow.encode(questions, with: tokenizer, maxLength: 7, stride: 0)
    }
    #expect(throws: TokenizerError.self) {
      try QuestionWindow.encode(questions, with: tokenizer, maxLength: 9, stride: 2)
    }
  }
}
