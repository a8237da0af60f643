import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

@Suite struct UnigramTests {
  @Test func textsAndPairsGiveWhatTokenizersGives() throws {
    for entry in try Golden.list(try Golden.load("unigram.json")) {
      let name = try #require(entry["name"]?.stringValue)
      let tokenizer = try Unigram.tokenizer(entry)
      #expect(tokenizer is SentencePieceTokenizer)
      for (text, expected) in zip(try Golden.strings(entry["texts"]), try Golden.list(entry["results"])) {
        let comment: Comment = "\(text.debugDescription.prefix(80)) in \(name)"
        let encoding = tokenizer.encode(text)
        try Golden.check(encoding, expected, comment)
        #expect(tokenizer.encodeIDs(text).ids == encoding.ids, comment)
      }
      for (pair, expected) in zip(try Golden.list(entry["pairs"]), try Golden.list(entry["pair_results"])) {
        let texts = try Golden.strings(pair)
        try Golden.check(tokenizer.encode(texts[0], pair: texts[1]), expected, "\(texts) in \(name)")
      }
    }
  }

  /// The class of `transformers` for XLM-RoBERTa goes by the pieces and the rules of `tokenizer.json` alone.
  @Test func otherComponentsOfXLMRobertasFileDoNotCount() throws {
    let entry = try Unigram.entry("xlm-roberta")
    var document = try #require(entry["document"]?.objectValue)
    document["pre_tokenizer"] = ["type": "Whitespace"]
    document["post_processor"] = .null
    document["normalizer"] = [
      "type": "Sequence", "normalizers": [["type": "Lowercase"], try #require(document["normalizer"])],
    ]
    let tokenizer = try Unigram.load(.object(document), files: entry["files"])
    for (text, expected) in zip(try Golden.strings(entry["texts"]), try Golden.list(entry["results"])) {
      try Golden.check(tokenizer.encode(text), expected, "\(text.debugDescription.prefix(80))")
    }
    // Without the class they do.
    let plain = try Unigram.load(.object(document), files: [:])
    #expect(plain.encode("A small").tokens.first != "<s>")
  }

  /// Digests over the tokens and offsets that show what each component makes of each text.
  @Test func componentsDoWhatThoseOfTokenizersDo() throws {
    let golden = try Golden.load("components.json")
    let texts = try Golden.strings(golden["texts"])
    for entry in try Golden.list(golden["cases"]) {
      let name = try #require(entry["name"]?.stringValue)
      let tokenizer = try Unigram.bare(entry)
      for (block, expected) in try Golden.strings(entry["digests"]).enumerated() {
        let block = texts[block * 8..<min(block * 8 + 8, texts.count)]
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for encoding in tokenizer.encodeBatch(Array(block)) {
          for (token, range) in zip(encoding.tokens, encoding.offsets) {
            let offsets = [
              UInt8(truncatingIfNeeded: range.lowerBound), UInt8(truncatingIfNeeded: range.upperBound),
            ]
            for byte in Array(token.utf8) + offsets + [0xFF] {
              digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3
            }
          }
        }
        let hexadecimal = String(digest, radix: 16)
        let padded = String(repeating: "0", count: 16 - hexadecimal.count) + hexadecimal
        #expect(padded == expected, "\(block) by \(name)")
      }
    }
  }

  @Test func savedTokenizersComeBackTheSame() throws {
    for entry in try Golden.list(try Golden.load("unigram.json")) {
      let name = try #require(entry["name"]?.stringValue)
      let first = try Unigram.tokenizer(entry)
      try ByteLevel.withFolder([:]) { copy in
        try first.save(to: copy)
        let second = try #require(try loadTokenizer(directory: copy) as? SentencePieceTokenizer)
        #expect(second.vocabulary == first.vocabulary)
        #expect(second.addedTokens == first.addedTokens, "\(name)")
        #expect(second.modelMaxLength == first.modelMaxLength)
        for (text, expected) in zip(try Golden.strings(entry["texts"]), try Golden.list(entry["results"])) {
          try Golden.check(second.encode(text), expected, "\(text.debugDescription.prefix(80)) in \(name)")
        }
        let configuration = try JSONValue(contentsOf: copy.appending(path: "tokenizer_config.json"))
        let isXLMRoberta = name == "xlm-roberta" || name == "mask and no prefix"
        #expect(
          configuration["tokenizer_class"]
            == .string(isXLMRoberta ? "XLMRobertaTokenizer" : "PreTrainedTokenizerFast"))
      }
    }
  }

