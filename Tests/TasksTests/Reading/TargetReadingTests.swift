import Datasets
import Foundation
import Tasks
import TestSupport
import Testing
import Tokenization

@Suite("Readers of numbers, several labels and further files")
struct TargetReadingTests {
  private func read(
    _ task: TaskDefinition, _ content: String, split: DataSplit = .train, badRows: BadRowPolicy = .fail
  ) throws -> TextDataset {
    let folder = try TemporaryFolder([try #require(task.file(for: split)).path: content])
    return try TaskReader(task: task, folder: folder.url, badRows: badRows).read(split)
  }

  @Test("STS-B: numbers in their range, bare quotes, ragged rows")
  func regression() throws {
    var task = TaskDefinition(
      name: "stsb", kind: .regression, trainFile: "train.tsv", testFile: "test.tsv",
      textColumn: .name("sentence1"),
      textPairColumn: .name("sentence2"), labelColumn: .name("score"), labelRange: 0...5)
    let content = """
      index\tsentence1\tsentence2\tscore
      0\t"A quote.\tIt's "one".\t3.800
      1\ta\tb\t5.1
      2\ta\tb\tgood
      3\ta\tb
      4\ta\tb\t
      5\ta\tb\tnan
      6\ta\tb\t0
      7\ta\tb\t1\textra
      """
    let data = try read(task, content, badRows: .skip)
    #expect(data.examples.map(\.target) == [.value(3.8), .value(0)])
    #expect(data.examples[0].text == "\"A quote." && data.labelledCount == 2)
    #expect(data.report.faults.map(\.line) == [3, 4, 5, 6, 7, 9])
    #expect(data.report.faults[0].description == "found the number 5.1, expected a number from 0.0 to 5.0")
    #expect(data.report.faults[1].found == "\"good\"" && data.report.faults[2].found == "3 columns")
    #expect(try read(task, "sentence1\tsentence2\na\tb\n", split: .test).examples.map(\.target) == [.none])
    #expect(
      try read(task, "sentence1\tsentence2\tscore\na\tb\t-1\n", split: .test).examples.map(\.target) == [
        .none
      ])
    task.labelRange = nil
    #expect(
      try read(task, "sentence1\tsentence2\tscore\na\tb\t-1\n", split: .test).examples.map(\.target) == [
        .value(-1)
      ])
    task.format = .jsonl
    let lines = try read(task, "{\"sentence1\": \"a\", \"sentence2\": \"b\", \"score\": 2.5}\n")
    #expect(lines.examples.map(\.target) == [.value(2.5)])
  }

