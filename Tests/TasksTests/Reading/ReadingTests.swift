import Datasets
import Foundation
import Tasks
import TestSupport
import Testing

@Suite("Readers")
struct ReadingTests {
  let task = TaskDefinition(
    name: "t", trainFile: "train.tsv", validationFile: "dev.tsv", testFile: "test.tsv",
    unlabelledFile: "pool.tsv", textColumn: .name("sentence"), labels: ["negative", "positive"],
    labelValues: ["0": "negative", "1": "positive"])

  private func read(
    _ task: TaskDefinition, _ content: String, split: DataSplit = .train, badRows: BadRowPolicy = .fail
  ) throws -> TextDataset {
    let path = try #require(task.file(for: split)).path
    let folder = try TemporaryFolder([path: content])
    return try TaskReader(task: task, folder: folder.url, badRows: badRows).read(split)
  }

  @Test("TSV: quotes are data, a byte-order mark and CRLF are not")
  func tsv() throws {
    let data = try read(
      task, "\u{FEFF}label\tsentence\r\n1\t\" a \"bare\" quote , here\r\n0\tline\u{2028}sep\u{85}arators\r\n")
    #expect(data.examples.map(\.text) == ["\" a \"bare\" quote , here", "line\u{2028}sep\u{85}arators"])
    #expect(data.examples.map(\.label) == [1, 0])
    #expect(data.examples.map(\.line) == [2, 3])
    #expect(data.report.rowCount == 2 && data.report.faults.isEmpty)
  }

  @Test("TSV without a header: columns by position")
  func headerless() throws {
    var cola = task
    cola.header = false
    cola.textColumn = .index(3)
    cola.labelColumn = .index(1)
    let data = try read(cola, "gj04\t1\t\tThe boat sank.\ngj04\t0\t*\tThe boat sank the.\n")
    #expect(data.examples.map(\.text) == ["The boat sank.", "The boat sank the."])
    #expect(data.examples.map(\.label) == [1, 0])
  }

  @Test("label names stand for themselves")
  func labelNames() throws {
    let data = try read(task, "sentence\tlabel\ngood\tpositive\nbad\t0\n")
    #expect(data.examples.map(\.label) == [1, 0])
  }

  @Test("CSV: RFC 4180 quoting, fields over several lines")
  func csv() throws {
    var csv = task
    csv.format = .csv
    let data = try read(
      csv, "sentence,label\r\n\"a, \"\"b\"\"\nc\",1\r\n5\" disks,0\r\n\r\nlast,1")
    #expect(data.examples.map(\.text) == ["a, \"b\"\nc", "5\" disks", "last"])
    #expect(data.examples.map(\.label) == [1, 0, 1])
    #expect(data.examples.map(\.line) == [2, 4, 6])
  }

  @Test("CSV: malformed rows are reported with their lines")
  func csvFaults() throws {
    var csv = task
    csv.format = .csv
    let data = try read(
      csv, "sentence,label\n\"a\"b,1\ngood,1\ntoo,many,1\n\"never closed,0\n", badRows: .skip)
    #expect(data.examples.map(\.text) == ["good"])
    #expect(data.report.faults.map(\.line) == [2, 4, 5])
    #expect(data.report.faults[0].found == "text after a closing quote")
    #expect(data.report.faults[1].found == "3 columns")
    #expect(data.report.faults[2].found == "a quoted field that never ends")
  }

  @Test("CSV: a stray quote costs its own row and no other")
  func csvStrayQuotes() throws {
    var csv = task
    csv.format = .csv
    let good = (0..<6).map { "good \($0),1\n" }.joined()
    let open = try read(csv, "sentence,label\n\"b,0\n" + good, badRows: .skip)
    #expect(open.count == 6 && open.report.rowCount == 7)
    #expect(open.report.faults.map(\.line) == [2])
    #expect(open.examples.map(\.line) == Array(3...8) && open.examples.map(\.row) == Array(1...6))
    // The quote of a later row seems to close the first; both rows are bad, those between are not.
    let two = try read(
      csv, "sentence,label\n\"a,0\none,1\n\"b,0\n\"two\n lines\",1\nthree,0\n", badRows: .skip)
    #expect(two.examples.map(\.text) == ["one", "two\n lines", "three"])
    #expect(two.report.faults.map(\.line) == [2, 4])
  }

