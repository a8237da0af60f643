import Datasets
import Foundation
import ModelFormats

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

/// Least probability that an answer leaves to a label, so that its logarithm is finite.
private let leastProbability = 1e-8

/// Reader of the probabilities of labels of which one applies.
struct LabelAnswers: AnswerReader {
  private let names: LabelNames
  private let labels: [String]

  /// How far probabilities may be from adding up to 1, as rounded ones are.
  private static let tolerance = 0.01

  init(_ task: TaskDefinition) {
    (names, labels) = (LabelNames(task), task.labels)
  }

  func values(of answer: StatedAnswer, line: Int) throws(RowFault) -> [Double] {
    switch answer {
    case .probabilities(let named): return try shared(try names.placed(named, among: labels, line), line)
    case .list(let list):
      guard list.count == labels.count else {
        throw RowFault(
          line: line, found: "\(list.count) probabilities",
          expected: "\(labels.count), one for each of \(labels.joined(separator: ", "))")
      }
      for (label, value) in zip(labels, list) { try checkProbability(value, of: label, line) }
      return try shared(list.map { $0 }, line)
    case .label(let name, let confidence):
      if let confidence { try checkProbability(confidence, of: name, line) }
      return try shared(try names.placed([(name, confidence ?? 1)], among: labels, line), line)
    case .labels(let list):
      guard list.count == 1 else {
        throw RowFault(line: line, found: "\(list.count) labels", expected: "one label")
      }
      return try shared(try names.placed([(list[0], 1)], among: labels, line), line)
    case .tokens(let tokens): return try values(ofTokens: tokens, line)
    case .value(let value):
      throw RowFault(
        line: line, found: "the value \(value)",
        expected: "probabilities of the labels \(labels.joined(separator: ", "))")
    }
  }

  func values(of target: ExampleTarget) -> [Double]? {
    guard case .label(let label) = target, labels.indices.contains(Int(label)) else { return nil }
    return labels.indices.map { $0 == Int(label) ? 1 : 0 }
  }

  /// Logarithms, which a softmax turns back into the probabilities.
  func logits(of values: [Double]) -> [Float] { values.map { Float(log(max($0, leastProbability))) } }

  /// Probabilities that add up to 1: labels left out share what is missing.
  private func shared(_ values: [Double?], _ line: Int) throws(RowFault) -> [Double] {
    let known = values.compactMap { $0 }
    let (sum, missing) = (known.reduce(0, +), values.count - known.count)
    guard sum <= 1 + Self.tolerance, missing > 0 || sum >= 1 - Self.tolerance else {
      throw RowFault(
        line: line, found: "probabilities that add up to \(rounded(sum))",
        expected: missing > 0 ? "at most 1, of which the labels left out share the rest" : "1")
    }
    let rest = missing > 0 ? max(0, 1 - sum) / Double(missing) : 0
    let total = max(sum, missing > 0 ? 1 : sum)
    return values.map { ($0 ?? rest) / total }
  }

  /// The probabilities of the labels among tokens, given that the token is a label: what other tokens have does not count,
  /// and labels that are not listed share the mass of all that is not listed.
  private func values(
    ofTokens tokens: [(token: String, value: Double)], _ line: Int
  ) throws(RowFault) -> [Double] {
    var values = [Double?](repeating: nil, count: labels.count)
    var (sum, other) = (0.0, 0.0)
    for (token, value) in tokens {
      let name = token.trimmingCharacters(in: .whitespacesAndNewlines.union(["\"", "▁", "Ġ"]))
      sum += value
      if let index = names.index(ofAnswer: name, among: labels) {
        values[index] = (values[index] ?? 0) + value
      } else {
        other += value
      }
    }
    guard values.contains(where: { $0 != nil }) else {
      let found = tokens.prefix(5).map { "\"\($0.token)\"" }.joined(separator: ", ")
      throw RowFault(line: line, found: "tokens of which none is a label: \(found)", expected: names.expected)
    }
    guard sum <= 1 + Self.tolerance else {
      throw RowFault(
        line: line, found: "probabilities that add up to \(rounded(sum))", expected: "at most 1")
    }
    let missing = values.count { $0 == nil }
    let rest = missing > 0 ? max(0, 1 - sum) / Double(missing) : 0
    let found = values.map { $0 ?? rest }
    let total = found.reduce(0, +)
    guard total > 0 else {
      throw RowFault(line: line, found: "labels of probability 0", expected: "at least one above 0")
    }
    return found.map { $0 / total }
  }
}

/// Reader of the probabilities of labels that apply side by side, each by itself.
struct LabelSetAnswers: AnswerReader {
  private let names: LabelNames
  private let labels: [String]
  private let separator: String

  init(_ task: TaskDefinition) {
    (names, labels, separator) = (LabelNames(task), task.labels, task.labelSeparator)
  }

