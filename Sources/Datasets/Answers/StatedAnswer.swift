import Foundation
import ModelFormats

/// Answer to a text as somebody has written it down, before a task says what its labels are.
package enum StatedAnswer {
  /// Probabilities of labels by their names; labels that are left out share what is missing to 1.
  case probabilities([(label: String, value: Double)])
  /// Probabilities in the order of the task's labels.
  case list([Double])
  /// Probabilities of a language model's likeliest tokens, of which some are labels.
  case tokens([(token: String, value: Double)])
  /// One label, and its probability where it is known.
  case label(String, confidence: Double?)
  /// The labels that apply.
  case labels([String])
  /// A number.
  case value(Double)

  /// The answer of a row, by the first of these fields that it has: `probabilities`, `probability_<label>`, `logprobs`, `labels`,
  /// `value`, `prediction` with `probability`, a field for each label, `label` with `confidence`.
  ///
  /// - Parameter labels: The task's labels, each of which may be a field; empty where they are not known.
  /// - Throws: `RowFault` when there is none, or it has no such form.
  package init(_ row: AnswerFields, labels: [String]) throws(RowFault) {
    if let value = row["probabilities"] {
      self = try Self.probabilities(value, "probabilities", row)
    } else if let found = try Self.columns(row) {
      self = .probabilities(found)
    } else if let value = row["logprobs"] ?? row["top_logprobs"] {
      self = try Self.logProbabilities(value, row)
    } else if let value = row["labels"] {
      self = try Self.labels(value, row)
    } else if let value = row["value"] {
      self = .value(try row.number(value, "value"))
    } else if let value = row["prediction"] {
      self = try Self.label(value, "prediction", ["probability", "score"], row)
    } else if let found = try Self.fields(labels, row) {
      self = .probabilities(found)
    } else if let value = row["label"] {
      self = try Self.label(value, "label", ["confidence", "probability", "score"], row)
    } else {
      let keys = row.keys.isEmpty ? "no fields" : "the fields \(row.keys.joined(separator: ", "))"
      throw RowFault(line: row.line, found: keys, expected: Self.forms)
    }
  }

  private static let forms =
    "an answer: \"probabilities\", \"logprobs\", \"label\" with \"confidence\", \"labels\" or \"value\", or a column "
    + "probability_<label> for each label"

  /// An object of labels, a list in their order, or a list of objects as pipelines give them.
  private static func probabilities(
    _ value: JSONValue, _ name: String, _ row: AnswerFields
  ) throws(RowFault) -> StatedAnswer {
    if let object = value.objectValue { return .probabilities(try row.numbers(of: object, in: name)) }
    guard let list = value.arrayValue, !list.isEmpty else {
      throw row.fault(
        name, value, "an object of labels with their probabilities, or a list in the labels' order")
    }
    if list.allSatisfy({ $0.objectValue != nil }) {
      return .probabilities(try row.named(list, "label", ["score", "probability"], in: name))
    }
    var numbers: [Double] = []
    for (place, element) in list.enumerated() {
      numbers.append(try row.number(element, "\(name)[\(place)]"))
    }
    return .list(numbers)
  }

  /// Columns `probability_<label>`, or of the likeliest labels as `predict --top-k` writes them; nil where there is none.
  private static func columns(_ row: AnswerFields) throws(RowFault) -> [(label: String, value: Double)]? {
    var found: [(label: String, value: Double)] = []
    if row["prediction_2"] != nil {
      var suffix = ""
      while let label = row["prediction" + suffix].flatMap(JSONRows.scalar) {
        let name = "probability" + suffix
        found.append((label, try row.number(row[name] ?? .null, name)))
        suffix = "_\(found.count + 1)"
      }
      return found
    }
    for key in row.keys where key.hasPrefix("probability_") {
      guard let value = row[key] else { continue }
      found.append((String(key.dropFirst("probability_".count)), try row.number(value, key)))
    }
    return found.isEmpty ? nil : found
  }

  /// A field for each label; nil unless all are there.
  private static func fields(
    _ labels: [String], _ row: AnswerFields
  ) throws(RowFault) -> [(label: String, value: Double)]? {
    var found: [(label: String, value: Double)] = []
    for label in labels {
      guard let value = row[label] else { return nil }
      found.append((label, try row.number(value, label)))
    }
    return found.isEmpty ? nil : found
  }

  /// Logarithms of probabilities: of labels by their names, or of tokens as language models' interfaces give them.
  private static func logProbabilities(
    _ value: JSONValue, _ row: AnswerFields
  ) throws(RowFault) -> StatedAnswer {
    func probability(_ logarithm: Double, of name: String) throws(RowFault) -> Double {
      guard logarithm <= 1e-6 else {
        throw RowFault(
          line: row.line, found: "the log-probability \(logarithm) of \"\(name)\"", expected: "at most 0")
      }
      return min(exp(logarithm), 1)
    }
    var value = value
    // The whole of an interface's answer: the first token of it says the label.
    if let first = value.objectValue?["content"]?.arrayValue?.first?.objectValue?["top_logprobs"] {
      value = first
    }
    if let object = value.objectValue {
      var found: [(label: String, value: Double)] = []
      for (label, logarithm) in try row.numbers(of: object, in: "logprobs") {
        found.append((label, try probability(logarithm, of: label)))
      }
      return .probabilities(found)
    }
    guard let list = value.arrayValue, !list.isEmpty else {
      throw row.fault(
        "logprobs", value, "an object of labels, or a list of {\"token\": …, \"logprob\": …}")
    }
    var found: [(token: String, value: Double)] = []
    for (token, logarithm) in try row.named(list, "token", ["logprob"], in: "logprobs") {
      found.append((token, try probability(logarithm, of: token)))
    }
    return .tokens(found)
  }

  /// The labels that apply, or an object with a probability for each of several labels.
  private static func labels(_ value: JSONValue, _ row: AnswerFields) throws(RowFault) -> StatedAnswer {
    if value.objectValue != nil { return try probabilities(value, "labels", row) }
    if let list = value.arrayValue {
      let names = list.compactMap(JSONRows.scalar)
      guard names.count == list.count else {
        throw row.fault("labels", value, "a list of labels, or an object with a probability for each")
      }
      return .labels(names)
    }
    return try label(value, "labels", [], row)
  }

  private static func label(
    _ value: JSONValue, _ name: String, _ confidences: [String], _ row: AnswerFields
  ) throws(RowFault) -> StatedAnswer {
    if value.arrayValue != nil { return try labels(value, row) }
    guard let label = JSONRows.scalar(value) else {
      throw row.fault(name, value, "a label")
    }
    for key in confidences {
      if let value = row[key] { return .label(label, confidence: try row.number(value, key)) }
    }
    return .label(label, confidence: nil)
  }
}

