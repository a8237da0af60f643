import Distillation
import Encoders
import Foundation
import Tensors
import TestSupport
import Testing
import Tokenization

/// Word replacement by a masked language model against the forward pass written out.
@Suite struct MaskedWordModelTests {
  private static let words = [
    "the", "was", "not", "##ly", ".", ",", "good", "fine", "film", "book", "tea", "room", "2", "北", "京", "城",
    "##市",
  ]

  private let tokenizer = BertTokenizer(
    vocabulary: Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words))

  private func model(positions: Int = 32) throws -> TaskModel {
    var config = EncoderConfig(
      vocabularySize: tokenizer.idLimit, hiddenSize: 8, layerCount: 1, attentionHeads: 2, intermediateSize: 8)
    config.maxPositions = positions
    config.head = .maskedLanguageModel
    config.initializerRange = 0.5
    return try TaskModel(config: config, seed: 3)
  }

  /// The vocabulary's words of letters by the model's logits for one gap.
  private func ranking(_ model: TaskModel, _ text: String, gap: Int) throws -> [String] {
    let pair = tokenizer.encodeIDs(text, pair: text)
    var ids = pair.ids
    ids[gap] = try #require(tokenizer.maskID)
    let logits = model(
      TokenBatch(sequences: [(ids, pair.segments)]), rows: [Int32(gap)], in: .inference
    ).logits.values
    return logits.indices.sorted { logits[$0] > logits[$1] }
      .compactMap { tokenizer.token(Int32($0)) }.filter { $0.allSatisfy(\.isLetter) }
  }

  @Test func candidatesAreTheLikeliestWordsInTheGap() throws {
    let model = try model()
    let finder = try MaskedWordModel(model, tokenizer: tokenizer, candidateCount: 4)
    let found = finder.candidates(for: ["the", "Film", "was", "goodly", ",", "fine", "unknown", "tea,", "2"])
    // Function words, words of several tokens, unknown ones, numbers and punctuation stay.
    #expect(Set(found.keys) == [1, 5, 7])
    let text = "the film was goodly , fine unknown tea, 2"
    #expect(
      try found[1] == Array(ranking(model, text, gap: 2).filter { $0 != "film" }.prefix(4)))
    #expect(
      try found[7] == Array(ranking(model, text, gap: 9).filter { $0 != "tea" }.prefix(4)).map { $0 + "," })
  }

  @Test func wordsOfPiecesBeginWithTheSignOfASpace() throws {
    let words = ["the", "film", "good", "book", "was"]
    let pieces =
      words.map { ("\u{2581}" + $0, -2.0) } + [("\u{2581}", -3), ("ly", -3), ("film", -9), (",", -3)]
    let folder = try TemporaryFolder()
    try UnigramFolder.write(pieces, to: folder.url)
    let tokenizer = try loadTokenizer(directory: folder.url)
    var config = EncoderConfig(
      vocabularySize: tokenizer.idLimit, hiddenSize: 8, layerCount: 1, attentionHeads: 2, intermediateSize: 8)
    (config.architecture, config.segmentCount, config.padTokenID) = (.xlmRoberta, 1, 1)
    (config.maxPositions, config.head, config.initializerRange) = (32, .maskedLanguageModel, 0.5)
    let model = try TaskModel(config: config, seed: 3)
    let finder = try MaskedWordModel(model, tokenizer: tokenizer, candidateCount: 3)
    let found = finder.candidates(for: ["the", "film", "goodly", "book,"])
    #expect(Set(found.keys) == [1, 3])
    let text = "the film goodly book,"
    var ids = tokenizer.encodeIDs(text, pair: text).ids
    #expect(ids[2] == tokenizer.id(of: "\u{2581}film"))
    ids[2] = try #require(tokenizer.maskID)
    let logits = model(
      TokenBatch(sequences: [(ids, ids.map { _ in 0 })]), rows: [2], in: .inference
    ).logits.values
    let ranked = logits.indices.sorted { logits[$0] > logits[$1] }.compactMap { tokenizer.token(Int32($0)) }
    let likely = ranked.filter { $0.hasPrefix("\u{2581}") && $0.count > 1 }.map { String($0.dropFirst()) }
    #expect(found[1] == Array(likely.filter { $0 != "film" }.prefix(3)))
    #expect(found[3]?.allSatisfy { $0.hasSuffix(",") && words.contains(String($0.dropLast())) } == true)
  }

  @Test func charactersAreWords() throws {
    let model = try model()
    let finder = try MaskedWordModel(model, tokenizer: tokenizer, candidateCount: 30)
    let found = finder.candidates(for: ["北", "京", "城"])
    #expect(Set(found.keys) == [0, 1, 2])
    #expect(try found[1] == ranking(model, "北京城", gap: 2).filter { $0 != "京" })
    #expect(found[1]?.contains { $0.hasPrefix("##") || $0.hasPrefix("[") } == false)
  }

  @Test func textsLongerThanTheModelAreReadFromTheirBeginning() throws {
    let finder = try MaskedWordModel(try model(positions: 12), tokenizer: tokenizer)
    let found = finder.candidates(for: [String](repeating: "film", count: 30))
    #expect(Set(found.keys) == Set(0..<8))
    #expect(finder.candidates(for: []) == [:])
  }
}
