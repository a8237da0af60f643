import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

/// The golden files that `Tests/Reference/make_taskdata_fixtures.py` wrote, and their tokenizers.
enum Golden {
  static func load(_ name: String) throws -> JSONValue {
    try JSONValue(contentsOf: Fixtures.url("taskdata/\(name)"))
  }

  static func tokenizers() throws -> [Bool: BertTokenizer] {
    let vocabulary = try Vocabulary(contentsOf: Fixtures.url("tokenization/vocab.txt"))
    return [
      true: BertTokenizer(vocabulary: vocabulary),
      false: BertTokenizer(vocabulary: vocabulary, options: BertTokenizerOptions(lowercase: false)),
    ]
  }

  /// RoBERTa's tokenizer.
  static func roberta(addPrefixSpace: Bool) throws -> ByteLevelBPETokenizer {
    let list = try JSONValue(contentsOf: Fixtures.url("tokenization/byte_level_vocab.json"))
    let members = try #require(list.objectValue)
    var tokens = [String](repeating: "", count: members.count)
    for (token, value) in members {
      let id = try #require(value.intValue)
      tokens[id] = token
    }
    let text = try String(contentsOf: Fixtures.url("tokenization/byte_level_merges.txt"), encoding: .utf8)
    let merges = text.split(separator: "\n").dropFirst().map { line -> (left: String, right: String) in
      let parts = line.split(separator: " ")
      return (String(parts[0]), String(parts[1]))
    }
    return try ByteLevelBPETokenizer(
      vocabulary: Vocabulary(tokens), merges: merges,
      options: ByteLevelBPEOptions(addPrefixSpace: addPrefixSpace))
  }

  static func integers(_ value: JSONValue?) throws -> [Int] {
    try #require(value?.arrayValue).map { try #require($0.intValue) }
  }
}
