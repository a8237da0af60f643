import Datasets
import Foundation
import Tasks
import TestSupport
import Testing

/// Files as other programs and people write them: what has one plain meaning is read, the rest refused by name.
@Suite("Readers of other people's files")
struct OtherPeoplesFilesTests {
  private func texts(
    _ content: String, _ file: DataFile = "train.tsv", split: DataSplit = .train,
    badRows: BadRowPolicy = .fail
  ) throws -> TextDataset {
    let task = TaskDefinition(
      name: "t", trainFile: file, testFile: file, textColumn: .name("sentence"),
      labels: ["negative", "positive"],
      labelValues: ["0": "negative", "1": "positive"])
    let folder = try TemporaryFolder([file.path: content])
    return try TaskReader(task: task, folder: folder.url, badRows: badRows).read(split)
  }

  private func sentences(
    _ content: String, labels: [String] = ["PER", "LOC"], split: DataSplit = .train,
    badRows: BadRowPolicy = .fail
  ) throws -> Dataset<TaggedSentence> {
    let task = TaskDefinition(
      name: "t", kind: .tokenClassification, trainFile: "train", unlabelledFile: "train", labels: labels)
    let folder = try TemporaryFolder(["train": content])
    return try TaskReader(task: task, folder: folder.url, badRows: badRows).readSentences(split)
  }

  private func questions(
    _ context: String, _ question: String, negative: Bool = false, split: DataSplit = .train
  ) throws -> Dataset<Question> {
    let task = TaskDefinition(
      name: "q", kind: .questionAnswering, trainFile: "d.json", validationFile: "d.json",
      questions: QuestionSettings(version2WithNegative: negative))
    let folder = try TemporaryFolder([
      "d.json": #"{"data": [{"paragraphs": [{"context": "\#(context)", "qas": [\#(question)]}]}]}"#
    ])
    return try TaskReader(task: task, folder: folder.url).readQuestions(split)
  }

  private func message(_ work: () throws -> Void) -> String {
    do { try work() } catch { return "\(error)" }
    return ""
  }

  // MARK: Entities

  @Test(
    "separators around a CoNLL line are none of it",
    arguments: [
      "Emma B-PER\nin O\nSofia B-LOC\n", "\tEmma\tB-PER\n\tin\tO\n\tSofia\tB-LOC\n",
      "  Emma B-PER\n  in O\n  Sofia B-LOC\n", "  Emma\tB-PER\t\n\t\tin\tO\n Sofia \tB-LOC \n",
      "Emma B-PER\n in O\n\t Sofia B-LOC \t\n",
    ])
  func indentation(content: String) throws {
    let data = try sentences(content)
    #expect(data.examples.map(\.words) == [["Emma", "in", "Sofia"]])
    #expect(data.examples.map(\.tags) == [[1, 0, 3]])
  }

  @Test("indented words without tags are words, and more columns stay columns")
  func indentedWords() throws {
    #expect(try sentences(" Emma\n in\n", split: .unlabelled).examples.map(\.words) == [["Emma", "in"]])
    let columns = try sentences("Emma NNP O\n in IN O\n NN B-LOC\n").examples[0]
    #expect(columns.words == ["Emma", "in", " "] && columns.tags == [0, 0, 3])
  }

  @Test("a type with a space is read where tabs separate the fields, and refused where they do not")
  func typesWithSpaces() throws {
    let labels = ["date", "date of birth"]
    let data = try sentences("1990\tB-date of birth\nMay\tI-date of birth\n", labels: labels)
    #expect(data.examples[0].tags == [3, 4])
    let found = message { _ = try sentences("1990 B-date of birth\n", labels: labels) }
    #expect(found.contains("train:1: found") && found.contains("B-"), "\(found)")
    let cut = message { _ = try sentences("1990 B-date\n", labels: labels) }
    #expect(cut.contains("separated by tabs") && cut.contains("date of birth"), "\(cut)")
  }

  // MARK: Labels

