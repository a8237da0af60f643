import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

@Suite struct ByteLevelFileTests {
  private func firstCase() throws -> JSONValue {
    try Golden.list(try Golden.load("byte_level.json")["cases"])[0]
  }

  private func failure(_ files: [String: String]) throws -> String {
    try ByteLevel.withFolder(files) { folder in
      let error = #expect(throws: TokenizerError.self) { try loadTokenizer(directory: folder) }
      let message = error?.description.replacing(folder.path + "/", with: "") ?? ""
      return message.replacing(folder.path, with: "DIR")
    }
  }

  @Test func vocabularyAndMergesAreReadAsRobertas() throws {
    let entry = try firstCase()
    // The class strips nothing beside a mask by itself.
    var files = try ByteLevel.files
    files["tokenizer_config.json"] =
      #"{"mask_token": {"content": "<mask>", "lstrip": true, "normalized": false}}"#
    let tokenizer = try ByteLevel.withFolder(files) { try ByteLevelBPETokenizer(directory: $0) }
    #expect(tokenizer.modelMaxLength == nil)
    #expect(try ByteLevel.roberta().encode("a <mask>").tokens == ["<s>", "a", "Ġ", "<mask>", "</s>"])
    for (text, expected) in zip(try Golden.strings(entry["texts"]), try Golden.list(entry["results"])) {
      try Golden.check(tokenizer.encode(text), expected, "\(text.debugDescription.prefix(80))")
    }
  }

  @Test func configurationsOfOlderFoldersCount() throws {
    var files = try ByteLevel.files
    files["tokenizer_config.json"] =
      #"{"add_prefix_space": true, "trim_offsets": false, "model_max_length": 512, "mask_token": "<mask>"}"#
    files["special_tokens_map.json"] =
      #"{"mask_token": {"content": "<mask>", "lstrip": false, "rstrip": true}, "pad_token": "<pad>"}"#
    files["added_tokens.json"] = #"{"<b>": 100001, "<a>": 100000}"#
    try ByteLevel.withFolder(files) { folder in
      let tokenizer = try #require(try loadTokenizer(directory: folder) as? ByteLevelBPETokenizer)
      #expect(tokenizer.options.addPrefixSpace)
      #expect(!tokenizer.options.trimOffsets)
      #expect(tokenizer.modelMaxLength == 512)
      #expect(tokenizer.id(of: "<a>") == Int32(tokenizer.vocabulary.count))
      let tokens = tokenizer.encode("a <mask> b").tokens
      #expect(tokens == ["<s>", "Ġa", "Ġ", "<mask> ", "Ġb", "</s>"])
    }
  }

