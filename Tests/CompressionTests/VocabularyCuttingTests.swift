import Compression
import Datasets
import Encoders
import Foundation
import Kernels
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

@Suite struct VocabularyCuttingTests {
  /// Texts of a golden file, in many scripts.
  private func texts() throws -> [String] {
    let url = Fixtures.url("tokenization/texts.json")
    return try JSONValue(contentsOf: url)["texts"]?.arrayValue?.compactMap(\.stringValue) ?? []
  }

  private func tokenizer(_ kind: String) throws -> any Tokenizer {
    let folder = try TemporaryFolder()
    let files =
      kind == "bpe"
      ? [("byte_level_vocab.json", "vocab.json"), ("byte_level_merges.txt", "merges.txt")]
      : [("vocab.txt", "vocab.txt")]
    for (name, target) in files {
      try FileManager.default.copyItem(
        at: Fixtures.url("tokenization/" + name), to: folder.url.appending(path: target))
    }
    return try loadTokenizer(directory: folder.url)
  }

  private func model(_ tokenizer: any Tokenizer, _ kind: String, _ head: TaskHead) throws -> TaskModel {
    var config = EncoderConfig(
      vocabularySize: tokenizer.idLimit + 3, hiddenSize: 8, layerCount: 1, attentionHeads: 2,
      intermediateSize: 6)
    (config.head, config.initializerRange, config.maxPositions) = (head, 0.4, 200)
    if kind == "bpe" { (config.architecture, config.segmentCount) = (.roberta, 1) }
    config.padTokenID = Int(tokenizer.padID ?? 0)
    return try TaskModel(config: config, seed: 5)
  }

  private func logits(_ model: TaskModel, _ tokenizer: any Tokenizer, _ texts: [String]) -> [Float] {
    model(TokenBatch(sequences: texts.map { tokenizer.encodeIDs($0) }), in: .inference).logits.values
  }

  @Test(arguments: ["wordpiece", "bpe"], [TaskHead.sequenceClassification, .maskedLanguageModel])
  func textsAreCutAndAnsweredAsBefore(_ kind: String, _ head: TaskHead) throws {
    let tokenizer = try tokenizer(kind)
    let model = try model(tokenizer, kind, head)
    let texts = Array(try texts().prefix(12))
    let result = try VocabularyCutting(to: texts)(CompressedModel(model, tokenizer: tokenizer), rows: nil)
    let cut = try #require(result.tokenizer)
    #expect(cut.idLimit < tokenizer.idLimit && result.model.config.vocabularySize == cut.idLimit)
    #expect(result.reports[0].notes == ["all 12 texts are cut into the same tokens"])
    for text in texts {
      let (before, after) = (tokenizer.encode(text), cut.encode(text))
      #expect(before.tokens == after.tokens && before.offsets == after.offsets)
    }
    let (a, b) = (logits(model, tokenizer, texts), logits(result.model, cut, texts))
    if head == .sequenceClassification {
      #expect(a == b)
    } else {
      // The columns that are left, as they were.
      let (wide, narrow) = (model.config.vocabularySize, cut.idLimit)
      let old = (0..<Int32(narrow)).map { id in
        cut.token(id).flatMap { tokenizer.id(of: $0) }.map { Int($0) } ?? -1
      }
      #expect(old.allSatisfy { $0 >= 0 })
      for row in stride(from: 0, to: b.count / narrow, by: 7) {
        for (column, id) in old.enumerated() {
          // A product with other columns beside it.
          #expect(abs(b[row * narrow + column] - a[row * wide + id]) < 1e-5)
        }
      }
    }
    // What was not asked for is still spelt, and comes back from a folder as it is.
    let folder = try TemporaryFolder()
    try result.model.save(to: folder.url, tokenizer: cut)
    let read = try TokenizedModel(folder.url.path)
    for text in texts + ["unheard-of words, 42!"] {
      #expect(read.tokenizer.encode(text).tokens == cut.encode(text).tokens)
    }
    #expect(!cut.encode("unheard-of words").ids.contains(cut.unkID ?? -1))
    #expect(read.tokenizer.padID.map { Int($0) } == read.model.config.padTokenID)
  }