  @Test("white space around a label and a fraction of zero change nothing")
  func labels() throws {
    let data = try texts("sentence\tlabel\na\t positive \nb\t1.0\nc\t0\nd\t1\u{3000}\n")
    #expect(data.examples.map(\.label) == [1, 1, 0, 1])
    let lines = try texts(
      "{\"sentence\": \"a\", \"label\": 1.0}\n{\"sentence\": \"b\", \"label\": \" negative\\n\"}\n",
      DataFile("train.jsonl", format: .jsonl))
    #expect(lines.examples.map(\.label) == [1, 0])
    let large = message {
      _ = try texts(
        "{\"sentence\": \"a\", \"label\": 99999999999999999999}\n", DataFile("train.jsonl", format: .jsonl))
    }
    #expect(large.contains("the label \"99999999999999999999\""), "\(large)")
    let list = message { _ = try texts("[1]\n", DataFile("train.jsonl", format: .jsonl)) }
    #expect(list.contains("found an array, expected an object"), "\(list)")
  }

  @Test("numbers are decimal")
  func decimals() throws {
    let task = TaskDefinition(
      name: "r", kind: .regression, trainFile: "r.tsv", textColumn: .name("sentence"))
    let folder = try TemporaryFolder(["r.tsv": "sentence\tlabel\na\t0x1p3\nb\tnan\nc\t1e300\nd\t 2.5 \n"])
    let data = try TaskReader(task: task, folder: folder.url, badRows: .skip).read(.train)
    #expect(data.examples.map(\.text) == ["d"] && data.report.faults.map(\.line) == [2, 3, 4])
  }

  // MARK: Tables

  @Test("a column that is named twice, and carriage returns for line ends, are refused")
  func brokenTables() throws {
    let twice = message { _ = try texts("sentence\tlabel\tlabel\na\t0\t1\n") }
    #expect(twice.contains("names the column \"label\" more than once"), "\(twice)")
    // Columns that nobody reads may be called anything.
    #expect(try texts("sentence\tlabel\tx\tx\na\t0\t1\t1\n").count == 1)
    let rows = (0..<500).map { "text \($0)\t\($0 % 2)" }.joined(separator: "\r")
    let returns = message { _ = try texts("sentence\tlabel\r" + rows + "\r") }
    #expect(returns.contains("carriage returns (CR) alone") && returns.count < 400, "\(returns)")
  }

  @Test("a quote that never ends ends the reading of a large file")
  func endlessQuote() throws {
    let rest = String(repeating: "b,1\n", count: 400_000)
    let data = try texts(
      "sentence,label\na,1\n\"c,0\n" + rest, DataFile("t.csv", format: .csv), badRows: .skip)
    #expect(data.count == 1 && data.report.faults.map(\.line) == [3])
    #expect(data.report.faults[0].found.contains("a quoted field of more than"))
  }

  @Test("a text longer than any text is a fault of its row")
  func longText() throws {
    let long = String(repeating: "x", count: 10_000_001)
    let data = try texts("sentence\tlabel\n\(long)\t1\na\t1\n", badRows: .skip)
    #expect(data.count == 1 && data.report.faults[0].found == "a text of 10000001 bytes")
  }

  @Test("of millions of faults the first are kept, and all are counted")
  func manyFaults() throws {
    let data = try texts(
      "sentence\tlabel\nyes\t1\n" + String(repeating: "a\n", count: 1200), badRows: .skip)
    #expect(data.count == 1 && data.report.faultCount == 1200 && data.report.faults.count == 1000)
    #expect(data.summary.contains("1200 bad rows skipped") && data.note.hasSuffix("... and 1197 more"))
  }

  @Test("rows have the numbers of the file's own column index, where each has one")
  func indices() throws {
    let own = try texts("index\tsentence\tlabel\n7\ta\t1\n3\tb\tbad\n5\tc\t0\n", badRows: .skip)
    #expect(own.examples.map(\.row) == [7, 5])
    let twice = try texts("index\tsentence\tlabel\n7\ta\t1\n7\tb\t0\n")
    #expect(twice.examples.map(\.row) == [0, 1])
    let lines = try texts(
      "{\"index\": 4, \"sentence\": \"a\", \"label\": 1}\n{\"index\": 2, \"sentence\": \"b\", \"label\": 0}\n",
      DataFile("train.jsonl", format: .jsonl))
    #expect(lines.examples.map(\.row) == [4, 2])
  }

  @Test("what is no file is named", arguments: ["folder", "pipe", "device"])
  func noFiles(what: String) throws {
    let folder = try TemporaryFolder([:])
    var path = folder.path("pipe")
    switch what {
    case "folder": path = folder.url.path
    case "pipe": try #require(mkfifo(path, 0o600) == 0)
    default: path = "/dev/zero"
    }
    let task = TaskDefinition(name: "t", trainFile: DataFile(path), labels: ["a", "b"])
    let found = message { _ = try TaskReader(task: task, folder: folder.url).read(.train) }
    #expect(found.contains("it is a") && found.contains(what), "\(found)")
  }