  @Test func savedTokenizersComeBackTheSame() throws {
    for (index, entry) in try Golden.list(try Golden.load("byte_level.json")["cases"]).enumerated() {
      var files = ["tokenizer.json": try ByteLevel.document(entry).compactText]
      files["tokenizer_config.json"] = #"{"own": [1], "model_max_length": 64}"#
      let first = try ByteLevel.withFolder(files) { try ByteLevelBPETokenizer(directory: $0) }
      try ByteLevel.withFolder([:]) { copy in
        try first.save(to: copy)
        let second = try #require(try loadTokenizer(directory: copy) as? ByteLevelBPETokenizer)
        #expect(second.vocabulary == first.vocabulary)
        #expect(second.options == first.options)
        #expect(second.addedTokens == first.addedTokens)
        for (text, expected) in zip(try Golden.strings(entry["texts"]), try Golden.list(entry["results"])) {
          try Golden.check(second.encode(text), expected, "\(text.debugDescription.prefix(80))")
          #expect(second.encode(text, pair: "a b") == first.encode(text, pair: "a b"))
        }
        let configuration = try JSONValue(contentsOf: copy.appending(path: "tokenizer_config.json"))
        #expect(configuration["own"] == [1])
        let isRoberta = index == 0 || index == 1
        #expect(
          configuration["tokenizer_class"]
            == .string(isRoberta ? "RobertaTokenizer" : "PreTrainedTokenizerFast"))
        if index == 0 {
          let names = try FileManager.default.contentsOfDirectory(atPath: copy.path).sorted()
          #expect(names == ["merges.txt", "tokenizer.json", "tokenizer_config.json", "vocab.json"])
          // The two files alone say the same.
          try FileManager.default.removeItem(at: copy.appending(path: "tokenizer.json"))
          let third = try #require(try loadTokenizer(directory: copy) as? ByteLevelBPETokenizer)
          #expect(third.options == first.options)
          #expect(third.addedTokens == first.addedTokens)
        }
      }
    }
  }

  @Test func foldersAreToldApart() throws {
    let bert = "[UNK]\n[CLS]\n[SEP]\n"
    let both = try ByteLevel.files.merging(["vocab.txt": bert]) { first, _ in first }
    #expect(try ByteLevel.withFolder(both) { try loadTokenizer(directory: $0) } is ByteLevelBPETokenizer)
    let old = ["vocab.txt": bert, "sentencepiece.bpe.model": ""]
    #expect(try ByteLevel.withFolder(old) { try loadTokenizer(directory: $0) } is BertTokenizer)
    #expect(
      try failure(["sentencepiece.bpe.model": ""]).hasPrefix(
        "sentencepiece.bpe.model: the name of the file: transformers' TokenizersBackend reads tokenizer.model"
      ))
    #expect(
      try failure(["tokenizer.json": #"{"model": {"type": "Unigram"}}"#]).hasPrefix(
        "tokenizer.json: model.vocab: found nothing, expected an array of [piece, score]"))
    #expect(
      try failure(["tokenizer.json": #"{"model": {"type": "WordLevel"}}"#])
        == #"tokenizer.json: model has type "WordLevel", which is not supported; supported: WordPiece, BPE, Unigram"#
    )
    #expect(try failure([:]).hasPrefix("DIR: found no tokenizer.json"))
    #expect(try failure(["vocab.json": try ByteLevel.vocabulary.compactText]).contains("merges.txt"))
  }

  @Test(arguments: [
    (#""normalizer":null"#, #""normalizer":{"type":"NFC"}"#, #"normalizer has type "NFC""#),
    (
      #""pre_tokenizer":{"type":"ByteLevel""#,
      #""pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split"},{"type":"ByteLevel"}]"#,
      #"pre_tokenizer has type "Sequence of Split, ByteLevel""#
    ),
    (#""decoder":{"type":"ByteLevel""#, #""decoder":{"type":"Metaspace""#, #"decoder has type "Metaspace""#),
    (
      #""post_processor":{"type":"RobertaProcessing""#, #""post_processor":{"type":"Odd""#,
      #"post_processor has type "Odd""#
    ),
    (#""sep":["</s>",2]"#, #""sep":"</s>""#, "post_processor.sep: expected [token, id]"),
    (#""dropout":null"#, #""dropout":0.1"#, "model.dropout: found 0.1"),
    (#""byte_fallback":false"#, #""byte_fallback":true"#, "model.byte_fallback: found true"),
    (#""ignore_merges":false"#, #""ignore_merges":true"#, "model.ignore_merges: found true"),
    (
      #""continuing_subword_prefix":null"#, #""continuing_subword_prefix":"@@""#,
      #"model.continuing_subword_prefix: found "@@""#
    ),
    (
      #""merges":["#, #""merges":[["t","h","e"],"#,
      #"model.merges[0]: found ["t", "h", "e"], expected two tokens"#
    ),
    (#""merges":["#, #""merges":["q z","#, #"model.merges[0]: needs the token "qz""#),
    (#""Ġ":"#, #""ĠĠĠĠĠĠ":"#, #"model.vocab: has no token for the byte 32 ("Ġ")"#),
    (#""add_prefix_space":false"#, #""add_prefix_space":1"#, "add_prefix_space: found an integer"),
  ])
  func faultsOfTokenizerJSONAreNamed(old: String, new: String, expected: String) throws {
    let text = try ByteLevel.document(try firstCase()).compactText
      .replacing(": ", with: ":").replacing(", ", with: ",")
    let changed = text.replacing(old, with: new, maxReplacements: 1)
    #expect(changed != text, "the document has no \(old)")
    let message = try failure(["tokenizer.json": changed])
    #expect(message.contains(expected), "\(message)")
  }

  @Test func faultsOfMergesAreNamed() throws {
    var files = try ByteLevel.files
    let merge = try #require(files["merges.txt"]?.split(separator: "\n")[1])
    files["merges.txt"] = "#version: 0.2\n\(merge)\nbroken\n"
    #expect(try failure(files).hasPrefix("merges.txt:3: expected two tokens"))
    files["merges.txt"] = "\(merge)\nq z\n"
    #expect(try failure(files).hasPrefix("merges.txt:2: needs the token \"qz\""))
    files["vocab.json"] = #"{"<s>": 0, "</s>": 1}"#
    #expect(try failure(files).contains("vocab.json: the vocabulary: has no token for the byte 0"))
  }
}
