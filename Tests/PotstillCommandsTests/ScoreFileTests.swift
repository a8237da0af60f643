import Foundation
import ModelFormats
import Testing

/// Files that `potstill score` is given: rows with an index, labels with white space, forms that it does not read.
@Suite struct ScoreFileTests {
  private func score(_ options: [String], _ predictions: (String, String), _ gold: (String, String)) throws
    -> ToolRun
  {
    let folder = FileManager.default.temporaryDirectory.appending(path: "score-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in [predictions, gold] { try Data(text.utf8).write(to: folder.appending(path: name)) }
    return potstill(
      ["score"] + options.map { $0.hasPrefix("/") ? folder.path + $0 : $0 }
        + [folder.appending(path: predictions.0).path, folder.appending(path: gold.0).path])
  }

  private func accuracy(_ predictions: String, _ gold: String, goldName: String = "gold.tsv") throws
    -> ToolRun
  {
    try score(["--metric", "accuracy", "--json"], ("p.tsv", predictions), (goldName, gold))
  }

  private func value(_ run: ToolRun) throws -> Double? {
    try #require(run.code == 0, "\(run.messages)")
    return try JSONValue(parsing: run.output)["accuracy"]?.doubleValue
  }

  @Test func rowsAreMatchedByTheirIndex() throws {
    let gold = "sentence\tlabel\nx\t1\ny\t0\nz\t1\n"
    let shuffled = try accuracy("index\tprediction\n2\t1\n1\t0\n0\t1\n", gold)
    #expect(try value(shuffled) == 1 && shuffled.messages.isEmpty)
    // The gold file's own numbers go first, in JSON lines too.
    #expect(try value(accuracy("index\tprediction\n7\t1\n4\t0\n", "index\tlabel\n4\t0\n7\t1\n")) == 1)
    let lines = "{\"index\": 7, \"label\": 1}\n\n{\"index\": 4, \"label\": 0}\n"
    #expect(try value(accuracy("index\tprediction\n4\t0\n7\t0\n", lines, goldName: "gold.jsonl")) == 0.5)
    // Positions are those of all rows, broken ones too, where the gold file's index is none.
    #expect(try value(accuracy("index\tprediction\n1\t0\n0\t1\n", "index\tlabel\n3\t1\n3\t0\n")) == 1)
  }

  @Test func rowsWithoutAPredictionAreLeftOutAndCounted() throws {
    let broken = "sentence\tlabel\nx\t1\na\tb\tc\n\ny\t0\n"
    let run = try accuracy("index\tprediction\n0\t1\n2\t0\n", broken)
    #expect(try value(run) == 1)
    #expect(run.messages.contains("1 of the 3 rows of"), "\(run.messages)")
    let asked = try accuracy("index\tprediction\n0\t1\n1\t0\n", broken)
    #expect(
      asked.code == 1 && asked.messages.contains("gold.tsv:3: found 3 columns, expected 2"),
      "\(asked.messages)")
  }

  @Test(arguments: [
    ("0\t1\n5\t0\n", "p.tsv:3: found the index 5, which is that of no row"),
    ("1\t1\n1\t0\n", "p.tsv:3: found the index 1 once more (first in line 2)"),
    ("a\t1\n1\t0\n", "p.tsv:2: found the index \"a\", expected a whole number"),
    ("-1\t1\n1\t0\n", "p.tsv:2: found the index -1"),
  ])
  func wrongIndicesAreNamed(rows: String, expected: String) throws {
    let run = try accuracy("index\tprediction\n" + rows, "sentence\tlabel\nx\t1\ny\t0\n")
    #expect(run.code == 1 && run.messages.contains(expected), "\(run.messages)")
  }

