import Datasets
import Evaluation
import Foundation
import ModelFormats
import Tasks
import TestSupport
import Testing
import Training

/// Answers find their rows: by id, text, index or order, and bring rows of their own.
@Suite struct AnswersOfRowsTests {
  private final class Notes: WorkListener {
    private(set) var lines: [String] = []
    func note(_ text: String) { lines.append(text) }
    func warn(_ text: String) { lines.append("warning: " + text) }
  }

  private struct Found {
    let answers: [AnswersOfRows]
    let texts: [String]
    let notes: [String]

    /// The probability of `good` for each training row.
    var good: [Double] { answers[0].logits.map { exp(Double($0[1])) }.map { ($0 * 1000).rounded() / 1000 } }
  }

  private func find(
    _ files: [String],
    train: String = "id\ttext\tlabel\nx\ta fine day\tgood\ny\ta bad day\tbad\nz\ta day\tgood\n",
    dev: String? = nil, more: String? = nil, maxTrain: Int? = nil, maxValidation: Int? = nil,
    heldOut: Double? = nil,
    badRows: BadRowPolicy = .fail
  ) throws -> Found {
    let folder = try TemporaryFolder()
    func write(_ name: String, _ text: String) throws -> String {
      let file = folder.url.appending(path: name)
      try Data(text.utf8).write(to: file)
      return file.path
    }
    var task = TaskDefinition(
      name: "days", format: .tsv, trainFile: DataFile(try write("train.tsv", train)), labels: ["bad", "good"])
    task.validationFile = try dev.map { DataFile(try write("dev.tsv", $0)) }
    task.unlabelledFile = try more.map { DataFile(try write("more.tsv", $0)) }
    task.heldOut = heldOut.map { HeldOutShare(percentage: $0, seed: 1) }
    let notes = Notes()
    var rows = try RunRows(
      TaskReader(task: task, folder: folder.url), maxTrain: maxTrain, maxValidation: maxValidation,
      readsUnlabelled: true)
    let read = try files.enumerated().map { number, text in
      try AnswersFile(try write("a\(number).jsonl", text), of: task, badRows: badRows)
    }
    let answers = try AnswersOfRows.find(in: read, for: &rows, of: task, maxTrain: maxTrain, listener: notes)
    guard case .texts(let texts) = rows.train else { preconditionFailure("The rows are texts.") }
    return Found(answers: answers, texts: texts.map(\.text), notes: notes.lines)
  }

  private func message(_ body: () throws -> Found) -> String {
    do {
      _ = try body()
      return ""
    } catch { return "\(error)" }
  }

  @Test func byID() throws {
    let found = try find([
      """
      {"id": "z", "probabilities": {"good": 0.9}}
      {"id": "x", "probabilities": {"good": 0.8}}
      {"id": "y", "probabilities": {"good": 0.3}}

      """
    ])
    #expect(found.good == [0.8, 0.3, 0.9] && found.texts.count == 3)
    #expect(found.notes.contains { $0.hasSuffix("a0.jsonl: 3 answers, 3 training rows answered") })
  }

  @Test func byTextWithoutTheWhiteSpaceAroundIt() throws {
    let found = try find([
      """
      {"text": " a day", "probabilities": {"good": 0.9}}
      {"text": "a fine day", "probabilities": {"good": 0.8}}
      {"text": "a bad day", "probabilities": {"good": 0.3}}

      """
    ])
    #expect(found.good == [0.8, 0.3, 0.9])
  }

