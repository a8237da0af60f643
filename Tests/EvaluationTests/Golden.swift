import Evaluation
import Foundation
import ModelFormats
import TestSupport
import Testing

/// The golden files that `Tests/Reference/make_evaluation_fixtures.py` wrote, and how they are read.
enum Golden {
  /// A file of the kept folder, or of the one that a fuzz run named.
  static func load(_ name: String) throws -> JSONValue {
    if let folder = ProcessInfo.processInfo.environment["EVALUATION_GOLDENS"] {
      return try JSONValue(contentsOf: URL(filePath: folder).appending(path: name))
    }
    return try JSONValue(contentsOf: Fixtures.url("evaluation/\(name)"))
  }

  static func list(_ value: JSONValue?) throws -> [JSONValue] { try #require(value?.arrayValue) }

  static func strings(_ value: JSONValue?) throws -> [String] {
    try list(value).map { try #require($0.stringValue) }
  }

  static func numbers(_ value: JSONValue?) throws -> [Double] {
    try list(value).map { try #require($0.doubleValue) }
  }

  static func rows(_ value: JSONValue?) throws -> [[String]] { try list(value).map(strings) }

  static func questions(_ value: JSONValue?) throws -> [GoldQuestion] {
    try list(value).map { GoldQuestion(id: try #require($0[0]?.stringValue), answers: try strings($0[1])) }
  }

  static func texts(_ value: JSONValue?) throws -> [String: String] {
    let object = try #require(value?.objectValue)
    return Dictionary(
      try object.map { ($0.key, try #require($0.value.stringValue)) }, uniquingKeysWith: { $1 })
  }

  /// Whether two strings are the same scalar by scalar, as Python compares them.
  static func same(_ a: [String], _ b: [String]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { $0.unicodeScalars.elementsEqual($1.unicodeScalars) }
  }

  /// Checks that an object has the expected numbers under the expected names, to the last digit and in that order.
  static func expectEqual(_ scores: JSONObject, _ expected: JSONValue?, _ comment: Comment) throws {
    let expected = try #require(expected?.objectValue)
    #expect(scores.keys == expected.keys, comment)
    for (name, value) in expected {
      #expect(scores[name]?.doubleValue == value.doubleValue, "\(comment): \(name)")
    }
  }
}
