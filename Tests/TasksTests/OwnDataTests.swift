import Datasets
import Foundation
import ModelFormats
import Tasks
import TestSupport
import Testing

/// Files of one's own without a task file: what a look at their rows finds.
@Suite struct OwnDataTests {
  private func infer(
    _ name: String, _ text: String, validation: String? = nil, _ change: (inout TaskHints) -> Void = { _ in }
  ) throws -> InferredTask {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: name)
    try Data(text.utf8).write(to: file)
    var second: String?
    if let validation {
      let path = folder.url.appending(path: "second-" + name)
      try Data(validation.utf8).write(to: path)
      second = path.path
    }
    var hints = TaskHints()
    change(&hints)
    return try InferredTask(train: file.path, validation: second, hints: hints)
  }

  private func rows(_ count: Int, _ row: (Int) -> String) -> String {
    (0..<count).map { row($0) + "\n" }.joined()
  }

  @Test func aTableWithUsualNamesIsClassification() throws {
    let labels = ["10", "9", "2"]
    let found = try infer(
      "tickets.csv", "id,text,category\n" + rows(30) { "\($0),\"a, text \($0)\",\(labels[$0 % 3])" })
    let task = found.task
    #expect(task.kind == .classification && task.format == .csv && task.header && task.name == "tickets")
    #expect(task.textColumn == .name("text") && task.labelColumn == .name("category"))
    #expect(task.labels == ["2", "9", "10"], "numbers are in the order of numbers")
    #expect(task.metrics == ["accuracy", "f1_macro"])
    #expect(task.heldOut == HeldOutShare(percentage: 10, seed: 42))
    #expect(found.findings.contains { $0.contains("no validation file: 10 % of each label") })
  }

  @Test func labelsComeFromBothFilesInTheOrderOfTheAlphabet() throws {
    let found = try infer(
      "a.tsv", "sentence\tlabel\n" + rows(8) { "text \($0)\t\($0 % 2 == 0 ? "good" : "bad")" },
      validation: "sentence\tlabel\nx\tfair\ny\tgood\n")
    #expect(found.task.labels == ["bad", "fair", "good"])
    #expect(found.task.heldOut == nil && found.task.validationFile != nil)
  }

  @Test func columnsWithoutNamesAreToldApart() throws {
    let found = try infer(
      "a.csv", rows(20) { "\($0 % 2 == 0 ? "pos" : "neg"),the \($0)th text of some length" })
    #expect(found.task.header == false)
    #expect(found.task.textColumn == .index(1) && found.task.labelColumn == .index(0))
    #expect(found.task.labels == ["neg", "pos"] && found.task.metrics == ["accuracy", "f1"])
    let named = try infer(
      "a.csv", "was,opinion\n" + rows(20) { "\($0 % 2 == 0 ? "pos" : "neg"),the \($0)th long text" })
    #expect(
      named.task.header && named.task.textColumn == .name("opinion") && named.task.labelColumn == .name("was")
    )
  }

  @Test func blanksFoldAndCaseFoldsOnlyWhenAsked() throws {
    let text = "text,label\n" + rows(12) { "text \($0),\(["Yes", "yes ", "no", "yes"][$0 % 4])" }
    let plain = try infer("a.csv", text)
    #expect(plain.task.labels == ["Yes", "no", "yes"])
    #expect(plain.findings.contains { $0.contains("--fold-case makes them one") })
    #expect(plain.findings.contains { $0.contains("3 labels have blanks around them") })
    let folded = try infer("a.csv", text) { $0.foldsCase = true }
    #expect(folded.task.labels == ["no", "yes"] && folded.task.labelValues == ["Yes": "yes"])
  }

  @Test func kindsFollowFromValues() throws {
    let pair = try infer("a.tsv", "premise\thypothesis\tlabel\n" + rows(9) { "p \($0)\th \($0)\t\($0 % 3)" })
    #expect(pair.task.kind == .pair && pair.task.textPairColumn == .name("hypothesis"))
    let numbers = try infer("a.csv", "text,score\n" + rows(9) { "text \($0),\(Double($0) / 4)" })
    #expect(numbers.task.kind == .regression && numbers.task.labels.isEmpty)
    let given = try infer("a.csv", "text,score\n" + rows(9) { "text \($0),\($0 % 3)" }) {
      $0.kind = .regression
    }
    #expect(given.task.kind == .regression)
    let several = try infer(
      "a.csv", "text,tags\n" + rows(12) { "text \($0),\(["a|b", "b", "a", "c|a"][$0 % 4])" })
    #expect(several.task.kind == .multiLabel && several.task.labelSeparator == "|")
    #expect(several.task.labels == ["a", "b", "c"])
    let flags = try infer("a.csv", "comment_text,toxic,rude\n" + rows(8) { "text \($0),\($0 % 2),\($0 / 4)" })
    #expect(flags.task.kind == .multiLabel && flags.task.labels == ["toxic", "rude"])
    #expect(flags.task.labelColumns == [.name("toxic"), .name("rude")])
    let lists = try infer(
      "a.jsonl", rows(6) { #"{"text": "t \#($0)", "labels": ["x"\#($0 % 2 == 0 ? "" : ", \"y\"")]}"# })
    #expect(lists.task.kind == .multiLabel && lists.task.labels == ["x", "y"])
  }

  @Test func formatsAreToldByContent() throws {
    let object = { (index: Int) in #"{"text": "t \#(index)", "label": "\#(["a", "b"][index % 2])"}"# }
    let list = try infer("a.json", "[" + (0..<6).map(object).joined(separator: ",\n") + "]")
    #expect(list.task.format == .json)
    let data = try infer(
      "a.json", #"{"version": 1, "data": ["# + (0..<6).map(object).joined(separator: ", ") + "]}")
    #expect(data.task.format == .json)
    #expect(TaskReader(task: data.task, folder: URL(filePath: "/")).task.labels == ["a", "b"])
    #expect(try infer("a.json", rows(6, object)).task.format == .jsonl)
    #expect(try infer("rows", rows(6, object)).task.format == .jsonl)
    #expect(try infer("a.txt", "text\tlabel\n" + rows(6) { "t \($0)\t\($0 % 2)" }).task.format == .tsv)
    #expect(try infer("a.csv", "text\tlabel\n" + rows(6) { "t \($0)\t\($0 % 2)" }).task.format == .tsv)
    let words = "EU B-ORG\nrejects O\n\nGerman B-MISC\ncall O\n\n"
    let entities = try infer("train.data", words)
    #expect(entities.task.kind == .tokenClassification && entities.task.format == .conll)
    #expect(entities.task.labels == ["MISC", "ORG"] && entities.task.entities.scheme == .bio)
    #expect(try infer("a.txt", "北 B-LOC\n京 E-LOC\n在 O\n\n我 S-PER\n").task.entities.scheme == .bioes)
    #expect(try infer("a.txt", "EU I-ORG\nrejects O\n\nGerman I-MISC\n").task.entities.inputScheme == .iob1)
    let squad = try infer(
      "a.json",
      #"{"data": [{"paragraphs": [{"context": "c d", "qas": [{"id": "1", "question": "q", "is_impossible": true, "answers": []}]}]}]}"#
    )
    #expect(squad.task.kind == .questionAnswering && squad.task.questions.version2WithNegative)
  }

  @Test func whatNothingTellsIsAskedFor() throws {
    func message(_ name: String, _ text: String, _ change: (inout TaskHints) -> Void = { _ in }) -> String {
      do {
        let found = try infer(name, text, change)
        return "found \(found.task)"
      } catch { return "\(error)" }
    }
    #expect(message("a.csv", "a,b\n" + rows(6) { "\($0) x,y \($0)" }).contains("--text-column"))
    #expect(message("a.txt", "one\ntwo\n").contains("plain text, which has no labels"))
    let twice = message(
      "a.csv", "text,was,is\n" + rows(12) { "text \($0),\("ab".count + $0 % 3) z,\($0 % 3) y" })
    #expect(twice.contains("--label-column. It could be \"was\", \"is\""))
    #expect(message("a.csv", "text,label\n" + rows(6) { "t \($0),same" }).contains("has one value, \"same\""))
    #expect(message("a.csv", "text,label\n" + rows(60) { "t \($0),l\($0)" }).contains("60 values in 60 rows"))
    let unknown = message("a.csv", "text,label\n" + rows(6) { "t \($0),\($0 % 2)" }) {
      $0.labelColumn = .name("lable")
    }
    #expect(unknown.contains("found no column \"lable\" of --label-column; the file has \"text\", \"label\""))
  }

  @Test func aShareOfEachLabelIsHeldOut() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "a.csv")
    // 80 of a, 15 of b, 5 of c.
    let text = "text,label\n" + rows(100) { "text \($0),\($0 < 80 ? "a" : $0 < 95 ? "b" : "c")" }
    try Data(text.utf8).write(to: file)
    let task = try InferredTask(
      train: file.path,
      hints: {
        var h = TaskHints(); h.heldOutPercentage = 20; return h
      }()
    ).task
    let reader = TaskReader(task: task, folder: folder.url)
    let (train, validation) = (try reader.read(.train), try reader.read(.validation))
    #expect(train.count == 80 && validation.count == 20)
    #expect((0..<3).map { label in validation.examples.count { $0.label == label } } == [16, 3, 1])
    #expect(Set(train.examples.map(\.text)).isDisjoint(with: validation.examples.map(\.text)))
    #expect(Set(train.examples.map(\.line)).union(validation.examples.map(\.line)) == Set(2...101))
    #expect(try reader.read(.validation) == validation, "the same rows each time")
    var other = task
    other.heldOut = HeldOutShare(percentage: 20, seed: 1)
    #expect(try TaskReader(task: other, folder: folder.url).read(.validation).examples != validation.examples)
  }

  @Test func questionsAboutAPassageStayTogether() {
    let questions = (0..<60).map { Question(id: "\($0)", text: "q \($0)", context: "passage \($0 / 3)") }
    let part = Dataset(path: "a", examples: questions).part(.validation, by: HeldOutShare(percentage: 10))
    #expect(part.count == 6)
    #expect(Dictionary(grouping: part.examples, by: \.context).values.allSatisfy { $0.count == 3 })
  }

  @Test func compressedRowsAreRead() throws {
    let folder = try TemporaryFolder()
    // gzip of "text,label\none,a\ntwo,b\nthree,a\nfour,b\n" by Python's gzip, level 9, time 0.
    let bytes = try #require(Data(base64Encoded: Self.compressed))
    let file = folder.url.appending(path: "a.csv.gz")
    try bytes.write(to: file)
    let task = try InferredTask(train: file.path).task
    #expect(task.format == .csv && task.labels == ["a", "b"] && task.name == "a")
    let reader = TaskReader(task: task, folder: folder.url)
    #expect(
      Set(try (reader.read(.train).examples + reader.read(.validation).examples).map(\.text)) == [
        "one", "two", "three", "four",
      ])
    try bytes.dropLast(9).write(to: file)
    let error = #expect(throws: DatasetError.self) { try InferredTask(train: file.path) }
    #expect("\(try #require(error))".contains("no whole gzip file"))
  }

  private static let compressed = "H4sIAAAAAAACAytJrSjRyUlMSs3hys9L1UnkKinP10niKskoSgXx0vJLi4BcAMXx5mkmAAAA"

  @Test func aListOfObjectsHasLines() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "a.json")
    try Data(
      "[\n {\"text\": \"a ] b\", \"label\": \"x\"},\n {\"text\": 7 8, \"label\": \"x\"},\n 5,\n {\"text\": \"c\", \"label\": \"y\"}\n]"
        .utf8
    )
    .write(to: file)
    var task = TaskDefinition(name: "t", format: .json, trainFile: "a.json", labels: ["x", "y"])
    let read = try TaskReader(task: task, folder: folder.url, badRows: .skip).read(.train)
    #expect(read.examples.map(\.text) == ["a ] b", "c"] && read.examples.map(\.line) == [2, 5])
    #expect(read.report.faults.map(\.line) == [3, 4])
    for (text, found) in [
      ("{\"a\": 1}", "no list of objects"), ("[{\"text\": \"a\"", "never ends"),
      ("[{} {}]", "without a comma"),
    ] {
      try Data(text.utf8).write(to: file)
      let error = #expect(throws: DatasetError.self) {
        try TaskReader(task: task, folder: folder.url).read(.train)
      }
      #expect("\(try #require(error))".contains(found), "\(text)")
    }
    task.heldOut = HeldOutShare(percentage: 100)
    #expect(task.faults.contains { $0.hasPrefix("validation_split_percentage is 100.0") })
  }

  @Test func theTaskFileOfALookIsTheSameTask() throws {
    let found = try infer("a.csv", "text,label\n" + rows(12) { "text \($0),\(["no", "yes"][$0 % 2])" })
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "a.yaml")
    try Data(found.task.commentedYAML(found.findings).utf8).write(to: file)
    #expect(try TaskDefinition(contentsOf: file) == found.task)
    #expect(TaskDefinition.CodingKeys.allCases.allSatisfy { $0.help.hasSuffix(".") })
  }
}
