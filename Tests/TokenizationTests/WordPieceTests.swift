import Testing
import Tokenization

@Suite struct WordPieceTests {
  private let frame = ["[UNK]", "[CLS]", "[SEP]"]

  private func pieces(_ vocabulary: [String], _ word: String) -> [String] {
    BertTokenizer(vocabulary: Vocabulary(frame + vocabulary))
      .encode(word, addSpecialTokens: false).tokens
  }

  /// Longest match first, written as the definition says it.
  private func plainPieces(_ vocabulary: Set<String>, _ word: String) -> [String] {
    let characters = Array(word.unicodeScalars)
    var result: [String] = []
    var start = 0
    while start < characters.count {
      let ends = (start + 1...characters.count).reversed()
      let match = ends.lazy.map { end -> (Int, String) in
        var text = String.UnicodeScalarView()
        text.append(contentsOf: characters[start..<end])
        return (end, (start > 0 ? "##" : "") + String(text))
      }.first { vocabulary.contains($0.1) }
      guard let (end, piece) = match else { return ["[UNK]"] }
      result.append(piece)
      start = end
    }
    return result
  }

  @Test func theLongestPieceWins() {
    #expect(pieces(["un", "##aff", "##able", "##a", "##ffable"], "unaffable") == ["un", "##aff", "##able"])
    #expect(pieces(["a", "ab", "abc", "##d", "##cd"], "abcd") == ["abc", "##d"])
    #expect(pieces(["a", "ab", "abc", "##cd"], "abcd") == ["[UNK]"])
    #expect(pieces(["##b", "a"], "b") == ["[UNK]"])
    #expect(pieces(["##", "#", "a"], "## a#") == ["#", "#", "a", "#"])
  }

  @Test func randomVocabulariesGiveTheDefinition() {
    var generator = SplitMix(seed: 3)
    for _ in 0..<300 {
      var vocabulary: Set<String> = []
      for _ in 0..<(2 + generator.next(14)) {
        let length = 1 + generator.next(5)
        let text = (0..<length).map { _ in ["a", "b", "字x"][generator.next(3)] }.joined()
        vocabulary.insert(generator.next(2) == 0 ? text : "##" + text)
      }
      let tokenizer = BertTokenizer(
        vocabulary: Vocabulary(frame + vocabulary.sorted()),
        options: BertTokenizerOptions(handleChineseCharacters: false))
      for _ in 0..<20 {
        let word = (0..<(1 + generator.next(20))).map { _ in ["a", "b", "字x", "字"][generator.next(4)] }
          .joined()
        #expect(
          tokenizer.encode(word, addSpecialTokens: false).tokens == plainPieces(vocabulary, word),
          "\(word) with \(vocabulary.sorted())")
      }
    }
  }

  /// Words on which trying every end takes quadratic time and following failure links does not.
  @Test func timeIsLinearInTheLengthOfAWord() {
    let runs = (1...200).flatMap {
      ["##" + String(repeating: "a", count: $0) + "b", String(repeating: "a", count: $0)]
    }
    let tokenizer = BertTokenizer(
      vocabulary: Vocabulary(frame + runs + ["##a", "##aa"]),
      options: BertTokenizerOptions(maximumWordLength: 10_000))
    for length in [10, 100, 1000, 10_000] {
      for word in [
        String(repeating: "a", count: length), String(repeating: "a", count: length) + "c",
        String(repeating: "aab", count: length / 3),
      ] {
        // Each byte is one transition, and each failure covers at least one byte.
        #expect(tokenizer.stepCount(word: word) <= 2 * length + 2)
      }
    }
  }

  @Test func wordsBeyondTheLimitAreUnknown() {
    let vocabulary = Vocabulary(frame + ["a", "##a", "é", "##é"])
    let options = BertTokenizerOptions(stripAccents: false, maximumWordLength: 3)
    let tokenizer = BertTokenizer(vocabulary: vocabulary, options: options)
    #expect(tokenizer.encode("aaa éaé aaaa aéaa", addSpecialTokens: false).offsets.count == 8)
    let encoding = tokenizer.encode("aaaa é", addSpecialTokens: false)
    #expect(encoding.tokens == ["[UNK]", "é"])
    #expect(encoding.offsets == [0..<4, 5..<6])
  }
}
