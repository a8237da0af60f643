import Compression
import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization

/// Cutting of Unigram vocabularies: what is cut away must leave every best way, every unknown character and every tie.
@Suite struct UnigramCuttingTests {
  private func tokenizer(
    _ pieces: [(String, Double)], fallsBackToBytes: Bool = false
  ) throws -> any Tokenizer {
    let folder = try TemporaryFolder()
    try UnigramFolder.write(pieces, fallsBackToBytes: fallsBackToBytes, to: folder.url)
    return try loadTokenizer(directory: folder.url)
  }

  private func model(_ tokenizer: any Tokenizer, _ type: EncoderArchitecture) throws -> TaskModel {
    var object = JSONObject()
    object["model_type"] = .string(type.rawValue)
    for (key, value) in [
      // A few rows more than tokens, as multilingual-e5-small has them.
      ("vocab_size", tokenizer.idLimit + 3), ("hidden_size", 8), ("num_hidden_layers", 1),
      ("num_attention_heads", 2),
      ("intermediate_size", 6), ("max_position_embeddings", 300), ("type_vocab_size", type == .bert ? 2 : 1),
      ("pad_token_id", type == .bert ? 0 : 1),
    ] { object[key] = .integer(value) }
    object["initializer_range"] = 0.4
    return try TaskModel(config: EncoderConfig(json: .object(object)), seed: 5)
  }

  /// Cuts a tokenizer to some texts with a model over it, and expects that nothing of them changed.
  @discardableResult
  private func expectSame(
    _ tokenizer: any Tokenizer, _ texts: [String], _ type: EncoderArchitecture = .xlmRoberta,
    _ what: String = ""
  ) throws -> any Tokenizer {
    let model = try model(tokenizer, type)
    let result = try VocabularyCutting(to: texts)(CompressedModel(model, tokenizer: tokenizer), rows: nil)
    let cut = try #require(result.tokenizer)
    #expect(result.reports[0].notes == ["all \(texts.count) texts are cut into the same tokens"], "\(what)")
    for text in texts {
      let (before, after) = (tokenizer.encode(text), cut.encode(text))
      #expect(before.tokens == after.tokens && before.offsets == after.offsets, "\(what): \(text)")
    }
    func logits(_ model: TaskModel, _ tokenizer: any Tokenizer) -> [Float] {
      model(TokenBatch(sequences: texts.map { tokenizer.encodeIDs($0) }), in: .inference).logits.values
    }
    #expect(logits(model, tokenizer) == logits(result.model, cut), "\(what)")
    let folder = try TemporaryFolder()
    try result.model.save(to: folder.url, tokenizer: cut)
    let read = try loadTokenizer(directory: folder.url)
    for text in texts {
      let (written, found) = (cut.encode(text), read.encode(text))
      #expect(written.ids == found.ids && written.offsets == found.offsets, "\(what): \(text)")
    }
    return cut
  }

