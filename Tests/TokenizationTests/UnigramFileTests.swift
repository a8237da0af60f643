import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

@Suite struct UnigramFileTests {
  /// A small tokenizer with one part changed.
  private func failure(
    model: JSONValue? = nil, normalizer: JSONValue = nil, preTokenizer: JSONValue = nil,
    configuration: JSONValue = [:]
  ) throws -> String {
    let document: JSONValue = [
      "normalizer": normalizer, "pre_tokenizer": preTokenizer,
      "model": model ?? ["type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["a", -1.5]]],
    ]
    let files = [
      "tokenizer.json": document.compactText, "tokenizer_config.json": configuration.compactText,
    ]
    return try ByteLevel.withFolder(files) { folder in
      let error = #expect(throws: TokenizerError.self) { try loadTokenizer(directory: folder) }
      return error?.description.replacing(folder.path + "/", with: "") ?? ""
    }
  }

  @Test func modelsOfOldFilesHaveNoType() throws {
    let document: JSONValue = ["model": ["unk_id": 1, "vocab": [["a", -1], ["<unk>", 0]]]]
    let tokenizer = try Unigram.load(document, files: nil)
    #expect(tokenizer.encode("axya").ids == [0, 1, 0])
    #expect(tokenizer.encode("axya").tokens == ["a", "xy", "a"])
    #expect(tokenizer.encode("axya").offsets == [0..<1, 1..<3, 3..<4])
    #expect(tokenizer.encode("").ids.isEmpty)
  }

  @Test(arguments: [
    (#"{"type":"Unigram","unk_id":0}"#, "model.vocab: found nothing, expected an array of [piece, score]"),
    (#"{"type":"Unigram","unk_id":0,"vocab":{"a":1}}"#, "model.vocab: found an object"),
    (#"{"type":"Unigram","unk_id":0,"vocab":[]}"#, "model.vocab: found no pieces"),
    (
      #"{"type":"Unigram","unk_id":0,"vocab":[["a"]]}"#,
      #"model.vocab[0]: found ["a"], expected [piece, score]"#
    ),
    (#"{"type":"Unigram","unk_id":0,"vocab":[["a",0],["b","NaN"]]}"#, "model.vocab[1]: found"),
    (#"{"type":"Unigram","unk_id":0,"vocab":[["a",0],["b",null]]}"#, "model.vocab[1]: found"),
    (#"{"type":"Unigram","unk_id":0,"vocab":[[7,0]]}"#, "model.vocab[0]: found [7, 0]"),
    (#"{"type":"Unigram","unk_id":1,"vocab":[["a",0]]}"#, "model.unk_id: found 1, expected one of the 1 ids"),
    (#"{"type":"Unigram","unk_id":-1,"vocab":[["a",0]]}"#, "model.unk_id: found -1"),
    (#"{"type":"Unigram","unk_id":4294967296,"vocab":[["a",0]]}"#, "model.unk_id: found 4294967296"),
    (#"{"type":"Unigram","unk_id":null,"vocab":[["a",0]]}"#, "model.unk_id: found null"),
    (
      #"{"type":"Unigram","unk_id":0,"vocab":[["a",0]],"byte_fallback":"yes"}"#,
      "model.byte_fallback: found a string"
    ),
  ])
  func faultsOfModelsAreNamed(model: String, expected: String) throws {
    let message = try failure(model: try JSONValue(parsing: model))
    #expect(message.hasPrefix("tokenizer.json: \(expected)"), "\(message)")
  }

  @Test(arguments: [
    (
      #"{"type":"Odd"}"#,
      #"normalizer has type "Odd", which is not supported; supported: Precompiled, Replace"#
    ),
    (#"{"type":7}"#, #"normalizer: found no "type", expected an object with a "type""#),
    (#""NFC""#, #"normalizer: found a string, expected an object with a "type""#),
    (#"{"type":"Sequence"}"#, "normalizer.normalizers: found nothing, expected an array"),
    (
      #"{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Odd"}]}"#,
      #"normalizer.normalizers[1] has type "Odd""#
    ),
    (#"{"type":"Precompiled","precompiled_charsmap":null}"#, "normalizer.precompiled_charsmap: found null"),
    (
      #"{"type":"Precompiled","precompiled_charsmap":"!!"}"#,
      "precompiled_charsmap: found text that is not base64"
    ),
    (#"{"type":"Precompiled","precompiled_charsmap":""}"#, "precompiled_charsmap: found 0 bytes"),
    (#"{"type":"Precompiled","precompiled_charsmap":"AAAAAA=="}"#, "found 4 bytes, expected the size"),
    (#"{"type":"Precompiled","precompiled_charsmap":"AAAAAAAAAAA="}"#, "the size of the trie is 0 bytes"),
    (
      #"{"type":"Precompiled","precompiled_charsmap":"/////wAAAAA="}"#,
      "the size of the trie is 4294967292 bytes"
    ),
    (#"{"type":"Precompiled","precompiled_charsmap":"BAAAAAAAAAD/"}"#, "found results that are not UTF-8"),
    (
      #"{"type":"Replace","pattern":{"String":""},"content":"x"}"#,
      "normalizer.pattern: found an empty string"
    ),
    (#"{"type":"Replace","pattern":{},"content":"x"}"#, "normalizer.pattern: found {}"),
    (#"{"type":"Replace","pattern":{"String":"a"}}"#, "normalizer.content: found nothing, expected a string"),
    (#"{"type":"Replace","pattern":{"Regex":"a*"},"content":""}"#, "also matches the empty string"),
    (#"{"type":"Replace","pattern":{"Regex":"^a"},"content":""}"#, "uses ^"),
    (#"{"type":"Replace","pattern":{"Regex":"(a"},"content":""}"#, "has a ( without a )"),
    (#"{"type":"Replace","pattern":{"Regex":"a)"},"content":""}"#, "has a ) without a ("),
    (#"{"type":"Replace","pattern":{"Regex":"a{9,1}"},"content":""}"#, "has a { without {least,most}"),
    (
      #"{"type":"Replace","pattern":{"Regex":"[z-a]"},"content":""}"#,
      "has a range that ends before it begins"
    ),
    (#"{"type":"Replace","pattern":{"Regex":"[a"},"content":""}"#, "has a [ without a ]"),
    (#"{"type":"Replace","pattern":{"Regex":"a+?"},"content":""}"#, "repeats lazily"),
    (#"{"type":"Replace","pattern":{"Regex":"a{100001}"},"content":""}"#, "more than 100,000 times"),
    (#"{"type":"Replace","pattern":{"Regex":"a{1,100001}"},"content":""}"#, "more than 100,000 times"),
    (#"{"type":"Replace","pattern":{"Regex":"a{100001,}"},"content":""}"#, "more than 100,000 times"),
    (#"{"type":"Replace","pattern":{"Regex":"(?:a|b)+"},"content":""}"#, "repeats a group without a limit"),
    (#"{"type":"Replace","pattern":{"Regex":"\\p{Greek}"},"content":""}"#, "uses the property Greek"),
    (#"{"type":"Replace","pattern":{"Regex":"a\\"},"content":""}"#, "ends with"),
    (#"{"type":"Replace","pattern":{"Regex":"\\x{}"},"content":""}"#, "an escape without a code point"),
    (#"{"type":"Replace","pattern":{"Regex":"\\x{D800}"},"content":""}"#, "(found \"D800\")"),
    (#"{"type":"Replace","pattern":{"Regex":"\\x{41"},"content":""}"#, "has a \\x{ without a }"),
    (#"{"type":"Replace","pattern":{"Regex":"\\xe9"},"content":""}"#, "writes a byte above 7F"),
    (#"{"type":"Replace","pattern":{"Regex":"\\u00e"},"content":""}"#, "(found \"00e\")"),
    (#"{"type":"Strip","strip_left":true}"#, "normalizer.strip_right: found nothing, expected true or false"),
    (#"{"type":"Prepend","prepend":1}"#, "normalizer.prepend: found 1, expected a string"),
  ])
  func faultsOfNormalizersAreNamed(normalizer: String, expected: String) throws {
    let message = try failure(normalizer: try JSONValue(parsing: normalizer))
    #expect(message.hasPrefix("tokenizer.json: ") && message.contains(expected), "\(message)")
  }

  @Test(arguments: [
    (#"{"type":"Odd"}"#, #"pre_tokenizer has type "Odd", which is not supported; supported: Metaspace"#),
    (#"{"type":"Metaspace","replacement":"▁▁"}"#, "pre_tokenizer.replacement: found"),
    (
      #"{"type":"Metaspace","replacement":"▁","prepend_scheme":"last"}"#,
      "expected one of first, never, always"
    ),
    (#"{"type":"Metaspace","replacement":"▁","add_prefix_space":false}"#, "add_prefix_space: found false"),
    (
      #"{"type":"Split","pattern":{"String":"a"},"behavior":"Odd","invert":false}"#, "expected one of Removed"
    ),
    (
      #"{"type":"Split","pattern":{"String":"a"},"behavior":"Removed"}"#,
      "pre_tokenizer.invert: found nothing"
    ),
    (#"{"type":"Digits"}"#, "pre_tokenizer.individual_digits: found nothing"),
    (#"{"type":"ByteLevel"}"#, "pre_tokenizer.add_prefix_space: found nothing"),
    (
      #"{"type":"Sequence","pretokenizers":[{"type":"Odd"}]}"#,
      #"pre_tokenizer.pretokenizers[0] has type "Odd""#
    ),
  ])
  func faultsOfPreTokenizersAreNamed(preTokenizer: String, expected: String) throws {
    let message = try failure(preTokenizer: try JSONValue(parsing: preTokenizer))
    #expect(message.hasPrefix("tokenizer.json: ") && message.contains(expected), "\(message)")
  }

  @Test func deepSequencesAreRefused() throws {
    var normalizer: JSONValue = ["type": "NFC"]
    for _ in 0..<40 { normalizer = ["type": "Sequence", "normalizers": [normalizer]] }
    #expect(try failure(normalizer: normalizer).contains("expected sequences in at most 16 sequences"))
    let deep = String(repeating: "(?:", count: 50) + "a" + String(repeating: ")", count: 50)
    #expect(
      try failure(normalizer: ["type": "Replace", "pattern": ["Regex": .string(deep)], "content": ""])
        .contains("nests too deeply"))
  }

  @Test func xlmRobertasUnknownTokenIsTheFourth() throws {
    let message = try failure(configuration: ["tokenizer_class": "XLMRobertaTokenizer"])
    #expect(message.contains("model.vocab: found 2 pieces, expected the unknown token at 3"))
    let pieces: JSONValue = [["a", 0], ["b", 0], ["c", 0], ["d", 0], ["e", 0]]
    let other = try failure(
      model: ["type": "Unigram", "unk_id": 0, "vocab": pieces],
      configuration: ["tokenizer_class": "XLMRobertaTokenizer"])
    #expect(other.contains(#"the vocabulary has no "<s>""#), "\(other)")
  }

  /// Rules whose units lead in circles, out of the array or to results that do not exist: refused, or no rule.
  @Test func hostileRulesEndTheirWalks() throws {
    func rules(_ units: [UInt32], _ results: String = "x\0") -> String {
      var bytes: [UInt8] = []
      for unit in [UInt32(units.count * 4)] + units {
        bytes += (0..<4).map { UInt8(truncatingIfNeeded: unit >> UInt32(8 * $0)) }
      }
      return Data(bytes + Array(results.utf8)).base64EncodedString()
    }
    func circle(_ label: UInt8, leaf: Bool) -> [UInt32] {
      // Each place leads back to itself along its label, by an offset that undoes it.
      let unit = UInt32(label) | (leaf ? 0x100 : 0) | UInt32(label) << 10
      return (0..<256).map { (place: UInt32) -> UInt32 in place == UInt32(label) ? unit : 0 }
    }
    let text = "aaaa\u{301}é学😀\u{0}b"
    let outside: [UInt32] = [0x3FFFFF << 10]
    let far: [UInt32] = (0..<256).map { (place: UInt32) -> UInt32 in place | 0x200 | 0x1FFFFF << 10 }
    let nowhere: [UInt32] = (0..<512).map { (place: UInt32) -> UInt32 in place & 0xFF | 0x100 | 256 << 10 }
    let cases: [(units: [UInt32], isRefused: Bool)] = [
      (circle(0x61, leaf: false), false), (circle(0x61, leaf: true), false), (outside, false), (far, false),
      (nowhere, true),
    ]
    for (units, isRefused) in cases {
      let normalizer: JSONValue = ["type": "Precompiled", "precompiled_charsmap": .string(rules(units))]
      let document: JSONValue = [
        "normalizer": normalizer,
        "model": ["type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0]]],
      ]
      if isRefused {
        #expect(try failure(normalizer: normalizer).contains("precompiled_charsmap"))
      } else {
        #expect(try Unigram.load(document, files: nil).encode(text).ids.count <= 1)
      }
    }
  }

  /// Names of special tokens beside `tokenizer.json` become tokens that are found in texts.
  @Test func tokensBesideTheFileCount() throws {
    let document: JSONValue = [
      "pre_tokenizer": ["type": "Metaspace", "replacement": "▁"],
      "model": ["type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0], ["▁a", -1], ["▁", -2]]],
    ]
    let tokenizer = try Unigram.load(
      document,
      files: [
        "tokenizer_config.json": ["mask_token": "<mask>"], "added_tokens.json": ["<own>": 3],
      ])
    #expect(tokenizer.encode("a<mask><own> a").ids == [1, 4, 3, 1])
    let described = try Unigram.load(
      document,
      files: [
        "tokenizer_config.json": [
          "added_tokens_decoder": ["3": ["content": "<x>", "lstrip": true, "special": true]]
        ]
      ])
    #expect(described.encode("a <x>a").tokens == ["▁a", " <x>", "▁a"])
  }
}
