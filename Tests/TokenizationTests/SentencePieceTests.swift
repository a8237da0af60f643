import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

/// Folders with a SentencePiece `.model` file alone, as `transformers` reads them; by
/// `Tests/Reference/make_sentencepiece_fixtures.py`.
@Suite struct SentencePieceTests {
  private static func golden(_ name: String) throws -> JSONValue {
    try Golden.load("sentencepiece/\(name).json")
  }

  /// Numbers as the golden files pack them.
  private static func numbers(_ value: JSONValue?, _ separators: Set<Character>) throws -> [Int] {
    try #require(value?.stringValue).split { separators.contains($0) }.map { try #require(Int($0)) }
  }

  private static func expect(
    _ tokenizer: any Tokenizer, _ result: JSONValue, _ texts: [String], special: Bool = true, _ name: String
  ) throws {
    let (ids, offsets) = (try Golden.list(result["ids"]), result["offsets"]?.arrayValue)
    for (index, text) in texts.enumerated() {
      let encoding = tokenizer.encode(text, addSpecialTokens: special)
      let comment: Comment = "\(name): \(text.debugDescription)"
      #expect(encoding.ids.map(Int.init) == (try numbers(ids[index], [" "])), comment)
      if let offsets {
        #expect(
          encoding.offsets.flatMap { [$0.lowerBound, $0.upperBound] }
            == (try numbers(offsets[index], [" ", "-"])),
          comment)
      }
    }
  }

  private static func withFolder(_ entry: JSONValue, _ body: (URL) throws -> Void) throws {
    let folder = try TemporaryFolder()
    let (model, name) = (try #require(entry["model"]?.stringValue), try #require(entry["name"]?.stringValue))
    let bytes = try Data(contentsOf: Fixtures.url("tokenization/sentencepiece/\(model).model"))
    try folder.write([UInt8](bytes), name)
    for (file, content) in try #require(entry["files"]?.objectValue) {
      try content.write(to: folder.url.appending(path: file))
    }
    try body(folder.url)
  }

  @Test func idsAndOffsetsAreThoseOfTransformersAndSoAreWhatIsSaved() throws {
    let golden = try Self.golden("golden")
    let (texts, pair) = (try Golden.strings(golden["texts"]), try Golden.strings(golden["pair"]))
    for entry in try Golden.list(golden["cases"]) {
      let name = "\(entry["model"]?.stringValue ?? "") \(entry["files"]?.compactText ?? "")"
      try Self.withFolder(entry) { folder in
        let tokenizer = try loadTokenizer(directory: folder)
        #expect(tokenizer.idLimit == entry["size"]?.intValue, "\(name)")
        try Self.expect(tokenizer, entry, texts, name)
        let expected = try Golden.integers(entry["pair"])
        #expect(tokenizer.encode(pair[0], pair: pair[1]).ids.map(Int.init) == expected, "\(name)")
        let saved = try TemporaryFolder()
        try entry["files"]?["config.json"]?.write(to: saved.url.appending(path: "config.json"))
        try tokenizer.save(to: saved.url)
        try Self.expect(try loadTokenizer(directory: saved.url), entry, texts, "saved \(name)")
      }
    }
  }

  @Test func documentsAreThoseOfTransformers() throws {
    for entry in try Golden.list(try Self.golden("golden")["cases"]) {
      try Self.withFolder(entry) { folder in
        var found = try #require(try sentencePieceDocument(directory: folder)?.objectValue)
        var model = try #require(found["model"]?.objectValue)
        (model["vocab"], model["merges"]) = (nil, nil)
        found["model"] = .object(model)
        let expected = try #require(entry["document"]?.objectValue)
        for (key, value) in expected {
          #expect(found[key]?.sorted == value.sorted, "\(entry["files"]?.compactText ?? "") \(key)")
        }
      }
    }
  }

  @Test func vocabulariesOverCharactersAreCutAsByTokenizers() throws {
    let golden = try Self.golden("pairs")
    let texts = try Golden.strings(golden["texts"])
    for (index, entry) in try Golden.list(golden["cases"]).enumerated() {
      let folder = try TemporaryFolder()
      let document = try #require(entry["document"])
      try document.write(to: folder.url.appending(path: "tokenizer.json"))
      let tokenizer = try loadTokenizer(directory: folder.url)
      try Self.expect(tokenizer, entry, texts, special: false, "case \(index)")
    }
  }

  @Test func whatPythonWouldNotFindIsNamed() throws {
    func message(_ model: String, _ name: String, _ files: JSONValue) throws -> String {
      var text = "none"
      try Self.withFolder(["model": .string(model), "name": .string(name), "files": files]) { folder in
        do { _ = try loadTokenizer(directory: folder) } catch { text = "\(error)" }
      }
      return text
    }
    let xlmr: JSONValue = ["config.json": ["model_type": "xlm-roberta"]]
    #expect(
      try message("unigram", "spiece.model", xlmr).contains(
        "XLMRobertaTokenizer reads sentencepiece.bpe.model or tokenizer.model"))
    #expect(try message("unigram", "sentencepiece.bpe.model", [:]).contains("tokenizer_class"))
    #expect(
      try message("bpe", "sentencepiece.bpe.model", xlmr).contains(
        "trainer_spec.model_type has type \"BPE\", which is not supported; supported: UNIGRAM"))
    #expect(
      try message("unigram", "spiece.model", ["config.json": ["model_type": "albert"]]).contains("cls_token"))
  }
}
