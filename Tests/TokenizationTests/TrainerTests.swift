import ModelFormats
import TestSupport
import Testing
import Tokenization

/// Trainers of byte-level BPE and Unigram vocabularies; by `Tests/Reference/make_trainer_fixtures.py`.
@Suite struct TrainerTests {
  private static func golden() throws -> JSONValue { try Golden.load("trainers.json") }

  private static func bytes(_ strings: [String]) -> [[UInt8]] { strings.map { Array($0.utf8) } }

  @Test func byteLevelVocabulariesAreThoseOfTokenizers() throws {
    let golden = try Self.golden()
    for entry in try Golden.list(golden["byte_level"]) {
      let options = try #require(entry["options"])
      var trainer = BytePairTrainer(
        vocabularySize: try #require(options["vocab_size"]?.intValue),
        minimumFrequency: try #require(options["min_frequency"]?.intValue),
        specialTokens: try Golden.strings(options["special_tokens"]),
        options: ByteLevelBPEOptions(addPrefixSpace: options["prefix"]?.boolValue ?? false))
      trainer.feed(try Golden.strings(golden["texts"]), threads: 2)
      let (vocabulary, merges) = trainer.train()
      #expect(Self.bytes(vocabulary.tokens) == Self.bytes(try Golden.strings(entry["tokens"])))
      let expected = try Golden.list(entry["merges"]).map { try Golden.strings($0) }
      #expect(merges.map { Self.bytes([$0.left, $0.right]) } == expected.map { Self.bytes($0) })
    }
  }

  @Test func theLearntByteLevelTokenizerFindsItsSpecialTokens() throws {
    var trainer = BytePairTrainer(vocabularySize: 300)
    trainer.feed(["the film the film", "the film"], threads: nil)
    let tokenizer = try trainer.tokenizer()
    let encoding = tokenizer.encode("the film <mask>")
    #expect(encoding.tokens == ["<s>", "the", "Ġfilm", " <mask>", "</s>"])
    #expect(tokenizer.unkID == 3 && tokenizer.padID == 1 && tokenizer.maskID == 4)
    trainer.specialTokens = ["<pad>"]
    #expect(throws: TokenizerError.self) { try trainer.tokenizer() }
  }

  private static func trainer(_ golden: JSONValue, _ options: JSONValue) throws -> UnigramTrainer {
    var trainer = UnigramTrainer(
      vocabularySize: try #require(options["vocab_size"]?.intValue),
      initialAlphabet: try options["initial_alphabet"].map {
        try Golden.strings($0).flatMap(\.unicodeScalars)
      } ?? [],
      specialTokens: try Golden.strings(options["special_tokens"]),
      unknownToken: try #require(options["unk_token"]?.stringValue))
    if let factor = options["shrinking_factor"]?.doubleValue { trainer.shrinkingFactor = factor }
    if let length = options["max_piece_length"]?.intValue { trainer.maximumPieceLength = length }
    if let rounds = options["n_sub_iterations"]?.intValue { trainer.roundCount = rounds }
    for words in try Golden.list(golden["words"]) { trainer.feed(words: try Golden.strings(words)) }
    return trainer
  }

  @Test func unigramPiecesAndScoresAreThoseOfTokenizers() throws {
    let golden = try Self.golden()
    for entry in try Golden.list(golden["unigram"]) {
      let options = try #require(entry["options"])
      let found = try Self.trainer(golden, options).train()
      let expected = try Golden.list(entry["pieces"]).map {
        (text: try #require($0[0]?.stringValue), score: try #require($0[1]?.doubleValue))
      }
      #expect(
        Set(Self.bytes(found.map(\.text))) == Set(Self.bytes(expected.map(\.text))), "\(options.compactText)")
      let specials =
        try Golden.strings(options["special_tokens"]).count + (entry["unk_id"]?.intValue == 0 ? 1 : 0)
      #expect(found.prefix(specials).map(\.text) == expected.prefix(specials).map(\.text))
      let scores = Dictionary(uniqueKeysWithValues: expected.map { (Array($0.text.utf8), $0.score) })
      for piece in found {
        let score = try #require(scores[Array(piece.text.utf8)])
        // Sums come in another order; characters without a probability lie 0.0001 apart in the order of a hash table.
        let tolerance = piece.text.unicodeScalars.count == 1 ? 0.0001 * Double(found.count) : 1e-9
        #expect(abs(piece.score - score) <= tolerance, "\(piece.text): \(piece.score), expected \(score)")
      }
      #expect(found.dropFirst(specials).map(\.score) == found.dropFirst(specials).map(\.score).sorted(by: >))
    }
  }

  @Test func theNumberOfCoresChangesNoBit() throws {
    let golden = try Self.golden()
    let options = try #require(try Golden.list(golden["unigram"])[1]["options"])
    let trainer = try Self.trainer(golden, options)
    #expect(try trainer.train(threads: 1) == trainer.train(threads: 2))
  }

  @Test func aSizeThatTheCharactersExceedIsRefused() throws {
    var trainer = UnigramTrainer(vocabularySize: 7)
    trainer.feed(words: ["▁abc"])
    #expect {
      try trainer.train()
    } throws: {
      "\($0)".contains("found 7, expected at least 9: 5 special tokens and 4 characters of the text")
    }
    trainer.vocabularySize = 9
    #expect(try trainer.train().count == 9)
  }

  @Test func aTextOfNothingGivesTheSpecialTokens() throws {
    #expect(try UnigramTrainer().train().map(\.text) == ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
  }
}