  /// A tokenizer of the tokens that texts use cuts these texts as before.
  @Test func smallerVocabulariesCutTheSame() throws {
    for name in ["xlm-roberta", "generic", "bytes", "ties"] {
      let entry = try Unigram.entry(name)
      let tokenizer = try Unigram.tokenizer(entry)
      let texts = try Golden.strings(entry["texts"])
      let used = Set(texts.flatMap { tokenizer.encode($0).ids })
      let smaller = try tokenizer.keeping(used)
      #expect(smaller.tokenizer.idLimit < tokenizer.idLimit || name == "ties")
      for text in texts {
        let (old, new) = (tokenizer.encode(text), smaller.tokenizer.encode(text))
        #expect(new.ids.map { smaller.oldIDs[Int($0)] } == old.ids, "\(text.debugDescription) in \(name)")
        #expect(new.offsets == old.offsets)
      }
    }
  }

  @Test func limitsAndSignsOfWordsAreThoseOfTheKind() throws {
    let tokenizer = try Unigram.tokenizer(try Unigram.entry("xlm-roberta"))
    #expect(tokenizer.modelMaxLength == 128)
    #expect(tokenizer.limited(to: 64).modelMaxLength == 64)
    #expect(tokenizer.limited(to: 200).modelMaxLength == 128)
    #expect(tokenizer.limited(to: 64).encode("A small model").ids == tokenizer.encode("A small model").ids)
    #expect(tokenizer.wordSign == .beginning(["▁"], spellsBytes: false))
    #expect(tokenizer.padID == 1)
    #expect(tokenizer.unkID == 3)
    #expect(tokenizer.segmentLimit(isPair: true) == 1)
    #expect(tokenizer.addedTokenCount(isPair: true) == 4)
  }
}

/// The golden files that `Tests/Reference/make_unigram_fixtures.py` wrote, and how they are read.
enum Unigram {
  /// The case with a name.
  static func entry(_ name: String) throws -> JSONValue {
    try #require(try Golden.list(try Golden.load("unigram.json")).first { $0["name"]?.stringValue == name })
  }

  /// The tokenizer of a case.
  static func tokenizer(_ entry: JSONValue) throws -> any Tokenizer {
    try load(try #require(entry["document"]), files: entry["files"])
  }

  /// The tokenizer of a `tokenizer.json` and other files.
  static func load(_ document: JSONValue, files: JSONValue?) throws -> any Tokenizer {
    var texts = (files?.objectValue ?? JSONObject()).reduce(into: [:]) { $0[$1.0] = $1.1.compactText }
    texts["tokenizer.json"] = document.compactText
    return try ByteLevel.withFolder(texts) { try loadTokenizer(directory: $0) }
  }

  /// A tokenizer that shows what a component of a case makes of texts: everything is unknown.
  static func bare(_ entry: JSONValue) throws -> any Tokenizer {
    let component = try #require(entry["component"])
    let isNormalizer = entry["kind"]?.stringValue == "normalizer"
    let scalars: JSONValue = [
      "type": "Split", "pattern": ["Regex": "[\\s\\S]"], "behavior": "Isolated", "invert": false,
    ]
    return try load(
      [
        "normalizer": isNormalizer ? component : nil, "pre_tokenizer": isNormalizer ? scalars : component,
        "model": ["type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0]], "byte_fallback": false],
      ], files: nil)
  }
}
