import Datasets
import Tasks
import TestSupport
import Testing

@Suite("Readers of tagged sentences")
struct EntityReadingTests {
  private func task(_ labels: [String] = ["PER", "LOC"], _ settings: EntitySettings = EntitySettings())
    -> TaskDefinition
  {
    TaskDefinition(
      name: "t", kind: .tokenClassification, trainFile: "train", testFile: "test", unlabelledFile: "pool",
      labels: labels, entities: settings)
  }

  private func read(
    _ task: TaskDefinition, _ content: String, split: DataSplit = .train, badRows: BadRowPolicy = .fail
  ) throws -> Dataset<TaggedSentence> {
    let folder = try TemporaryFolder([try #require(task.file(for: split)).path: content])
    return try TaskReader(task: task, folder: folder.url, badRows: badRows).readSentences(split)
  }

  private func names(_ data: Dataset<TaggedSentence>, _ task: TaskDefinition) -> [[String]] {
    data.examples.map { ($0.tags ?? []).map { task.outputLabels[$0] } }
  }

  @Test("CoNLL-2003: four columns, -DOCSTART-, IOB1 becomes BIO")
  func conll() throws {
    let task = task(["ORG", "PER"], EntitySettings(inputScheme: .iob1))
    let data = try read(
      task,
      """
      -DOCSTART- -X- -X- O

      EU NNP I-NP I-ORG
      rejects VBZ I-VP O
      Fischler NNP I-NP I-PER
      Spink NNP I-NP B-PER
      Commission NNP I-NP I-ORG

      -DOCSTART- -X- O O

      Peter NNP I-NP I-PER
      Blackburn NNP I-NP I-PER
      """)
    #expect(
      data.examples.map(\.words) == [
        ["EU", "rejects", "Fischler", "Spink", "Commission"], ["Peter", "Blackburn"],
      ])
    #expect(names(data, task) == [["B-ORG", "O", "B-PER", "B-PER", "B-ORG"], ["B-PER", "I-PER"]])
    #expect(data.examples.map(\.line) == [3, 11])
    #expect(data.report.rowCount == 2 && data.report.faults.isEmpty && data.report.repairs.isEmpty)
  }

  @Test("MSRA: tabs or spaces, CRLF, trailing spaces, several blank lines, a space as a character")
  func msra() throws {
    let task = task()
    let data = try read(
      task, "\u{FEFF}王\tB-PER\r\n明\tI-PER  \r\n \t \r\n\n在 O \n　\tO\n \tO\n京 B-LOC\n O\n\n\n")
    #expect(data.examples.map(\.words) == [["王", "明"], ["在", "　", " ", "京", " "]])
    #expect(names(data, task) == [["B-PER", "I-PER"], ["O", "O", "O", "B-LOC", "O"]])
  }

  @Test("Weibo: the digit behind each character goes when asked for, and what has none is reported")
  func weibo() throws {
    let task = task(["PER.NAM"], EntitySettings(stripSegmentDigits: true))
    let data = try read(task, "科0\tO\n技1\tO\n90\tB-PER.NAM\n０\tI-PER.NAM\n😀0\tO\n")
    #expect(data.examples[0].words == ["科", "技", "9", "０", "😀"])
    #expect(data.report.repairs.map(\.line) == [4])
    #expect(data.summary.hasSuffix("train: 1 examples, 1 repairs"))
    #expect(try read(self.task(["PER.NAM"]), "科0\tO\n").examples[0].words == ["科0"])
  }

  @Test("tags that the scheme does not allow are read in their plain meaning, and reported")
  func repairs() throws {
    let task = task()
    let data = try read(task, "a\tI-PER\nb\tI-LOC\nc\tI-LOC\nd\tO\ne\tB-PER\nf\tI-LOC\n")
    #expect(names(data, task) == [["B-PER", "B-LOC", "I-LOC", "O", "B-PER", "B-LOC"]])
    #expect(data.report.repairs.map(\.line) == [1, 2, 6])
    let lines = data.note.split(separator: "\n")
    try #require(lines.count == 4)
    #expect(lines[0].hasSuffix("train: 1 examples, 3 repairs"))
    #expect(
      lines[1].contains(
        "train:1: found I-PER at the start, where no such entity is open; taken as the beginning"))
    #expect(lines[2].contains("train:2: found I-LOC after I-PER, where no such entity is open"))
  }

  @Test("BIOES and BMES come in, and any scheme goes out")
  func schemes() throws {
    let bioes = task(["PER", "LOC"], EntitySettings(inputScheme: .bioes))
    let data = try read(bioes, "a\tB-PER\nb\tI-PER\nc\tE-PER\nd\tS-LOC\ne\tB-LOC\nf\tL-LOC\ng\tU-PER\n")
    #expect(names(data, bioes) == [["B-PER", "I-PER", "I-PER", "B-LOC", "B-LOC", "I-LOC", "B-PER"]])
    #expect(data.report.repairs.isEmpty)
    let bmes = task(["PER", "LOC"], EntitySettings(scheme: .bioes, inputScheme: .bmes))
    let second = try read(bmes, "a\tB-PER\nb\tM-PER\nc\tO\nd\tM-LOC\ne\tE-LOC\nf\tS-LOC\n")
    #expect(names(second, bmes) == [["B-PER", "E-PER", "O", "B-LOC", "E-LOC", "S-LOC"]])
    // An entity without its end, and one without its beginning.
    #expect(second.report.repairs.map(\.line) == [2, 4])
  }