  @Test func unknownWordsStayUnknown() throws {
    // Without "abc" the pieces "ab" and "##cd" would spell the word that "abc" leads astray.
    let tokenizer = BertTokenizer(
      vocabulary: Vocabulary(
        ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[unused0]", "ab", "##cd", "abc", "x", "##y", "##xy"]))
    let model = try model(tokenizer, "wordpiece", .sequenceClassification)
    let texts = ["abcd ab", "abcdxy xy", "x"]
    #expect(tokenizer.encode("abcd").tokens == ["[CLS]", "[UNK]", "[SEP]"])
    let result = try VocabularyCutting(to: texts)(CompressedModel(model, tokenizer: tokenizer), rows: nil)
    let cut = try #require(result.tokenizer)
    #expect(result.reports[0].notes == ["all 3 texts are cut into the same tokens"])
    #expect(cut.encode("abcd").tokens == ["[CLS]", "[UNK]", "[SEP]"])
    #expect(cut.id(of: "[unused0]") == nil && cut.id(of: "##cd") == nil)
    // Rows count by their ids, and what is named stays.
    let rows = CompressionRows([EncodedExample(ids: [2, 6, 7, 3], segments: [0, 0, 0, 0])])
    let kept = try VocabularyCutting(to: [], keeping: ["[unused0]"])(
      CompressedModel(model, tokenizer: tokenizer), rows: rows)
    #expect(kept.tokenizer?.vocabulary.tokens.filter { !$0.hasPrefix("[") } == ["ab", "##cd", "x", "##y"])
    #expect(kept.tokenizer?.id(of: "[unused0]") != nil)
  }

  @Test func rareTokensGoAndAreCounted() throws {
    let tokenizer = try tokenizer("wordpiece")
    let model = try model(tokenizer, "wordpiece", .sequenceClassification)
    let texts = try texts()
    let once = try VocabularyCutting(to: texts)(CompressedModel(model, tokenizer: tokenizer), rows: nil)
    let often = try VocabularyCutting(to: texts, minCount: 4)(
      CompressedModel(model, tokenizer: tokenizer), rows: nil)
    #expect(often.model.config.vocabularySize < once.model.config.vocabularySize)
    #expect(often.reports[0].notes[0].hasSuffix("of \(texts.count) texts are cut into other tokens"))
    #expect(once.reports[0].description.contains("vocabulary \(tokenizer.idLimit + 3) → "))
    for (cutting, problem) in [
      (VocabularyCutting(to: []), "needs texts"), (VocabularyCutting(to: texts, minCount: 0), "min_count"),
    ] {
      let error = #expect(throws: CompressionError.self) {
        try cutting(CompressedModel(model, tokenizer: tokenizer), rows: nil)
      }
      #expect(error?.description.contains(problem) == true)
    }
    #expect(throws: CompressionError.self) { try VocabularyCutting(to: texts)(model) }
  }

  @Test("tokens of languages stay with those of texts, and tokens without letters in any case")
  func languages() throws {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    let words = [
      "hello", "##ing", "straße", "мир", "##ов", "北", "京", "こん", "カタ", "한국", "مرحبا", "नमस्ते", "2026", "…",
      "##！", "\u{1F600}",
      "x北", "ª", "ᚠ",
    ]
    let ascii = (UInt8(0x21)...0x7E).map { String(UnicodeScalar($0)) }
    let vocabulary = Vocabulary(special + words + ascii + ascii.map { "##" + $0 })
    let tokenizer = BertTokenizer(vocabulary: vocabulary, options: BertTokenizerOptions())
    let model = try model(tokenizer, "wordpiece", .sequenceClassification)
    func left(_ codes: [String], _ texts: [String] = []) throws -> Set<String> {
      let languages = Set(codes.compactMap(Language.init))
      let cut = try VocabularyCutting(to: texts, languages: languages)(
        CompressedModel(model, tokenizer: tokenizer), rows: nil)
      let smaller = try #require(cut.tokenizer)
      #expect(cut.model.config.vocabularySize == smaller.idLimit)
      return Set(words.filter { smaller.id(of: $0) != nil })
    }
    let common: Set = ["2026", "…", "##！", "\u{1F600}"]
    #expect(try left(["en"]) == common.union(["hello", "##ing", "straße", "ª"]))
    #expect(try left(["ru"]) == common.union(["мир", "##ов"]))
    #expect(try left(["ja"]) == common.union(["北", "京", "こん", "カタ"]))
    #expect(try left(["zh", "en"]) == common.union(["hello", "##ing", "straße", "ª", "北", "京", "x北"]))
    #expect(try left(["hi", "ar"], ["мир"]) == common.union(["नमस्ते", "مرحبا", "мир"]))
    #expect(Language("EN") == Language("en") && Language("tlh") == nil)
    #expect(Language.codes.count > 80 && Language.codes == Language.codes.sorted())
    let bytes = try self.tokenizer("bpe")
    let other = try self.model(bytes, "bpe", .sequenceClassification)
    let error = #expect(throws: CompressionError.self) {
      try VocabularyCutting(to: ["a"], languages: Set([Language("en")].compactMap(\.self)))(
        CompressedModel(other, tokenizer: bytes), rows: nil)
    }
    #expect("\(String(describing: error))".contains("belong to no language"))
  }
}