  @Test func byIndexAndInOrder() throws {
    let byIndex = try find([
      """
      {"index": 2, "probabilities": {"good": 0.9}}
      {"index": 0, "probabilities": {"good": 0.8}}
      {"index": 1, "probabilities": {"good": 0.3}}

      """
    ])
    #expect(byIndex.good == [0.8, 0.3, 0.9])
    let answers = [0.8, 0.3, 0.9].map { "{\"probabilities\": {\"good\": \($0)}}\n" }.joined()
    let inOrder = try find([answers])
    #expect(
      inOrder.good == [0.8, 0.3, 0.9]
        && inOrder.notes.contains { $0.contains("3 training rows answered in order") })
    // A run that takes fewer rows takes the first, and their answers.
    let first = try find([answers], maxTrain: 2)
    #expect(first.good == [0.8, 0.3])
    let short = message { try find([answers + "{\"label\": \"good\"}\n"]) }
    #expect(short.contains("found 4 answers without text, id or index, and 3 training rows"))
  }

  @Test func textsOfTheirOwnBecomeRows() throws {
    let answers = """
      {"text": "a new day", "probabilities": {"good": 0.7}}
      {"text": "a day", "probabilities": {"good": 0.9}}
      {"text": "a new day", "probabilities": {"good": 0.5}}

      """
    let found = try find([answers])
    #expect(found.texts == ["a fine day", "a bad day", "a day", "a new day"])
    // Rows without an answer keep their label; two answers count as their mean.
    #expect(found.good == [1, 0, 0.9, 0.6])
    #expect(found.notes.contains("2 training rows without an answer keep their label as the answer"))
    #expect(
      found.notes.contains { $0.hasSuffix("1 texts of its own, the mean of several answers for 1 texts") })
    let limited = try find([answers], maxTrain: 3)
    #expect(limited.texts.count == 3)
    #expect(limited.notes.contains { $0.hasPrefix("warning: --max-train-samples 3 leaves out 1 of 1") })
  }

  @Test func rowsWithNeitherAnswerNorLabelAreLeftOut() throws {
    let found = try find(
      ["{\"text\": \"more\", \"label\": \"good\"}\n{\"id\": \"x\", \"label\": \"good\"}\n"],
      more: "text\nmore\nand more\n")
    #expect(found.texts == ["a fine day", "a bad day", "a day", "more"])
    #expect(
      found.notes.contains("warning: 1 training rows have neither an answer nor a label and are left out"))
  }

  @Test func severalFilesAnswerTheSameRows() throws {
    let found = try find([
      "{\"text\": \"new\", \"probabilities\": {\"good\": 0.7}}\n{\"id\": \"x\", \"label\": \"bad\"}\n",
      "{\"text\": \"new\", \"probabilities\": {\"good\": 0.1}}\n{\"text\": \"newer\", \"label\": \"good\"}\n",
    ])
    // The first file has no answer to what the second brings.
    #expect(found.texts == ["a fine day", "a bad day", "a day", "new"])
    #expect(found.answers.map { $0.logits.count } == [4, 4])
    #expect(abs(exp(Double(found.answers[1].logits[3][1])) - 0.1) < 1e-6)
    #expect(found.answers[0].fingerprint != found.answers[1].fingerprint)
  }

  @Test func rowsThatAreScoredOnAreNotTrainedOn() throws {
    let dev = "id\ttext\tlabel\n1\ta grey day\tbad\n2\ta blue day\tgood\n"
    let answers = ["a grey day", "a blue day", "a red day"]
      .map { "{\"text\": \"\($0)\", \"probabilities\": {\"good\": 0.6}}\n" }.joined()
    let found = try find([answers], dev: dev)
    #expect(found.texts == ["a fine day", "a bad day", "a day", "a red day"])
    #expect(found.answers[0].validationLogits?.count == 2)
    #expect(found.notes.contains { $0.contains("2 to rows that are scored on or beyond a limit, kept out") })
    let half = try find([answers.replacing("a grey day", with: "another")], dev: dev)
    #expect(half.answers[0].validationLogits == nil, "a score of some rows would be no score")
  }

  /// Answers to a whole file, of which a share is held out.
  @Test func answersToHeldOutRowsAreKeptOut() throws {
    let train =
      "text\tlabel\n" + (0..<20).map { "day \($0)\t\($0 % 2 == 0 ? "good" : "bad")\n" }.joined()
    for key in ["text", "index"] {
      let answers = (0..<20).map { number in
        let sign = key == "text" ? "\"day \(number)\"" : "\(number)"
        return "{\"\(key)\": \(sign), \"probabilities\": {\"good\": 0.6}}\n"
      }.joined()
      let found = try find([answers], train: train, heldOut: 20)
      #expect(found.texts.count == 16 && found.answers[0].validationLogits?.count == 4, "\(key)")
    }
  }

  /// Limits leave rows out, whose answers are neither faults nor rows of their own.
  @Test func answersToRowsBeyondALimitAreKeptOut() throws {
    for key in ["id", "index", "text"] {
      let signs =
        key == "id"
        ? ["\"x\"", "\"y\"", "\"z\""]
        : key == "index" ? ["0", "1", "2"] : ["\"a fine day\"", "\"a bad day\"", "\"a day\""]
      let answers = zip(signs, [0.8, 0.3, 0.9]).map {
        "{\"\(key)\": \($0), \"probabilities\": {\"good\": \($1)}}\n"
      }.joined()
      let found = try find([answers], maxTrain: 2)
      #expect(found.good == [0.8, 0.3] && found.texts == ["a fine day", "a bad day"], "\(key)")
      #expect(
        found.notes.contains { $0.contains("1 to rows that are scored on or beyond a limit") }, "\(key)")
    }
    let dev = "text\tlabel\na grey day\tbad\na blue day\tgood\n"
    let answers = ["a grey day", "a blue day", "a day"]
      .map { "{\"text\": \"\($0)\", \"label\": \"good\"}\n" }.joined()
    let found = try find([answers], dev: dev, maxValidation: 1)
    #expect(found.texts == ["a fine day", "a bad day", "a day"], "no validation text is trained on")
    #expect(found.answers[0].validationLogits?.count == 1)
    let train =
      "text\tlabel\n" + (0..<20).map { "day \($0)\t\($0 % 2 == 0 ? "good" : "bad")\n" }.joined()
    let all = (0..<20).map { "{\"index\": \($0), \"label\": \"good\"}\n" }.joined()
    let heldOut = try find([all], train: train, maxTrain: 10, maxValidation: 2, heldOut: 20)
    #expect(heldOut.texts.count == 10 && heldOut.answers[0].validationLogits?.count == 2)
  }

  @Test func agreementIsOfRowsWithBoth() throws {
    let found = try find([
      "{\"id\": \"x\", \"label\": \"good\"}\n{\"id\": \"y\", \"label\": \"good\"}\n{\"text\": \"new\", \"label\": \"bad\"}\n"
    ])
    let agreement = try #require(found.answers[0].agreement)
    #expect(agreement.data.rowCount == 2)
    #expect(agreement.evaluation.result.metrics.first?.value == 0.5)
  }

  @Test func answersToNothing() throws {
    let unknown = message { try find(["{\"id\": \"w\", \"label\": \"good\"}\n"]) }
    #expect(
      unknown.contains(
        "a0.jsonl:1: found the id \"w\", which no row has, expected the id or index of one of the 3"))
    let twice = message {
      try find(["{\"id\": \"x\", \"label\": \"good\"}\n{\"id\": \"x\", \"label\": \"bad\"}\n"])
    }
    #expect(twice.contains("a0.jsonl:2: found the id \"x\" a second time, after line 1, expected it once"))
    let beyond = message { try find(["{\"index\": 3, \"label\": \"good\"}\n"]) }
    #expect(beyond.contains("a0.jsonl:1: found the index 3, which no row has"))
    let noIDs = message {
      try find(["{\"id\": \"x\", \"label\": \"good\"}\n"], train: "text\tlabel\na\tgood\nb\tbad\n")
    }
    #expect(noIDs.contains("found the id \"x\", and no column of ids in the training file"))
    let scoredAlone = message {
      try find(["{\"text\": \"a grey day\", \"label\": \"good\"}\n"], dev: "text\tlabel\na grey day\tbad\n")
    }
    #expect(scoredAlone.contains("no training row has an answer"))
  }
}
