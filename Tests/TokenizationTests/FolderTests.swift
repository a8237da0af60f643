import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

/// Folders whose tokenizer files say different things, as `transformers` reads them; by
/// `Tests/Reference/make_folder_fixtures.py`.
@Suite struct FolderTests {
  private static func withFolder(_ files: [(String, JSONValue)], _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "potstill-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, value) in files {
      let file = folder.appending(path: name)
      if let text = value.stringValue {
        try Data(text.utf8).write(to: file)
      } else {
        try value.write(to: file)
      }
    }
    try body(folder)
  }

  private static func expect(
    _ tokenizer: any Tokenizer, _ result: JSONValue, _ golden: JSONValue, _ name: String
  ) throws {
    let texts = try Golden.strings(golden["texts"])
    let (ids, offsets) = (try Golden.list(result["ids"]), try Golden.list(result["offsets"]))
    for (index, text) in texts.enumerated() {
      let encoding = tokenizer.encode(text)
      #expect(encoding.ids.map(Int.init) == (try Golden.integers(ids[index])), "\(name): \(text)")
      let places = try Golden.list(offsets[index]).map { try Golden.integers($0) }
      #expect(encoding.offsets.map { [$0.lowerBound, $0.upperBound] } == places, "\(name): \(text)")
    }
    let pair = try Golden.strings(golden["pair"])
    let encoding = tokenizer.encode(pair[0], pair: pair[1])
    #expect(encoding.ids.map(Int.init) == (try Golden.integers(result["pair"])), "\(name): pair")
    #expect(encoding.segments.map(Int.init) == (try Golden.integers(result["segments"])), "\(name): pair")
  }

  @Test func foldersAreReadAsByTransformersAndSoIsWhatIsSaved() throws {
    let golden = try Golden.load("folders.json")
    let (documents, results) = (try Golden.list(golden["documents"]), try Golden.list(golden["results"]))
    let vocabularies = try Golden.list(golden["vocabularies"])
    for entry in try Golden.list(golden["cases"]) {
      let result = results[try #require(entry["result"]?.intValue)]
      let files = try #require(entry["files"]?.objectValue).map { ($0.key, $0.value) }
      var source = files
      if let vocabulary = entry["vocabulary"]?.intValue.flatMap({ vocabularies[$0].objectValue }) {
        source += vocabulary.map { ($0.key, $0.value) }
      } else {
        source.append(("tokenizer.json", documents[try #require(entry["document"]?.intValue)]))
      }
      let name = "\(entry["name"]?.stringValue ?? "") \(entry["files"]?.compactText ?? "")"
      try Self.withFolder(source) { folder in
        let tokenizer = try loadTokenizer(directory: folder)
        try Self.expect(tokenizer, result, golden, name)
        // Beside the same config.json, as a model is saved.
        let config = files.filter { $0.0 == "config.json" }
        try Self.withFolder(config) { copy in
          try tokenizer.save(to: copy)
          try Self.expect(try loadTokenizer(directory: copy), result, golden, name + " saved")
        }
      }
    }
  }

  @Test func aTemplateOfItsOwnIsSavedUnderThePlainClass() throws {
    let golden = try Golden.load("folders.json")
    let documents = try Golden.list(golden["documents"])
    let short = try #require(documents.first { $0["post_processor"]?["type"] == "TemplateProcessing" })
    let plain: JSONValue = ["tokenizer_class": "PreTrainedTokenizerFast"]
    try Self.withFolder([("tokenizer.json", short), ("tokenizer_config.json", plain)]) { folder in
      let tokenizer = try loadTokenizer(directory: folder)
      try tokenizer.limited(to: 24).save(to: folder)
      let saved = try JSONValue(contentsOf: folder.appending(path: "tokenizer_config.json"))
      #expect(saved["tokenizer_class"] == "PreTrainedTokenizerFast")
      // `transformers` cuts texts there, and would otherwise not cut them at all.
      #expect(saved["model_max_length"] == 24)
      #expect(try loadTokenizer(directory: folder).encode("the room").tokens == ["[CLS]", "the", "room"])
      #expect(tokenizer.limited(to: 24).limited(to: 50).modelMaxLength == 24)
    }
  }

  @Test func oneIDForTwoTokensIsRefused() throws {
    let golden = try Golden.load("folders.json")
    var document = try #require(try Golden.list(golden["documents"])[0].objectValue)
    var model = try #require(document["model"]?.objectValue)
    var vocabulary = try #require(model["vocab"]?.objectValue)
    vocabulary["cafe"] = 7
    model["vocab"] = .object(vocabulary)
    document["model"] = .object(model)
    try Self.withFolder([("tokenizer.json", .object(document))]) { folder in
      let error = #expect(throws: TokenizerError.self) { try loadTokenizer(directory: folder) }
      #expect(
        error?.description.contains(#"model.vocab["cafe"]: found the id 7, which "the" has"#) == true,
        "\(String(describing: error))")
    }
  }

  @Test func tokensThatAVocabularyRepeatsAreKnown() {
    let vocabulary = Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "b", "a"])
    #expect(vocabulary.repeatedTokens == ["a"] && vocabulary.id(of: "a") == 6)
  }
}
