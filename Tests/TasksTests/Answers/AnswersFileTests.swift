import Datasets
import Foundation
import ModelFormats
import Tasks
import TestSupport
import Testing

/// Files of answers: every form that an answer may have, and every way in which it may be broken.
@Suite struct AnswersFileTests {
  static let labels = ["negative", "neutral", "positive"]

  private static func task(_ kind: TaskKind) -> TaskDefinition {
    var task = TaskDefinition(name: "moods", kind: kind, format: .tsv, labels: kind.hasLabels ? labels : [])
    task.labelValues = ["2": "positive"]
    if !kind.hasLabels {
      task.labelValues = [:]
      task.labelRange = 0...5
    }
    return task
  }

  private static func read(
    _ text: String, _ name: String, _ kind: TaskKind = .classification, badRows: BadRowPolicy = .fail
  ) throws -> AnswersFile {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: name)
    try Data(text.utf8).write(to: file)
    return try AnswersFile(file.path, of: task(kind), badRows: badRows)
  }

  private static func isClose(_ a: [Double], _ b: [Double]) -> Bool {
    a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-9 }
  }

  // MARK: Forms

  /// An answer as a JSON object, and the probabilities of negative, neutral and positive.
  struct Form: Sendable, CustomTestStringConvertible {
    let json: String
    let values: [Double]

    init(_ json: String, _ values: [Double]) { (self.json, self.values) = (json, values) }

    var testDescription: String { json }
  }

  private static let half = log(0.5)

  static let forms = [
    Form(#"{"probabilities": {"positive": 0.5, "negative": 0.2, "neutral": 0.3}}"#, [0.2, 0.3, 0.5]),
    Form(#"{"probabilities": [0.2, 0.3, 0.5]}"#, [0.2, 0.3, 0.5]),
    Form(#"{"probabilities": {"POSITIVE": "0.5"}}"#, [0.25, 0.25, 0.5]),
    Form(#"{"probabilities": {"2": 1.0}}"#, [0, 0, 1]),
    Form(
      #"{"probabilities": [{"label": "positive", "score": 0.6}, {"label": "negative", "score": 0.3}]}"#,
      [0.3, 0.1, 0.6]),
    // Rounded probabilities are made to add up.
    Form(#"{"probabilities": [0.333, 0.333, 0.333]}"#, [1.0 / 3, 1.0 / 3, 1.0 / 3]),
    Form(#"{"positive": 0.5, "negative": 0.2, "neutral": 0.3}"#, [0.2, 0.3, 0.5]),
    Form(#"{"label": "neutral", "confidence": 0.8}"#, [0.1, 0.8, 0.1]),
    Form(#"{"label": "neutral", "score": 0.4}"#, [0.3, 0.4, 0.3]),
    Form(#"{"label": "neutral"}"#, [0, 1, 0]),
    Form(#"{"label": 2}"#, [0, 0, 1]),
    Form(#"{"labels": ["negative"]}"#, [1, 0, 0]),
    // What predict writes stands before the gold label that it has kept.
    Form(#"{"label": "negative", "prediction": "positive", "probability": 0.6}"#, [0.2, 0.2, 0.6]),
    Form(
      #"{"prediction": "neutral", "probability": 0.4, "probabilities": {"neutral": 0.4, "positive": 0.35}}"#,
      [0.25, 0.4, 0.35]),
    Form("{\"logprobs\": {\"positive\": \(half)}}", [0.25, 0.25, 0.5]),
    Form("{\"top_logprobs\": {\"positive\": \(half), \"negative\": \(half)}}", [0.5, 0, 0.5]),
    // Of 0.9 that is listed 0.2 is no label; the other 0.1 is negative's, and 0.8 is everything.
    Form(
      "{\"logprobs\": [{\"token\": \" positive\", \"logprob\": \(half)}, {\"token\": \"Positive\", \"logprob\": \(log(0.1))}, "
        + "{\"token\": \"The\", \"logprob\": \(log(0.2))}, {\"token\": \"neutral\", \"logprob\": \(log(0.1))}]}",
      [0.125, 0.125, 0.75]),
    Form(
      "{\"logprobs\": {\"content\": [{\"token\": \"positive\", \"top_logprobs\": "
        + "[{\"token\": \"positive\", \"logprob\": \(half)}]}]}}", [0.25, 0.25, 0.5]),
  ]

  @Test("an answer in JSON lines and in a list", arguments: forms)
  func reads(_ form: Form) throws {
    for (name, text) in [("a.jsonl", form.json + "\n"), ("a.json", "[" + form.json + "]")] {
      let rows = try Self.read(text, name).rows
      #expect(rows.count == 1 && Self.isClose(rows[0].values, form.values), "\(name): \(rows[0].values)")
    }
  }

  static let tables: [(String, [Double])] = [
    ("probability_negative,probability_neutral,probability_positive\n0.2,0.3,0.5\n", [0.2, 0.3, 0.5]),
    ("probability_positive\n0.5\n", [0.25, 0.25, 0.5]),
    ("negative,neutral,positive\n0.2,0.3,0.5\n", [0.2, 0.3, 0.5]),
    ("label,confidence\nneutral,0.8\n", [0.1, 0.8, 0.1]),
    ("label,confidence\nneutral,\n", [0, 1, 0]),
    ("label,prediction,probability\nnegative,positive,0.6\n", [0.2, 0.2, 0.6]),
    (
      "prediction,probability,prediction_2,probability_2\npositive,0.6,neutral,0.3\n",
      [0.1, 0.3, 0.6]
    ),
    ("probabilities\n\"{\"\"positive\"\": 0.5}\"\n", [0.25, 0.25, 0.5]),
    ("probabilities\n\"[0.2, 0.3, 0.5]\"\n", [0.2, 0.3, 0.5]),
  ]

  @Test(arguments: tables.indices) func anAnswerInATable(_ number: Int) throws {
    let (csv, values) = Self.tables[number]
    let rows = try Self.read(csv, "a.csv").rows
    #expect(rows.count == 1 && Self.isClose(rows[0].values, values), "\(csv): \(rows[0].values)")
    if csv.contains("\"") { return }
    let tsv = try Self.read(csv.replacing(",", with: "\t"), "a.tsv").rows
    #expect(Self.isClose(tsv[0].values, values))
  }

  @Test func numbersAndSetsOfLabels() throws {
    let numbers = try Self.read(
      "{\"value\": 4.25}\n{\"prediction\": 5.1, \"value\": 5.1}\n{\"label\": \"3\"}\n", "a.jsonl", .regression
    )
    #expect(numbers.rows.map(\.values) == [[4.25], [5.1], [3]])
    let sets = try Self.read(
      """
      {"labels": ["positive", "negative"]}
      {"labels": []}
      {"labels": {"negative": 0.9, "neutral": 0.8, "positive": 0.1}}
      {"probabilities": [0.9, 0.8, 0.1]}
      {"prediction": ["neutral"]}
      {"label": "neutral, 2"}

      """, "a.jsonl", .multiLabel)
    #expect(
      sets.rows.map(\.values) == [
        [1, 0, 1], [0, 0, 0], [0.9, 0.8, 0.1], [0.9, 0.8, 0.1], [0, 1, 0], [0, 1, 1],
      ])
  }

  @Test func anAnswerSaysWhichRowItIsTo() throws {
    let rows = try Self.read(
      """
      {"id": 7, "label": "neutral"}
      {"guid": "a-1", "index": 3, "label": "neutral"}
      {"sentence": " a text ", "label": "neutral"}

      """, "a.jsonl"
    ).rows
    #expect(rows.map(\.id) == ["7", "a-1", nil] && rows.map(\.index) == [nil, 3, nil])
    #expect(rows.map { $0.text?.text } == [nil, nil, " a text "] && rows.map(\.line) == [1, 2, 3])
  }

  // MARK: Broken rows

  /// A broken answer in JSON, the kind of task, and what the message says.
  struct Broken: Sendable, CustomTestStringConvertible {
    let json: String
    let kind: TaskKind
    let found: String
    let expected: String

    init(_ json: String, _ kind: TaskKind = .classification, found: String, expected: String) {
      (self.json, self.kind, self.found, self.expected) = (json, kind, found, expected)
    }

    var testDescription: String { json }
  }

  static let broken = [
    Broken(#"{"text": "a"}"#, found: "the fields text", expected: "an answer: \"probabilities\""),
    Broken(
      #"{"probabilities": {"positive": 0.8, "negative": 0.2, "neutral": 0.2}}"#,
      found: "probabilities that add up to 1.2", expected: "1"),
    Broken(
      #"{"probabilities": {"positive": 0.8, "negative": 0.3}}"#, found: "probabilities that add up to 1.1",
      expected: "at most 1, of which the labels left out share the rest"),
    Broken(
      #"{"probabilities": [0.2, 0.3]}"#, found: "2 probabilities", expected: "3, one for each of negative"),
    Broken(
      #"{"probabilities": [0.1, 0.2, 0.3]}"#, found: "probabilities that add up to 0.6", expected: "1"),
    Broken(
      #"{"probabilities": {"happy": 1}}"#, found: "the label \"happy\"", expected: "one of 2, negative"),
    Broken(
      #"{"probabilities": {"positive": 0.2, "2": 0.3}}"#, found: "the label \"2\" twice",
      expected: "each label once"),
    Broken(
      #"{"probabilities": {"positive": -0.1}}"#, found: "the probability -0.1 of \"positive\"",
      expected: "a number from 0 to 1"),
    Broken(
      #"{"probabilities": {"positive": "high"}}"#, found: "probabilities.positive with \"high\"",
      expected: "a number"),
    Broken(
      #"{"probabilities": {}}"#, found: "probabilities with nothing in it", expected: "at least one label"),
    Broken(#"{"probabilities": 0.5}"#, found: "probabilities with 0.5", expected: "an object of labels"),
    Broken(
      #"{"label": "happy", "confidence": 0.5}"#, found: "the label \"happy\"", expected: "one of 2, negative"),
    Broken(
      #"{"label": "neutral", "confidence": 90}"#, found: "the probability 90.0 of \"neutral\"",
      expected: "a number from 0 to 1"),
    Broken(
      #"{"label": "neutral", "confidence": "sure"}"#, found: "confidence with \"sure\"", expected: "a number"),
    Broken(#"{"label": {"a": 1}}"#, found: "label with {\"a\": 1}", expected: "a label"),
    Broken(
      #"{"logprobs": {"positive": 0.5}}"#, found: "the log-probability 0.5 of \"positive\"",
      expected: "at most 0"),
    Broken(
      #"{"logprobs": [{"token": "The", "logprob": -0.1}]}"#,
      found: "tokens of which none is a label: \"The\"",
      expected: "one of 2, negative"),
    Broken(
      #"{"logprobs": [{"tok": "The"}]}"#, found: "logprobs[0] with {\"tok\": \"The\"}",
      expected: "an object with \"token\" and \"logprob\""),
    Broken(#"{"logprobs": []}"#, found: "logprobs with []", expected: "an object of labels, or a list"),
    Broken(#"{"labels": ["positive", "negative"]}"#, found: "2 labels", expected: "one label"),
    Broken(#"{"value": 3}"#, found: "the value 3.0", expected: "probabilities of the labels negative"),
    Broken(#"{"label": "neutral", "index": -1}"#, found: "index with -1", expected: "a whole number from 0"),
    Broken(#"{"value": "much"}"#, .regression, found: "value with \"much\"", expected: "a number"),
    Broken(#"{"value": 50}"#, .regression, found: "the number 50.0", expected: "one from 0.0 to 5.0"),
    Broken(#"{"label": "good"}"#, .regression, found: "\"good\"", expected: "a number"),
    Broken(
      #"{"label": "3", "confidence": 0.5}"#, .regression, found: "labels or probabilities",
      expected: "\"value\", a number"),
    Broken(
      #"{"probabilities": {"positive": 0.5}}"#, .multiLabel, found: "no probability of negative, neutral",
      expected: "one for each label"),
    Broken(
      #"{"probabilities": [0.5]}"#, .multiLabel, found: "1 probabilities", expected: "3, one for each label"),
    Broken(
      #"{"labels": ["happy"]}"#, .multiLabel, found: "the label \"happy\"", expected: "one of 2, negative"),
    Broken(
      #"{"labels": {"positive": 2, "negative": 0, "neutral": 0}}"#, .multiLabel,
      found: "the probability 2.0 of \"positive\"", expected: "a number from 0 to 1"),
    Broken(
      #"{"label": "neutral", "confidence": 0.5}"#, .multiLabel,
      found: "one label, \"neutral\", with a confidence",
      expected: "a probability for each label"),
    Broken(
      #"{"value": 1}"#, .multiLabel, found: "an answer that is one label or number", expected: "a probability"
    ),
  ]

  private static func sound(_ kind: TaskKind) -> String {
    kind == .regression ? #"{"value": 1}"# : #"{"labels": ["neutral"]}"#
  }

  @Test("a broken answer has its file and line, what was found and expected", arguments: broken)
  func refuses(_ row: Broken) throws {
    let sound = Self.sound(row.kind)
    for (name, text) in [
      ("a.jsonl", "\(sound)\n\(row.json)\n"), ("a.json", "[\(sound),\n\(row.json)]"),
    ] {
      let message = Self.message { _ = try Self.read(text, name, row.kind) }
      #expect(message.contains("\(name):2: found \(row.found)"), "\(message)")
      #expect(message.contains("expected \(row.expected)"), "\(message)")
      let others = try Self.read(text, name, row.kind, badRows: .skip)
      #expect(others.rows.count == 1 && others.report.faults.count == 1)
    }
  }

  static let brokenTables = [
    ("label,confidence\nneutral,0.5\nneutral\n", "found 1 columns, expected 2"),
    ("label,confidence\nneutral,0.5\nneutral,1.5\n", "found the probability 1.5 of \"neutral\""),
    ("label,confidence\nneutral,0.5\nhappy,0.5\n", "found the label \"happy\""),
    ("probability_positive\n0.5\nhigh\n", "found probability_positive with \"high\""),
    ("probability_happy\n0.5\n", "found the label \"happy\""),
    ("negative,neutral,positive\n0.2,0.3,0.5\n0.2,0.3,0.9\n", "found probabilities that add up to 1.4"),
    ("prediction,probability,prediction_2,probability_2\na,0.6,b,0.3\n", "found the label \"a\""),
    ("text,mark\na,b\n", "found the fields text, mark"),
  ]

  @Test(arguments: brokenTables.indices) func aBrokenRowOfATable(_ number: Int) throws {
    let (csv, words) = Self.brokenTables[number]
    let line = csv.split(separator: "\n").count
    for (name, text) in [("a.csv", csv), ("a.tsv", csv.replacing(",", with: "\t"))] {
      let message = Self.message { _ = try Self.read(text, name) }
      #expect(message.contains("\(name):\(line): \(words)"), "\(message)")
    }
  }

  @Test func filesThatAreNone() throws {
    #expect(Self.message { _ = try Self.read("", "a.jsonl") }.contains("found no rows"))
    #expect(
      Self.message { _ = try Self.read("{\"label\": \n", "a.jsonl") }.contains(
        "a.jsonl:1: found a line that is not JSON"))
    #expect(
      Self.message { _ = try Self.read("[1]", "a.json") }.contains(
        "a.json:1: found an integer, expected an object"))
    #expect(Self.message { _ = try Self.read("label\n\"open\n", "a.csv") }.contains("a.csv"))
    let missing = Self.message {
      _ = try AnswersFile("/nowhere/a.jsonl", of: Self.task(.classification), badRows: .fail)
    }
    #expect(missing.contains("/nowhere"))
    var entities = TaskDefinition(name: "names", kind: .tokenClassification, labels: ["PER"])
    entities.format = .conll
    let refused = Self.message { _ = try AnswersFile("a.jsonl", of: entities, badRows: .fail) }
    #expect(
      refused.contains("teaches labels, sets of labels or numbers of texts")
        && refused.contains("token_classification"))
  }

  private static func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return ""
    } catch { return "\(error)" }
  }
}
