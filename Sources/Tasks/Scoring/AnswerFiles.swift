import Evaluation
import Foundation
import ModelFormats

/// Reader of predicted answers, and of answer keys in SQuAD's and CMRC 2018's forms.
enum AnswerFiles {
  /// The text by question id: a JSON object of strings.
  static func predictions(_ file: URL) throws -> [String: String] {
    let object = try object(file, of: "the predicted text of each question")
    var texts: [String: String] = [:]
    texts.reserveCapacity(object.count)
    for (id, value) in object {
      guard let text = value.stringValue else {
        throw FormatError.field(file: file.path, path: id, reason: "found \(value.kind), expected a string")
      }
      texts[id] = text
    }
    return texts
  }

  /// Numbers by question id, in the order of the file.
  static func probabilities(_ file: URL) throws -> [(id: String, probability: Double)] {
    try object(file, of: "a number for each question").map { id, value in
      guard let number = value.doubleValue else {
        throw FormatError.field(file: file.path, path: id, reason: "found \(value.kind), expected a number")
      }
      return (id, number)
    }
  }

  private static func object(_ file: URL, of content: String) throws -> JSONObject {
    let root = try JSONValue(contentsOf: file)
    guard let object = root.objectValue else {
      throw FormatError.field(
        file: file.path, path: "(whole file)",
        reason: "found \(root.kind), expected an object with \(content)")
    }
    return object
  }

  /// The questions of an answer key with their accepted answers.
  ///
  /// SQuAD: `data[].paragraphs[].qas[]` with `id` and `answers[].text`. CMRC 2018's own form: an array, or `data`, of
  /// passages with `qas[]`, `query_id` and answers that are plain strings. Integers are ids too.
  ///
  /// - Parameter stripsIDs: Whether white space around `id` is no part of it; around `query_id` it never is.
  static func key(_ file: URL, stripsIDs: Bool = false) throws -> [GoldQuestion] {
    let root = KeyNode(value: try JSONValue(contentsOf: file), path: "", file: file.path)
    let articles = root.value.arrayValue == nil ? try root.member("data") : root
    var questions: [GoldQuestion] = []
    for article in try articles.elements() {
      let passages =
        article.value["paragraphs"] == nil ? [article] : try article.member("paragraphs").elements()
      for passage in passages {
        for question in try passage.member("qas").elements() {
          let isOwnForm = question.value["id"] == nil
          var id = try question.member(isOwnForm ? "query_id" : "id").identifier()
          if isOwnForm || stripsIDs { id = id.trimmingCharacters(in: .whitespacesAndNewlines) }
          let answers = try question.member("answers").elements().map { answer in
            try (answer.value.objectValue == nil ? answer : answer.member("text")).string()
          }
          questions.append(GoldQuestion(id: id, answers: answers))
        }
      }
    }
    return questions
  }
}

/// A value of a JSON file that knows where it stands, so that a wrong one can be named.
private struct KeyNode {
  let value: JSONValue
  let path: String
  let file: String

  func member(_ name: String) throws -> KeyNode {
    guard let member = value[name] else {
      throw fault(
        value.objectValue == nil ? "found \(value.kind), expected an object" : "found no \"\(name)\"")
    }
    return KeyNode(value: member, path: path.isEmpty ? name : "\(path).\(name)", file: file)
  }

  func elements() throws -> [KeyNode] {
    guard let elements = value.arrayValue else { throw fault("found \(value.kind), expected an array") }
    return elements.enumerated().map { KeyNode(value: $1, path: "\(path)[\($0)]", file: file) }
  }

  func string() throws -> String {
    guard let string = value.stringValue else { throw fault("found \(value.kind), expected a string") }
    return string
  }

  func identifier() throws -> String {
    if value.intValue != nil { return value.compactText }
    guard let string = value.stringValue else {
      throw fault("found \(value.kind), expected a string or an integer")
    }
    return string
  }

  private func fault(_ reason: String) -> FormatError {
    .field(file: file, path: path.isEmpty ? "(whole file)" : path, reason: reason)
  }
}
