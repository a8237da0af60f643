import Foundation
import ModelFormats
import TestSupport
import Testing
import Tokenization

/// The golden files that `Tests/Reference/make_tokenization_fixtures.py` wrote, and how they are read.
enum Golden {
  static func load(_ name: String) throws -> JSONValue {
    try JSONValue(contentsOf: Fixtures.url("tokenization/\(name)"))
  }

  static func vocabulary() throws -> Vocabulary {
    try Vocabulary(contentsOf: Fixtures.url("tokenization/vocab.txt"))
  }

  /// The options behind a list of normaliser flags: clean, Chinese, accents, lower case.
  static func options(_ flags: JSONValue?) throws -> BertTokenizerOptions {
    let flags = try #require(flags?.arrayValue)
    return BertTokenizerOptions(
      cleanText: try #require(flags[0].boolValue as Bool?),
      handleChineseCharacters: try #require(flags[1].boolValue as Bool?),
      stripAccents: flags[2].boolValue, lowercase: try #require(flags[3].boolValue as Bool?))
  }

  static func list(_ value: JSONValue?) throws -> [JSONValue] { try #require(value?.arrayValue) }

  static func strings(_ value: JSONValue?) throws -> [String] {
    try list(value).map { try #require($0.stringValue) }
  }

  static func integers(_ value: JSONValue?) throws -> [Int] {
    try list(value).map { try #require($0.intValue) }
  }

  /// Checks every array of an encoding that the expected object has.
  static func check(_ encoding: Encoding, _ expected: JSONValue, _ comment: Comment) throws {
    #expect(encoding.ids.map(Int.init) == (try integers(expected["ids"])), comment)
    if let tokens = expected["tokens"] {
      // Byte by byte: Swift's own comparison would take canonically equivalent strings for equal.
      #expect(encoding.tokens.map { Array($0.utf8) } == (try strings(tokens)).map { Array($0.utf8) }, comment)
    }
    if let offsets = expected["offsets"] {
      let ranges = try list(offsets).map { try integers($0) }
      #expect(encoding.offsets.map { [$0.lowerBound, $0.upperBound] } == ranges, comment)
    }
    if let segments = expected["segments"] {
      #expect(encoding.segments.map(Int.init) == (try integers(segments)), comment)
    }
    if let words = expected["words"] {
      #expect(encoding.wordIndex == (try list(words)).map(\.intValue), comment)
    }
    if let sequences = expected["sequences"] {
      #expect(encoding.sequenceIndex == (try list(sequences)).map(\.intValue), comment)
    }
    if let special = expected["special"] {
      #expect(encoding.specialTokensMask.map { $0 ? 1 : 0 } == (try integers(special)), comment)
    }
  }
}
