import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

@Suite struct TokenizerFileTests {
  /// Makes a folder with the given files, hands it to the body and removes it.
  private func withFolder(_ files: [String: String], _ body: (URL) throws -> Void) throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "potstill-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in files { try Data(text.utf8).write(to: folder.appending(path: name)) }
    try body(folder)
  }

  private func failure(_ files: [String: String]) throws -> String {
    var message = ""
    try withFolder(files) { folder in
      let error = #expect(throws: TokenizerError.self) { try BertTokenizer(directory: folder) }
      message = error?.description.replacing(folder.path + "/", with: "") ?? ""
      message = message.replacing(folder.path, with: "DIR")
    }
    return message
  }

  private var template: String {
    get throws { try String(contentsOf: Fixtures.url("tokenization/template.json"), encoding: .utf8) }
  }

  @Test func readsWhatTokenizersWrites() throws {
    try withFolder(["tokenizer.json": try template]) { folder in
      let tokenizer = try BertTokenizer(directory: folder)
      for entry in try Golden.list(try Golden.load("template_cases.json")) {
        let encoding = tokenizer.encode(
          try #require(entry["first"]?.stringValue), pair: entry["second"]?.stringValue,
          addSpecialTokens: try #require(entry["special"]?.boolValue as Bool?))
        try Golden.check(encoding, try #require(entry["result"]), "\(entry.compactText)")
      }
    }
  }

  /// The tokens of texts in a frame are what `encode` gives, by a file's template and by those of BERT and RoBERTa.
  @Test func framesPutAroundWhatTheTemplateDoes() throws {
    var tokenizers: [any Tokenizer] = []
    try withFolder(["tokenizer.json": try template]) { tokenizers.append(try BertTokenizer(directory: $0)) }
    let vocabulary = Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b"])
    tokenizers.append(BertTokenizer(vocabulary: vocabulary))
    let bytes = (0...0xFF as ClosedRange<UInt32>).map { byte -> String in
      let printable = (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
      return printable ? String(Unicode.Scalar(UInt8(byte))) : ""
    }
    let others = (0x100..<0x144 as Range<UInt32>).compactMap(Unicode.Scalar.init).map { String($0) }
    tokenizers.append(
      try ByteLevelBPETokenizer(
        vocabulary: Vocabulary(["<s>", "</s>", "<pad>", "<unk>"] + bytes.filter { !$0.isEmpty } + others),
        merges: []))
    for tokenizer in tokenizers {
      let (first, second) = (
        tokenizer.encodeIDs("a b", addSpecialTokens: false).ids,
        tokenizer.encodeIDs("b", addSpecialTokens: false).ids
      )
      let single = SpecialFrame(of: tokenizer).sequence(first)
      #expect((single.ids, single.segments) == tokenizer.encodeIDs("a b"))
      let pair = SpecialFrame(of: tokenizer, isPair: true).sequence(first, second)
      #expect((pair.ids, pair.segments) == tokenizer.encodeIDs("a b", pair: "b"))
      #expect(Array(pair.ids[pair.start...].prefix(first.count)) == first)
      #expect(!first.isEmpty && single.ids.count > first.count && pair.ids.count > single.ids.count)
    }
  }

  @Test func savedTokenizersComeBackTheSame() throws {
    let texts = try Golden.strings(try Golden.load("texts.json")["texts"])
    let added = try Golden.strings(try Golden.load("added.json")["texts"])
    try withFolder([
      "tokenizer.json": try template, "tokenizer_config.json": #"{"own": [1], "model_max_length": 64}"#,
    ]) {
      folder in
      let first = try BertTokenizer(directory: folder)
      #expect(first.modelMaxLength == 64)
      try withFolder([:]) { copy in
        try first.save(to: copy, legacyFiles: true)
        let second = try BertTokenizer(directory: copy)
        #expect(second.vocabulary == first.vocabulary)
        #expect(second.options == first.options)
        #expect(second.addedTokens == first.addedTokens)
        for text in texts + added {
          #expect(second.encode(text, pair: "the <name>") == first.encode(text, pair: "the <name>"))
        }
        let configuration = try JSONValue(contentsOf: copy.appending(path: "tokenizer_config.json"))
        #expect(configuration["own"] == [1])
        // The class for BERT would put its own template in the place of this one.
        #expect(configuration["tokenizer_class"] == "PreTrainedTokenizerFast")
        #expect(configuration["do_lower_case"] == false)
        let names = try FileManager.default.contentsOfDirectory(atPath: copy.path).sorted()
        #expect(names == ["special_tokens_map.json", "tokenizer.json", "tokenizer_config.json", "vocab.txt"])
      }
    }
  }

  @Test func optionsThatPythonsBertClassCannotBeToldNameThePlainClass() throws {
    // The class for BERT builds its tokenizer from the vocabulary and these settings alone.
    let vocabulary = Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "@@b"])
    for (options, name) in [
      (BertTokenizerOptions(lowercase: false), "BertTokenizer"),
      (BertTokenizerOptions(continuingPrefix: "@@"), "PreTrainedTokenizerFast"),
      (BertTokenizerOptions(cleanText: false), "PreTrainedTokenizerFast"),
      (BertTokenizerOptions(maximumWordLength: 50), "PreTrainedTokenizerFast"),
    ] {
      try withFolder([:]) { folder in
        let tokenizer = BertTokenizer(vocabulary: vocabulary, options: options)
        try tokenizer.save(to: folder)
        let file = try JSONValue(contentsOf: folder.appending(path: "tokenizer_config.json"))
        #expect(file["tokenizer_class"] == .string(name))
        #expect(try BertTokenizer(directory: folder).options == options)
      }
    }
  }

  @Test func vocabularyFilesFollowTheirConfiguration() throws {
    let vocabulary = "<pad>\n<unk>\n<s>\n</s>\nA\na\né\n字字\n##字 \t\nA\n"
    let configuration = """
      {"do_lower_case": false, "strip_accents": false, "tokenize_chinese_chars": false, "unk_token": "<unk>",
       "cls_token": {"content": "<s>"}, "sep_token": "</s>", "pad_token": "<pad>",
       "model_max_length": 1000000000000000019884624838656}
      """
    try withFolder([
      "vocab.txt": vocabulary, "tokenizer_config.json": configuration,
      "added_tokens.json": #"{"<new>": 9, "<x>": 10}"#,
      "special_tokens_map.json": #"{"additional_special_tokens": ["<extra>"]}"#,
    ]) { folder in
      let tokenizer = try BertTokenizer(directory: folder)
      #expect(tokenizer.modelMaxLength == nil)
      #expect(tokenizer.vocabulary.count == 9)
      #expect(tokenizer.padID == 0)
      let encoding = tokenizer.encode("A a é 字字字 <new> [SEP]<extra>")
      #expect(encoding.tokens.first == "<s>")
      #expect(encoding.tokens.dropFirst().prefix(5) == ["A", "a", "é", "字字", "##字"])
      // The later of two equal lines counts.
      #expect(encoding.ids[1] == 9)
      #expect(encoding.tokens.contains("<new>"))
      #expect(encoding.tokens.suffix(2) == ["<extra>", "</s>"])
    }
  }

  @Test func tokenizerJSONWinsOverVocabulary() throws {
    try withFolder(["tokenizer.json": try template, "vocab.txt": "[UNK]\n[CLS]\n[SEP]\n"]) { folder in
      let tokenizer = try BertTokenizer(directory: folder)
      #expect(tokenizer.vocabulary.count > 700)
    }
  }

  @Test func missingFilesAreNamed() throws {
    #expect(
      try failure([:])
        == "DIR: found no tokenizer.json, no vocab.txt, no vocab.json with merges.txt, and no SentencePiece .model file; "
        + "a model folder needs one of them")
    #expect(
      try failure(["vocab.txt": "a\nb\n"]).contains("vocab.txt: unk_token: the vocabulary has no \"[UNK]\""))
    #expect(try failure(["vocab.txt": "[UNK]\n[CLS]\n"]).contains("no \"[SEP]\""))
    #expect(try failure(["vocab.txt": ""]).contains("vocab.txt:1: the file is empty"))
  }

  @Test(arguments: [
    (
      #""normalizer":{"type":"BertNormalizer""#, #""normalizer":{"type":"NFKC""#,
      #"normalizer has type "NFKC""#
    ),
    (
      #""pre_tokenizer":{"type":"BertPreTokenizer""#, #""pre_tokenizer":{"type":"Metaspace""#,
      #"has type "Metaspace""#
    ),
    (
      #""post_processor":{"type":"TemplateProcessing""#, #""post_processor":{"type":"Odd""#,
      #"has type "Odd""#
    ),
    (
      #""model":{"type":"WordPiece""#, #""model":{"type":"BPE""#,
      #"model has type "BPE", which is not supported"#
    ),
    (
      #""pair":[{"Sequence":{"id":"B""#, #""pair":[{"Sequence":{"id":"C""#,
      #"post_processor.pair[0]: found sequence "C""#
    ),
    (
      #""single":[{"SpecialToken":{"id":"[CLS]""#, #""single":[{"SpecialToken":{"id":"[NO]""#,
      #"special token "[NO]""#
    ),
    (
      #""lowercase":false"#, #""lowercase":1"#,
      "normalizer.lowercase: found an integer, expected true or false"
    ),
    (#""max_input_chars_per_word":100"#, #""max_input_chars_per_word":-1"#, "model.max_input_chars_per_word"),
    (#""[PAD]":0"#, #""[PAD]":-3"#, #"model.vocab["[PAD]"]: found -3, expected an id from 0"#),
    (#""[PAD]":0"#, #""[PAD]":"x""#, #"model.vocab["[PAD]"]: found a string"#),
    (#""[PAD]":0"#, #""[PAD]":99999999999"#, #"model.vocab["[PAD]"]: found 99999999999"#),
    (#""unk_token":"[UNK]""#, #""unk_token":"[NONE]""#, "unk_token: the vocabulary has no \"[NONE]\""),
    (#""content":"[PAD]""#, #""content":5"#, "added_tokens[0]: expected an object with a string \"content\""),
    (#""version":"1.0""#, #""version" "1.0""#, "tokenizer.json:1:12"),
  ])
  func faultsOfTokenizerJSONAreNamed(old: String, new: String, expected: String) throws {
    let text = try template
    let changed = text.replacing(old, with: new, maxReplacements: 1)
    #expect(changed != text, "the fixture has no \(old)")
    #expect(try failure(["tokenizer.json": changed]).contains(expected))
  }

  @Test func truncatedAndForeignDocumentsDoNotCrash() throws {
    let bytes = Array(try template.utf8)
    for length in stride(from: 0, to: bytes.count, by: 397) {
      let text = String(decoding: bytes[..<length], as: UTF8.self)
      #expect(try failure(["tokenizer.json": text]).contains("tokenizer.json"))
    }
    for text in [
      "[]", "null", "{}", #"{"model": 3}"#, #"{"pre_tokenizer": {"type": "BertPreTokenizer"}, "model": {}}"#,
    ] {
      #expect(try failure(["tokenizer.json": text]).contains("tokenizer.json: "))
    }
    #expect(
      try failure(["vocab.txt": "[UNK]\n", "tokenizer_config.json": "[1]"]).contains("expected an object"))
    #expect(
      try failure(["vocab.txt": "[UNK]\n", "tokenizer_config.json": #"{"do_lower_case": "yes"}"#])
        .contains("tokenizer_config.json: do_lower_case: found the string \"yes\", expected true or false"))
  }

  @Test func vocabulariesMustBeUTF8() throws {
    try withFolder([:]) { folder in
      try Data([0x61, 0x0A, 0xFF, 0xFE, 0x0A]).write(to: folder.appending(path: "vocab.txt"))
      let error = #expect(throws: TokenizerError.self) { try BertTokenizer(directory: folder) }
      #expect(error?.description.contains("vocab.txt:2: found bytes that are not UTF-8") == true)
    }
  }
}