  @Test("each row knows its place in the file: bad and dropped rows count, headers and blank lines do not")
  func rowNumbers() throws {
    let folder = try TemporaryFolder([
      "train.tsv": "sentence\tlabel\nsame\t1\n",
      "dev.tsv": "sentence\tlabel\nnew\t0\nbroken\n\nsame\t1\nlast\t1\n",
      "pool.tsv": "one\n\n \ntwo\n",
    ])
    var dropping = task
    dropping.dropTrainDuplicates = true
    dropping.unlabelledFile = DataFile("pool.tsv", format: .text)
    let reader = TaskReader(task: dropping, folder: folder.url, badRows: .skip)
    #expect(try reader.read(.validation).examples.map(\.row) == [0, 3])
    #expect(try reader.read(.unlabelled).examples.map(\.row) == [0, 1])
    var lines = task
    lines.format = .jsonl
    let data = try read(
      lines, "{\"sentence\": \"a\", \"label\": 1}\n\n[]\n{\"sentence\": \"b\", \"label\": 0}\n",
      badRows: .skip)
    #expect(data.examples.map(\.row) == [0, 2])
    #expect(TextExample(text: "by hand").row == nil)
  }

  @Test("JSON lines: numbers as labels, keys in any order")
  func jsonl() throws {
    var lines = task
    lines.format = .jsonl
    let data = try read(
      lines,
      """
      {"sentence": "caf\\u00e9 \\"q\\"", "label": 1}
      {"label": "negative", "id": 7, "sentence": "二"}

      """)
    #expect(data.examples.map(\.text) == ["café \"q\"", "二"])
    #expect(data.examples.map(\.label) == [1, 0])
  }

  @Test("JSON lines: what is wrong with a line")
  func jsonlFaults() throws {
    var lines = task
    lines.format = .jsonl
    let data = try read(
      lines,
      "{\"sentence\": \"a\", \"label\": 1}\n{\"text\": \"a\"}\n[1]\n{\"sentence\": }\n{\"sentence\": {}, \"label\": 1}\n",
      badRows: .skip)
    #expect(data.count == 1)
    #expect(data.report.faults.map(\.line) == [2, 3, 4, 5])
    #expect(data.report.faults[0].found == "the keys text")
    #expect(data.report.faults[1].expected == "an object")
  }

  @Test("pairs of texts")
  func pairs() throws {
    var pair = task
    pair.kind = .pair
    pair.textPairColumn = .name("other")
    let data = try read(pair, "sentence\tother\tlabel\na\tb\t1\n")
    #expect(data.examples == [TextExample(text: "a", pair: "b", label: 1, line: 2, row: 0)])
  }

