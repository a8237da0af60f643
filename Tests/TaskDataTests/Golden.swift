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

  static func integers(_ value: JSONValue?) throws -> [Int] {
    try #require(value?.arrayValue).map { try #require($0.intValue) }
  }
}