  @Test(arguments: [EncoderArchitecture.xlmRoberta, .bert])
  func textsInManyScriptsAreCutAsBefore(_ type: EncoderArchitecture) throws {
    let url = Fixtures.url("tokenization/texts.json")
    let all = try JSONValue(contentsOf: url)["texts"]?.arrayValue?.compactMap(\.stringValue) ?? []
    let texts = all.map { String(String.UnicodeScalarView($0.unicodeScalars.prefix(100))) }
    // All characters but each seventh, and pieces of two to five characters, with scores of their own.
    var seen: Set<String> = []
    var pieces: [(String, Double)] = []
    func add(_ piece: String) {
      guard !piece.isEmpty, piece.allSatisfy({ !$0.isWhitespace }), seen.insert(piece).inserted else {
        return
      }
      let hash = piece.utf8.reduce(UInt64(5381)) { ($0 &* 33) &+ UInt64($1) }
      if piece.unicodeScalars.count == 1, hash % 7 == 0, !piece.allSatisfy(\.isASCII), piece != "▁" { return }
      pieces.append((piece, -4 - Double(hash % 9973) / 700 - Double(piece.count) / 4))
    }
    add("▁")
    for code in UInt8(0x21)...0x7E { add(String(UnicodeScalar(code))) }
    for text in texts {
      let words = text.split(whereSeparator: \.isWhitespace).map { Array(("▁" + $0).unicodeScalars) }
      for word in words {
        for length in 1...5 {
          for start in word.indices.dropLast(length - 1) where (start + length) % 3 != 1 || length == 1 {
            var piece = String.UnicodeScalarView()
            piece.append(contentsOf: word[start..<start + length])
            add(String(piece))
          }
        }
      }
    }
    let tokenizer = try tokenizer(pieces)
    let some = Array(texts.prefix(12))
    #expect(some.contains { tokenizer.encode($0).ids.contains(3) }, "no character is unknown")
    let cut = try expectSame(tokenizer, some, type)
    #expect(cut.idLimit * 2 < tokenizer.idLimit)
    // The order of the special tokens is what `transformers` counts on.
    #expect(
      (0..<4).map { cut.token($0) } == ["<s>", "<pad>", "</s>", "<unk>"]
        && cut.maskID == Int32(cut.idLimit - 1))
    // Other texts of these characters, and of ASCII, are still spelt.
    for text in ["unheard-of words, 42!", "x", "~ zq"] {
      #expect(!cut.encode(text).ids.contains(3), "\(text)")
    }
    let letters = some[0].unicodeScalars.filter { tokenizer.id(of: String($0)) != nil }.reversed()
    let used = Set(some.flatMap { tokenizer.encode($0).tokens })
    #expect(letters.contains { !used.contains(String($0)) }, "all characters are tokens anyway")
    var backwards = String.UnicodeScalarView()
    backwards.append(contentsOf: letters)
    #expect(!cut.encode(String(backwards)).ids.contains(3))
  }

  @Test func randomPathsTiesAndUnknownCharactersStay() throws {
    var state: UInt64 = 7
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    // x and y have no piece of their own.
    let letters = Array("abcxy")
    for round in 0..<100 {
      var pieces: [(String, Double)] = [("▁", -2)] + ["a", "b", "c"].map { ($0, -Double(1 + random(30))) }
      var seen: Set<String> = []
      for _ in 0..<12 {
        let piece = String((0..<2 + random(3)).map { _ in letters[random(5)] })
        // Whole numbers make ties; those far down move the score of unknown characters.
        if seen.insert(piece).inserted {
          pieces.append((piece, -Double(1 + random(round % 2 == 0 ? 8 : 60))))
        }
      }
      let texts = (0..<4).map { _ in
        (0..<3).map { _ in String((0..<1 + random(7)).map { _ in letters[random(5)] }) }.joined(
          separator: " ")
      }
      let tokenizer = try tokenizer(pieces)
      let cut = try tokenizer.keeping(Set(texts.flatMap { tokenizer.encode($0).ids }))
      for text in texts {
        let (before, after) = (tokenizer.encode(text), cut.tokenizer.encode(text))
        #expect(before.tokens == after.tokens && before.offsets == after.offsets, "round \(round): \(text)")
        #expect(before.ids == after.ids.map { cut.oldIDs[Int($0)] }, "round \(round): \(text)")
      }
    }
  }

  @Test func theLeastScoreStaysForUnknownCharacters() throws {
    // Without zz the score of the unknown x were -29, and x cd with -30 better than xc d with -38.
    let pieces = [("▁", -1.0), ("d", -19), ("xc", -19), ("cd", -1), ("zz", -30), ("yy", -29)]
    let tokenizer = try tokenizer(pieces)
    #expect(tokenizer.encode("xcd").tokens == ["<s>", "▁", "xc", "d", "</s>"])
    #expect(tokenizer.encode("ecd").tokens == ["<s>", "▁", "e", "cd", "</s>"])
    let without = try self.tokenizer(pieces.filter { $0.0 != "zz" && $0.0 != "yy" })
    #expect(without.encode("xcd").tokens == ["<s>", "▁", "x", "cd", "</s>"])
    let cut = try expectSame(tokenizer, ["xcd", "cd"])
    #expect(cut.id(of: "zz") != nil && cut.id(of: "yy") == nil)
  }

  @Test func bytesStayWhereUnknownCharactersFallBackToThem() throws {
    let bytes = (0..<256).map { byte in
      ("<0x\(byte < 16 ? "0" : "")\(String(byte, radix: 16, uppercase: true))>", -20.0)
    }
    let tokenizer = try tokenizer(
      bytes + [("▁", -1), ("a", -2), ("bb", -3), ("b", -2)], fallsBackToBytes: true)
    #expect(tokenizer.encode("aé").tokens == ["<s>", "▁", "a", "<0xC3>", "<0xA9>", "</s>"])
    let cut = try expectSame(tokenizer, ["aé b"])
    #expect(cut.encode("北").tokens == ["<s>", "▁", "<0xE5>", "<0x8C>", "<0x97>", "</s>"])
    #expect(cut.id(of: "bb") == nil)
  }
}