  // MARK: Questions

  @Test(
    "answer_start may be a number with a fraction of zero, or digits",
    arguments: ["11", "11.0", "\"11\"", "\"11.0\""])
  func answerStarts(start: String) throws {
    let data = try questions(
      "Ann or Ann Ann",
      #"{"id": "a", "question": "?", "answers": [{"text": "Ann", "answer_start": \#(start)}]}"#)
    #expect(data.examples[0].answers == [.init(text: "Ann", start: 11)] && data.report.repairs.isEmpty)
    let half = try questions(
      "Ann or Ann Ann", #"{"id": "a", "question": "?", "answers": [{"text": "Ann", "answer_start": 13.5}]}"#)
    #expect(half.report.repairs[0].found == "the answer \"Ann\" at 13.5, where it is not")
  }

  @Test(
    "answers whose white space differs are kept where they begin",
    arguments: [
      ("Grace likes jazz.", "jazz ", 12, 12..<16), ("Grace likes jazz.", " jazz", 11, 12..<16),
      ("Grace likes old  jazz.", "old jazz", 12, 12..<21),
      ("Grace likes old jazz.", "old\u{A0}jazz", 12, 12..<20),
      ("Grace likes old\u{A0}jazz, old jazz.", "old jazz", 12, 12..<20),
      ("Grace likes oldjazz.", "old jazz", 12, 12..<19),
      ("She likes old \\n jazz.", "old jazz", 0, 10..<20),
    ])
  func blanks(context: String, answer: String, start: Int, range: Range<Int>) throws {
    let data = try questions(
      context,
      #"{"id": "a", "question": "?", "answers": [{"text": "\#(answer)", "answer_start": \#(start)}]}"#)
    let found = data.examples[0].answers[0]
    #expect(found.start == range.lowerBound && found.length == range.count && found.text == answer)
  }

  @Test("answers decide whether a question has one, as in SQuAD 2.0's script")
  func contradictions() throws {
    let answered =
      #"{"id": "a", "question": "?", "is_impossible": true, "answers": [{"text": "x", "answer_start": 0}]}"#
    let data = try questions("x y", answered, negative: true, split: .validation)
    #expect(!data.examples[0].isImpossible && data.examples[0].answers.count == 1)
    #expect(data.report.repairs.count == 1)
    let empty = try questions(
      "x y", #"{"id": "a", "question": "?", "is_impossible": false, "answers": []}"#, negative: true)
    #expect(empty.examples[0].isImpossible && empty.report.repairs.count == 1)
    for flag in ["true", "1", "1.0", "\"True\""] {
      let plain = #"{"id": "a", "question": "?", "is_impossible": \#(flag), "answers": []}"#
      #expect(try questions("x y", plain, negative: true).examples[0].isImpossible)
    }
  }

  // MARK: Definitions

  @Test("every number of a definition at its extremes is a fault or is none")
  func extremes() throws {
    for value in [Int.min, -1, 0, 1, Int.max] {
      for kind in [TaskKind.classification, .tokenClassification, .questionAnswering] {
        var task = TaskDefinition(
          name: "t", kind: kind, trainFile: "t", labels: kind.hasLabels ? ["a", "b"] : [],
          maxSequenceLength: value,
          questions: QuestionSettings(maxQueryLength: value, maxAnswerLength: value, nBestSize: value),
          defaults: TaskDefaults(perDeviceTrainBatchSize: value, perDeviceEvalBatchSize: value))
        #expect(!task.faults.isEmpty)
        task = TaskDefinition(
          name: "t", kind: kind, trainFile: "t", textColumn: .index(value), labelColumn: .index(1),
          labels: kind.hasLabels ? ["a", "b"] : [], docStride: value)
        _ = task.faults
      }
    }
    for value in [Double.nan, .infinity, -.infinity, 1e300, -1] {
      let defaults = TaskDefaults(numTrainEpochs: value, warmupRatio: value)
      #expect(
        TaskDefinition(name: "t", trainFile: "t", labels: ["a", "b"], defaults: defaults).faults.count == 2)
    }
    let odd = TaskDefinition(name: "t", trainFile: "t", labels: ["a", "b\n"])
    #expect(odd.faults.contains { $0.contains(#""b\n" has a tab or a line end"#) })
  }
}