  @Test("several labels: a cell of names, a column for each, a list in JSON lines")
  func multiLabel() throws {
    var task = TaskDefinition(
      name: "m", kind: .multiLabel, trainFile: "train", testFile: "test", textColumn: .name("t"),
      labels: ["red", "green", "blue"])
    let cells = try read(task, "t\tlabel\na\tblue, red\nb\t\nc\tgreen\nd\tpink\n", badRows: .skip)
    #expect(
      cells.examples.map(\.target) == [
        .labels([true, false, true]), .labels([false, false, false]), .labels([false, true, false]),
      ])
    #expect(
      cells.report.faults.map(\.description) == ["found the label \"pink\", expected one of blue, green, red"]
    )
    #expect(throws: DatasetError.self) { try read(task, "t\na\n") }
    #expect(try read(task, "t\na\n", split: .test).examples.map(\.target) == [.none])
    task.labelSeparator = "|"
    #expect(try read(task, "t\tlabel\na\tblue|red\n").examples[0].target == .labels([true, false, true]))
    var columns = task
    columns.format = .csv
    columns.labelColumns = [.name("r"), .name("g"), .name("b")]
    let flags = try read(columns, "t,r,g,b\nx,0,1,1\ny,0,2,0\n", badRows: .skip)
    #expect(flags.examples.map(\.target) == [.labels([false, true, true])])
    #expect(flags.report.faults[0].description == "found \"2\" in the column of \"green\", expected 0 or 1")
    #expect(try read(columns, "t,r,g,b\nx,-1,-1,-1\n", split: .test).examples.map(\.target) == [.none])
    task.format = .jsonl
    let lines = try read(
      task, "{\"t\": \"a\", \"label\": [\"green\"]}\n{\"t\": \"a\", \"label\": []}\n{\"t\": \"a\"}\n",
      badRows: .skip)
    #expect(
      lines.examples.map(\.target) == [.labels([false, true, false]), .labels([false, false, false])])
    #expect(lines.report.faults.map(\.line) == [3])
  }

  @Test("MNLI has a second validation file; QQP's short rows are reported")
  func furtherFiles() throws {
    let task = TaskDefinition(
      name: "mnli", kind: .pair, validationFile: "dev_matched.tsv",
      extraFiles: ["validation_mismatched": "dev_mismatched.tsv"], textColumn: .name("a"),
      textPairColumn: .name("b"),
      labels: ["no", "yes"])
    let folder = try TemporaryFolder([
      "dev_matched.tsv": "a\tb\tlabel\n1\t2\tno\n",
      "dev_mismatched.tsv": "a\tb\tlabel\n3\t4\tyes\nbreaks off\n",
    ])
    let reader = TaskReader(task: task, folder: folder.url, badRows: .skip)
    #expect(try reader.read(.validation).examples.map(\.text) == ["1"])
    let second = try reader.read(.validation, part: "mismatched")
    #expect(second.examples.map(\.text) == ["3"])
    #expect(second.report.faults.map(\.description) == ["found 1 column, expected 3"])
    let error = try #require(throws: DatasetError.self) { try reader.read(.validation, part: "other") }
    #expect(error == .missingSplit(task: "mnli", split: "validation_other"))
    #expect(error.description.contains("add validation_other to its extra_files."))
  }

  @Test("CSL's keywords are a list; TNEWS has numbers in quotes")
  func clue() throws {
    var task = TaskDefinition(
      name: "csl", kind: .pair, format: .jsonl, trainFile: "train.json", textColumn: .name("keyword"),
      textPairColumn: .name("abst"), labels: ["wrong", "right"], labelValues: ["0": "wrong", "1": "right"])
    let line = "{\"id\": 1, \"abst\": \"为解决\", \"keyword\": [\"水声\", \"图像\"], \"label\": \"1\"}\n"
    #expect(
      try read(task, line).examples
        == [TextExample(text: "水声 图像", pair: "为解决", label: 1, line: 1, row: 0, id: "1")])
    task.textColumn = .name("id")
    #expect(try read(task, line).examples.map(\.text) == ["1"])
  }

  @Test("a task of another kind is refused by name")
  func wrongKind() throws {
    let task = TaskDefinition(name: "n", kind: .tokenClassification, trainFile: "x", labels: ["PER"])
    let folder = try TemporaryFolder(["x": "a O\n"])
    let reader = TaskReader(task: task, folder: folder.url)
    let error = try #require(throws: DatasetError.self) { try reader.read(.train) }
    #expect(
      error.description.contains("is of kind token_classification, expected one of kind classification, pair")
    )
    #expect(throws: DatasetError.self) { try reader.readQuestions(.train) }
    #expect(throws: DatasetError.self) { try reader.openTexts(.train) }
    #expect(try reader.readSentences(.train).count == 1)
  }

  @Test("targets come through encoding into the arrays of a batch")
  func batches() throws {
    let tokenizer = BertTokenizer(vocabulary: Vocabulary(["[UNK]", "[CLS]", "[SEP]", "a", "b"]))
    func batch(_ targets: [ExampleTarget]) throws -> Batch {
      let encoded = try EncodedExample.encode(
        targets.map { TextExample(text: "a b", target: $0) }, with: tokenizer, maxLength: 8)
      return Batch(encoded, at: Array(encoded.indices))
    }
    let values = try batch([.value(2.5), .none])
    #expect(values.values[0] == 2.5 && values.values[1].isNaN && values.targetCount == 1)
    #expect(values.labels == [-100, -100] && values.labelMatrix.isEmpty)
    let labels = try batch([.labels([true, false, true]), .none, .labels([false, false, true])])
    #expect(labels.labelMatrix.count == 9)
    #expect(Array(labels.labelMatrix[0..<3]) == [1, 0, 1] && Array(labels.labelMatrix[6...]) == [0, 0, 1])
    #expect(labels.labelMatrix[3..<6].count { $0.isNaN } == 3)
    let tagged = Batch(
      [
        EncodedExample(ids: [1, 3, 2], segments: [0, 0, 0], target: .tags([-100, 4, -100])),
        EncodedExample(ids: [1, 2], segments: [0, 0]),
      ], at: [1, 0])
    #expect(tagged.tags == [-100, -100, -100, 4, -100])
    var example = EncodedExample(ids: [1], segments: [0], label: 3)
    #expect(example.target == .label(3))
    example.label = EncodedExample.noLabel
    #expect(example.target == .none && example.label == -100)
  }
}