  @Test("bad rows fail with every line, found and expected")
  func badRows() throws {
    let content = "sentence\tlabel\ngood\t1\nbad\t2\nno label\t\n\t1\none column\n"
    let error = try #require(throws: DatasetError.self) { try read(task, content) }
    let message = error.description
    #expect(message.contains("4 of 5 rows cannot be used"))
    #expect(message.contains("train.tsv:3: found the label \"2\", expected one of 0, 1, negative, positive"))
    #expect(message.contains("train.tsv:4: found no label"))
    #expect(message.contains("train.tsv:5: found an empty text, expected some text"))
    #expect(message.contains("train.tsv:6: found 1 column, expected 2"))
    let data = try read(task, content, badRows: .skip)
    #expect(data.count == 1 && data.report.rowCount == 5 && data.report.faults.count == 4)
    #expect(data.summary.hasSuffix("train.tsv: 1 examples, 4 bad rows skipped"))
    // Three of them are shown below the summary.
    let note = data.note.split(separator: "\n")
    #expect(note.count == 5 && note[0] == data.summary)
    #expect(
      note[1].hasSuffix("train.tsv:3: found the label \"2\", expected one of 0, 1, negative, positive"))
    #expect(note[3].hasSuffix("train.tsv:5: found an empty text, expected some text"))
    #expect(note[4] == "  ... and 1 more")
    #expect(try read(task, "sentence\tlabel\ngood\t1\n").note.hasSuffix("train.tsv: 1 examples"))
  }

  @Test("a long list of bad rows is cut")
  func manyBadRows() throws {
    let content = "sentence\tlabel\n" + String(repeating: "text\t9\n", count: 100)
    let error = try #require(throws: DatasetError.self) { try read(task, content) }
    #expect(error.description.contains("... and 92 more"))
  }

  @Test("bytes that are not UTF-8 are a bad row")
  func notUTF8() throws {
    let folder = try TemporaryFolder([:])
    try folder.write(Array("sentence\tlabel\nok\t1\n".utf8) + [0xFF, 0x09, 0x31, 0x0A], "train.tsv")
    let data = try TaskReader(task: task, folder: folder.url, badRows: .skip).read(.train)
    #expect(data.count == 1)
    #expect(data.report.faults.map(\.description) == ["found bytes that are not UTF-8, expected UTF-8 text"])
  }

  @Test("test files may lack labels, pools never have any")
  func unlabelled() throws {
    #expect(try read(task, "index\tsentence\n0\tsome text\n", split: .test).examples.map(\.label) == [nil])
    #expect(try read(task, "sentence\tlabel\na\t-1\nb\t1\n", split: .test).examples.map(\.label) == [nil, 1])
    #expect(try read(task, "sentence\tlabel\na\t1\n", split: .unlabelled).examples.map(\.label) == [nil])
    #expect(throws: DatasetError.self) { try read(task, "index\tsentence\n0\ta\n", split: .validation) }
  }

  @Test("a pool of plain text has one text a line, and no place among labelled files or pairs")
  func plainText() throws {
    var plain = task
    plain.unlabelledFile = DataFile("pool.txt", format: .text)
    let data = try read(plain, "\u{FEFF}\"a\",\tb\r\n\n \t\nc\n", split: .unlabelled)
    #expect(data.examples.map(\.text) == ["\"a\",\tb", "c"])
    #expect(data.examples.map(\.line) == [1, 4])
    plain.trainFile = DataFile("train.txt", format: .text)
    #expect(throws: DatasetError.self) { try read(plain, "a\n") }
    var pairs = task
    (pairs.kind, pairs.textPairColumn) = (.pair, .name("other"))
    pairs.unlabelledFile = DataFile("pool.txt", format: .text)
    #expect(throws: DatasetError.self) { try read(pairs, "a\n", split: .unlabelled) }
  }

  @Test("a missing column lists the columns there are")
  func missingColumn() throws {
    let error = try #require(throws: DatasetError.self) { try read(task, "text\tlabel\na\t1\n") }
    #expect(
      error.description.contains("train.tsv:1: no column \"sentence\"; the file has \"text\", \"label\"."))
  }

  @Test("a missing file lists what the folder holds")
  func missingFile() throws {
    let folder = try TemporaryFolder(["dev.tsv": "x", "other.tsv": "y"])
    let reader = TaskReader(task: task, folder: folder.url)
    let error = try #require(throws: DatasetError.self) { try reader.read(.train) }
    #expect(error.description.contains("the folder holds dev.tsv, other.tsv"))
    let nowhere = TaskReader(task: task, folder: folder.url.appending(path: "none"))
    let second = try #require(throws: DatasetError.self) { try nowhere.read(.train) }
    #expect(second.description.contains("does not exist; give the folder of the data set with --data"))
  }

  @Test("empty files and missing splits are errors")
  func empty() throws {
    #expect(throws: DatasetError.self) { try read(task, "") }
    #expect(throws: DatasetError.self) { try read(task, "sentence\tlabel\n") }
    var noTest = task
    noTest.testFile = nil
    let folder = try TemporaryFolder([:])
    let reader = TaskReader(task: noTest, folder: folder.url)
    #expect(throws: DatasetError.missingSplit(task: "t", split: "test")) { try reader.read(.test) }
  }

  @Test("validation rows that occur in train are dropped and counted when asked for")
  func trainDuplicates() throws {
    let folder = try TemporaryFolder([
      "train.tsv": "sentence\tlabel\nsame\t1\nother\t0\n",
      "dev.tsv": "sentence\tlabel\n same \t0\nnew\t1\n",
    ])
    var dropping = task
    #expect(try TaskReader(task: task, folder: folder.url).read(.validation).count == 2)
    dropping.dropTrainDuplicates = true
    let data = try TaskReader(task: dropping, folder: folder.url).read(.validation)
    #expect(data.examples.map(\.text) == ["new"])
    #expect(data.trainDuplicateCount == 1)
    #expect(data.summary.hasSuffix("1 examples, 1 that also occur in train dropped"))
  }
}