  @Test func whiteSpaceAroundLabelsIsNoneOfThem() throws {
    #expect(
      try value(accuracy("prediction\n positive\nnegative\u{3000}\n", "label\npositive \n negative\n")) == 1)
    let sets = try score(
      ["--metric", "accuracy", "--multi-label", "--json"], ("p.jsonl", "{\"label\": [\" a\", \"b\"]}\n"),
      ("g.tsv", "label\nb , a\n"))
    #expect(try value(sets) == 1)
    let numbers = try score(["--metric", "mse", "--json"], ("p.txt", " 1.5\n2\n"), ("g.txt", "1.5 \n2\n"))
    #expect(numbers.code == 0, "\(numbers.messages)")
    let hexadecimal = try score(["--metric", "mse"], ("p.txt", "0x1p3\n2\n"), ("g.txt", "8\n2\n"))
    #expect(hexadecimal.code == 1 && hexadecimal.messages.contains("p.txt:1: found \"0x1p3\""))
  }

  @Test func formsThatAreNotReadAreNamed() throws {
    #expect(try value(accuracy("prediction\n1\n0\n", "label\n1\n0\n", goldName: "gold.csv")) == 1)
    let returns = try accuracy("prediction\r1\r0\r", "label\n1\n0\n")
    #expect(returns.messages.contains("carriage returns (CR) alone"), "\(returns.messages)")
    let twice = try accuracy("prediction\tprediction\n1\t0\n", "label\n1\n")
    #expect(twice.messages.contains("found the column prediction more than once"), "\(twice.messages)")
    let device = potstill(["score", "--metric", "accuracy", "/dev/zero", "/dev/zero"])
    #expect(device.code == 1 && device.messages.contains("it is a device, expected a file"))
  }

  @Test func commaSeparatedValuesAreReadAsSuch() throws {
    let gold = "sentence,label\n\"x,\ny\",1\n\"\"\"y\"\"\",\"0\"\nz,1\nz,1\n"
    #expect(try value(accuracy("prediction\n1\n1\n1\n1\n", gold, goldName: "gold.csv")) == 0.75)
    let column = try score(
      ["--metric", "accuracy", "--json", "--label-column", "sentence"], ("p.txt", "x\ny\n"),
      ("g.csv", "sentence,label\nx,1\n\"y\",0\n"))
    #expect(try value(column) == 1)
    let narrow = try accuracy("prediction\n1\n1\n", "sentence,label\n\"x\ny\",1\nz\n", goldName: "gold.csv")
    #expect(
      narrow.code == 1 && narrow.messages.contains("gold.csv:4: found 1 columns, expected 2"),
      "\(narrow.messages)")
    let open = try accuracy("prediction\n1\n", "sentence,label\n\"x,1\n", goldName: "gold.csv")
    #expect(open.code == 1 && open.messages.contains("gold.csv:2: found "), "\(open.messages)")
  }

  @Test func theFileWithoutANumberIsNamed() throws {
    let gold =
      #"{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "b", "question": "q", "answers": []}]}]}]}"#
    let folder = FileManager.default.temporaryDirectory.appending(path: "score-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, text) in [("p.json", #"{"b": ""}"#), ("na.json", #"{"a": 0.5}"#), ("g.json", gold)] {
      try Data(text.utf8).write(to: folder.appending(path: name))
    }
    func path(_ name: String) -> String { folder.appending(path: name).path }
    let run = potstill([
      "score", "--metric", "squad_v2", "--na-prob-file", path("na.json"), path("p.json"), path("g.json"),
    ])
    #expect(
      run.code == 1 && run.messages.contains("na.json: found no number for the question \"b\""),
      "\(run.messages)")
  }

  @Test func oddTagsAreWarnedOfAsSeqevalDoes() throws {
    let run = try score(["--metric", "seqeval"], ("p.txt", "a ???\nb O\n"), ("g.txt", "a B-PER\nb O\n"))
    #expect(run.code == 0 && run.messages.contains("p.txt:1: ??? seems not to be NE tag."), "\(run.messages)")
    // Separators around a line are none of it.
    let spaced = try score(
      ["--metric", "seqeval", "--json"], ("p.txt", " a B-PER \n\tb\tO\t\n \tO\n"),
      ("g.txt", "a B-PER\nb O\nc O\n"))
    #expect(
      try JSONValue(parsing: spaced.output)["overall_accuracy"]?.doubleValue == 1 && spaced.messages.isEmpty)
  }
}