  @Test("what cannot be read is reported with its line, sentence by sentence")
  func faults() throws {
    let content = "a\tO\n\nb\tB-ORG\nc\tO\n\nd\n\ne\tX-PER\n\nf\tO\nbad line without tag\tand\tO\n\ng O\nh\n"
    let error = try #require(throws: DatasetError.self) { try read(task(), content) }
    #expect(error.description.contains("4 of 6 rows cannot be used"))
    let data = try read(task(), content, badRows: .skip)
    #expect(data.examples.map(\.words) == [["a"], ["f", "bad line without tag"]])
    #expect(data.report.faults.map(\.line) == [3, 6, 8, 14])
    #expect(
      data.report.faults[0].description == "found the tag \"B-ORG\", expected one of the types PER, LOC")
    #expect(data.report.faults[1].description == "found 1 column, expected a word and its tag")
    #expect(data.report.faults[2].expected == "a tag of the scheme BIO, such as B-PER")
  }

  @Test("columns by position, and raw tags by label_values")
  func columns() throws {
    var task = task()
    (task.textColumn, task.labelColumn) = (.index(1), .index(2))
    task.labelValues = ["1": "B-PER", "0": "O"]
    let data = try read(task, "1 Anna 1 x\n2 ran 0 x\n\n3 away\n", badRows: .skip)
    #expect(data.examples.map(\.words) == [["Anna", "ran"]] && names(data, task) == [["B-PER", "O"]])
    #expect(data.report.faults.map(\.description) == ["found 2 columns, expected at least 3"])
  }

  @Test("test files may lack tags, pools never have any")
  func untagged() throws {
    #expect(
      try read(task(), "a\nb\n", split: .test).examples == [TaggedSentence(words: ["a", "b"], line: 1)])
    #expect(try read(task(), "a O\nb B-PER\n", split: .test).examples[0].tags == [0, 1])
    #expect(throws: DatasetError.self) { try read(task(), "a O\nb\n", split: .test) }
    #expect(try read(task(), "a O\nb\n", split: .unlabelled).examples[0].tags == nil)
  }

  @Test("CLUENER: spans with both ends included, moved ones found again, overlaps and strangers reported")
  func cluener() throws {
    var task = task(["name", "company"])
    task.format = .jsonl
    let data = try read(
      task,
      """
      {"text": "😀浙商银行叶老桂说", "label": {"name": {"叶老桂": [[5, 7]]}, "company": {"浙商银行": [[1, 4]]}}}
      {"text": "叶叶", "label": {"name": {"叶": [[0, 0], [1, 1]]}}}
      {"text": "叶老桂", "label": {"name": {"老桂": [[0, 1]]}}}
      {"text": "叶老桂", "label": {"name": {"叶老": [[0, 1]], "老桂": [[1, 2]]}}}
      {"text": "叶老桂", "label": {"name": {"王": [[0, 0]]}}}
      {"text": "叶老桂", "label": {"city": {"叶": [[0, 0]]}}}
      {"text": "叶老桂", "label": {}}
      {"text": "叶老桂"}
      """, badRows: .skip)
    #expect(data.examples.map(\.line) == [1, 2, 3, 4, 7])
    #expect(
      names(data, task)[0] == [
        "O", "B-company", "I-company", "I-company", "I-company", "B-name", "I-name", "I-name", "O",
      ])
    #expect(names(data, task)[1] == ["B-name", "B-name"])
    #expect(names(data, task)[2] == ["O", "B-name", "I-name"])
    #expect(names(data, task)[3] == ["B-name", "I-name", "O"])
    #expect(data.report.repairs.map(\.line) == [3, 4])
    #expect(data.report.faults.map(\.line) == [5, 6, 8])
    #expect(
      data.report.faults[0].description == "found \"王\" (name), expected a name that occurs in the text")
    #expect(try read(task, "{\"id\": 0, \"text\": \"叶\"}\n", split: .test).examples[0].tags == nil)
  }

  @Test("Hugging Face's JSON lines: a list of words and one of tags")
  func lists() throws {
    var task = task()
    task.format = .jsonl
    (task.textColumn, task.labelColumn) = (.name("tokens"), .name("ner_tags"))
    task.labelValues = ["0": "O", "1": "B-PER"]
    let data = try read(
      task,
      """
      {"tokens": ["Anna", "ran"], "ner_tags": ["B-PER", "O"]}
      {"tokens": ["Anna", "ran"], "ner_tags": [1, 0]}
      {"tokens": ["Anna", "ran"], "ner_tags": [1]}
      {"tokens": [], "ner_tags": []}
      """, badRows: .skip)
    #expect(names(data, task) == [["B-PER", "O"], ["B-PER", "O"]])
    #expect(data.report.faults.map(\.line) == [3, 4])
  }

  @Test("tags of every scheme give back the entities they were made of", arguments: TaggingScheme.allCases)
  func roundTrip(scheme: TaggingScheme) {
    let set = TagSet(scheme: scheme, types: ["A", "B"])
    let entities = [
      EntitySpan(type: 0, words: 0..<1), EntitySpan(type: 0, words: 1..<4), EntitySpan(type: 1, words: 4..<5),
      EntitySpan(type: 0, words: 7..<9),
    ]
    #expect(set.entities(of: set.tags(of: entities, count: 10)) == entities)
    #expect(set.count == set.names.count)
  }
}