/// Fields of a row of answers: the members of a JSON object, or the cells of a table by the names of their columns.
package struct AnswerFields {
  /// The line on which the row begins.
  package let line: Int
  private let object: JSONObject
  private let isTable: Bool

  /// The fields of a row.
  ///
  /// - Parameter names: The names of the columns of a table.
  package init(_ content: Record.Content, line: Int, names: [String]) throws(RowFault) {
    self.line = line
    switch content {
    case .object(let members): (object, isTable) = (members, false)
    case .fields(let cells):
      guard cells.count == names.count else {
        throw RowFault(line: line, found: "\(cells.count) columns", expected: "\(names.count)")
      }
      var members = JSONObject()
      for (name, cell) in zip(names, cells) { members[name] = .string(cell) }
      (object, isTable) = (members, true)
    case .text:
      throw RowFault(line: line, found: "plain text", expected: "rows with a text and an answer")
    }
  }

  /// The names of the fields.
  package var keys: [String] { object.keys }

  /// The value of a field, which in a cell of a table may be a list or an object too; nil where there is none, or it is empty.
  package subscript(key: String) -> JSONValue? {
    guard let value = object[key], !value.isNull else { return nil }
    guard isTable, let text = value.stringValue?.trimmingCharacters(in: .whitespacesAndNewlines) else {
      return value
    }
    if text.isEmpty { return nil }
    if text.hasPrefix("{") || text.hasPrefix("["), let parsed = try? JSONValue(parsing: text) {
      return parsed
    }
    return .string(text)
  }

  /// The text of a field as it stands; nil where there is none.
  package func text(_ key: String) -> String? { object[key]?.stringValue }

  /// A fault of a field.
  package func fault(_ name: String, _ value: JSONValue, _ expected: String) -> RowFault {
    RowFault(line: line, found: "\(name) with \(value.compactText.prefix(60))", expected: expected)
  }

  /// A field's number, which may be written as a text.
  func number(_ value: JSONValue, _ name: String) throws(RowFault) -> Double {
    let number = value.doubleValue ?? value.stringValue.flatMap(decimalNumber)
    guard let number, number.isFinite else { throw fault(name, value, "a number") }
    return number
  }

  /// The numbers of an object's members.
  func numbers(
    of object: JSONObject, in name: String
  ) throws(RowFault) -> [(label: String, value: Double)] {
    guard !object.isEmpty else {
      throw RowFault(line: line, found: "\(name) with nothing in it", expected: "at least one label")
    }
    var found: [(label: String, value: Double)] = []
    for (label, value) in object { found.append((label, try number(value, "\(name).\(label)"))) }
    return found
  }

  /// The names and numbers of a list of objects.
  func named(
    _ list: [JSONValue], _ key: String, _ valueKeys: [String], in name: String
  ) throws(RowFault) -> [(label: String, value: Double)] {
    var found: [(label: String, value: Double)] = []
    for (place, element) in list.enumerated() {
      let place = "\(name)[\(place)]"
      guard let object = element.objectValue, let label = object[key].flatMap(JSONRows.scalar),
        let value = valueKeys.lazy.compactMap({ object[$0] }).first
      else {
        throw fault(place, element, "an object with \"\(key)\" and \"\(valueKeys[0])\"")
      }
      found.append((label, try number(value, "\(place).\(valueKeys[0])")))
    }
    return found
  }
}

/// Reader of stated answers: the numbers that they are to a kind of task, or why they are none.
package protocol AnswerReader: Sendable {
  /// Probabilities or numbers [outputs] that an answer stands for, in the order of the task's labels.
  ///
  /// - Parameter line: The line of the row, for the fault.
  func values(of answer: StatedAnswer, line: Int) throws(RowFault) -> [Double]
  /// The values [outputs] that are sure of a row's target; nil of a row without one.
  func values(of target: ExampleTarget) -> [Double]?
  /// Logits [outputs] of such values, as a model would give them.
  func logits(of values: [Double]) -> [Float]
}