  func values(of answer: StatedAnswer, line: Int) throws(RowFault) -> [Double] {
    let found: [(label: String, value: Double)]
    switch answer {
    case .probabilities(let named): found = named
    case .list(let list) where list.count == labels.count: found = Array(zip(labels, list))
    case .list(let list):
      throw RowFault(
        line: line, found: "\(list.count) probabilities", expected: "\(labels.count), one for each label")
    case .labels(let list): return try values(ofApplying: list, line)
    case .label(let text, nil):
      let list = text.components(separatedBy: separator)
        .map { $0.trimmingCharacters(in: .whitespacesAndNewlines) }
      return try values(ofApplying: list == [""] ? [] : list, line)
    case .label(let name, .some):
      throw RowFault(
        line: line, found: "one label, \"\(name)\", with a confidence",
        expected: "a probability for each label, or \"labels\", those that apply")
    case .tokens, .value:
      throw RowFault(
        line: line, found: "an answer that is one label or number",
        expected: "a probability for each label, or \"labels\", those that apply")
    }
    let values = try names.placed(found, among: labels, line)
    let missing = zip(labels, values).compactMap { $1 == nil ? $0 : nil }
    guard missing.isEmpty else {
      throw RowFault(
        line: line, found: "no probability of \(missing.joined(separator: ", "))",
        expected: "one for each label, since each applies or not by itself")
    }
    return values.compactMap { $0 }
  }

  func values(of target: ExampleTarget) -> [Double]? {
    guard case .labels(let flags) = target else { return nil }
    return flags.map { $0 ? 1 : 0 }
  }

  /// Logits, which a sigmoid turns back into the probabilities.
  func logits(of values: [Double]) -> [Float] {
    values.map { value in
      let sure = min(max(value, leastProbability), 1 - leastProbability)
      return Float(log(sure / (1 - sure)))
    }
  }

  private func values(ofApplying list: [String], _ line: Int) throws(RowFault) -> [Double] {
    var values = [Double](repeating: 0, count: labels.count)
    for name in list {
      guard let index = names.index(ofAnswer: name, among: labels) else {
        throw RowFault(line: line, found: "the label \"\(name)\"", expected: names.expected)
      }
      values[index] = 1
    }
    return values
  }
}

/// Reader of numbers.
struct NumberAnswers: AnswerReader {
  /// The numbers that the task allows; nil allows all.
  private let range: ClosedRange<Double>?

  init(_ task: TaskDefinition) { range = task.labelRange }

  func values(of answer: StatedAnswer, line: Int) throws(RowFault) -> [Double] {
    switch answer {
    case .value(let value): return [try checked(value, line)]
    case .label(let text, nil):
      guard let value = decimalNumber(text) else {
        throw RowFault(line: line, found: "\"\(text)\"", expected: "a number")
      }
      return [try checked(value, line)]
    case .label, .labels, .probabilities, .list, .tokens:
      throw RowFault(line: line, found: "labels or probabilities", expected: "\"value\", a number")
    }
  }

  func values(of target: ExampleTarget) -> [Double]? {
    if case .value(let value) = target, !value.isNaN { [Double(value)] } else { nil }
  }

  /// The numbers themselves.
  func logits(of values: [Double]) -> [Float] { values.map { Float($0) } }

  /// A number within the task's range, or as little outside it as a model's answers are.
  private func checked(_ value: Double, _ line: Int) throws(RowFault) -> Double {
    guard Float(value).isFinite else { throw RowFault(line: line, found: "\(value)", expected: "a number") }
    guard let range else { return value }
    let margin = (range.upperBound - range.lowerBound) / 10
    guard value >= range.lowerBound - margin, value <= range.upperBound + margin else {
      throw RowFault(
        line: line, found: "the number \(value)",
        expected: "one from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }
}

extension LabelNames {
  /// Probabilities at the places of their labels, nil where there is none.
  fileprivate func placed(
    _ named: [(label: String, value: Double)], among labels: [String], _ line: Int
  ) throws(RowFault) -> [Double?] {
    var values = [Double?](repeating: nil, count: labels.count)
    for (name, value) in named {
      guard let index = index(ofAnswer: name, among: labels) else {
        throw RowFault(line: line, found: "the label \"\(name)\"", expected: expected)
      }
      guard values[index] == nil else {
        throw RowFault(line: line, found: "the label \"\(name)\" twice", expected: "each label once")
      }
      try checkProbability(value, of: name, line)
      values[index] = value
    }
    return values
  }

  /// The label that an answer names: as it is written, else upper and lower case alike.
  fileprivate func index(ofAnswer name: String, among labels: [String]) -> Int? {
    if let index = self[name] { return index }
    let lowercased = name.lowercased()
    let alike = labels.indices.filter { labels[$0].lowercased() == lowercased }
    return alike.count == 1 ? alike[0] : nil
  }
}

private func checkProbability(_ value: Double, of name: String, _ line: Int) throws(RowFault) {
  // What rounding leaves over 1 is 1.
  guard value >= 0, value <= 1 + 1e-4 else {
    throw RowFault(
      line: line, found: "the probability \(rounded(value)) of \"\(name)\"", expected: "a number from 0 to 1")
  }
}

private func rounded(_ value: Double) -> String { "\((value * 1e6).rounded() / 1e6)" }
