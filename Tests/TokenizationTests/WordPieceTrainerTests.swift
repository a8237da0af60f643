import ModelFormats
import TestSupport
import Testing
import Tokenization

@Suite struct WordPieceTrainerTests {
  @Test func givenTheSameNumbersTheVocabularyIsThatOfTokenizers() throws {
    let golden = try Golden.load("training.json")
    let texts = try Golden.strings(golden["texts"])
    for entry in try Golden.list(golden["cases"]) {
      var trainer = WordPieceTrainer(
        vocabularySize: try #require(entry["size"]?.intValue), minimumFrequency: 1,
        limitAlphabet: entry["limit"]?.intValue)
      for text in texts { trainer.feed(text) }
      let order = try Golden.strings(entry["continuations"]).compactMap(\.unicodeScalars.first)
      let found = trainer.train(alphabet: nil, continuations: order).tokens
      let expected = try Golden.strings(entry["tokens"])
      #expect(found.map { Array($0.utf8) } == expected.map { Array($0.utf8) })
    }
  }

  @Test func theOrderOfTextsDoesNotMatter() throws {
    let texts = try Golden.strings(try Golden.load("training.json")["texts"])
    var (forward, backward) = (WordPieceTrainer(vocabularySize: 500), WordPieceTrainer(vocabularySize: 500))
    for text in texts { forward.feed(text) }
    for text in texts.reversed() { backward.feed(text) }
    #expect(forward.train() == backward.train())
    #expect(forward.train() == forward.train())
  }

  @Test func countingOnAllCoresChangesNothing() throws {
    let texts = try Golden.strings(try Golden.load("training.json")["texts"])
    var (single, many) = (WordPieceTrainer(vocabularySize: 500), WordPieceTrainer(vocabularySize: 500))
    for text in texts { single.feed(text) }
    many.feed(Array(texts.dropFirst(3)))
    many.feed([])
    many.feed(Array(texts.prefix(3)), threads: 1)
    #expect(single.train() == many.train())
    #expect(single.wordCount == many.wordCount && single.wordCount > 0)
  }

  @Test func aSpecialTokenOfOneCharacterIsAPiece() {
    // As in tokenizers: what the limit removes from the alphabet comes back as a special token.
    var trainer = WordPieceTrainer(
      vocabularySize: 20, limitAlphabet: 1, specialTokens: ["[UNK]", "b"],
      options: BertTokenizerOptions())
    trainer.feed("aab aab")
    #expect(trainer.train().tokens == ["[UNK]", "b", "a", "##a", "##b", "aa", "aab"])
  }

  @Test func tiesAreBrokenAsInAnotherVocabulary() throws {
    var trainer = WordPieceTrainer(vocabularySize: 12, limitAlphabet: 2, specialTokens: ["[UNK]"])
    trainer.feed("axy axy")
    #expect(trainer.train().tokens == ["[UNK]", "a", "x", "##x", "ax"])
    let other = Vocabulary(["[UNK]", "x", "y", "##y", "##x", "##xy"])
    #expect(trainer.train(tiesOf: other).tokens == ["[UNK]", "x", "y", "##y", "##x", "##xy"])
  }

  @Test func rarePairsStayApart() {
    var trainer = WordPieceTrainer(vocabularySize: 100, minimumFrequency: 2, specialTokens: ["[UNK]"])
    trainer.feed("abc abc xyz")
    let tokens = trainer.train().tokens
    #expect(tokens.contains("abc"))
    #expect(!tokens.contains { $0.hasPrefix("xy") || $0 == "##yz" })
    #expect(tokens.first == "[UNK]")
  }

  @Test func initialCharactersAreKept() {
    var trainer = WordPieceTrainer(
      vocabularySize: 10, limitAlphabet: 2, initialAlphabet: ["é"], specialTokens: [],
      options: BertTokenizerOptions(stripAccents: false))
    trainer.feed("aaa bb c")
    let tokens = trainer.train().tokens
    #expect(tokens.contains("é"))
    #expect(tokens.contains("a"))
    #expect(!tokens.contains("b"))
  }
}
