import Datasets
import Foundation
import ModelFormats
import Tasks
import TestSupport
import Testing
import Tokenization

/// Rows that stay in their files: the same as in memory, to the bit, for every kind of task.
@Suite struct StoredRowsTests {
  private let wordPiece: BertTokenizer
  private let byteLevel: any Tokenizer
  private let folder: TemporaryFolder

  init() throws {
    wordPiece = BertTokenizer(vocabulary: try Vocabulary(contentsOf: Fixtures.url("tokenization/vocab.txt")))
    folder = try TemporaryFolder()
    let bpe = folder.url.appending(path: "bpe")
    try FileManager.default.createDirectory(at: bpe, withIntermediateDirectories: true)
    for (name, fixture) in [("vocab.json", "byte_level_vocab.json"), ("merges.txt", "byte_level_merges.txt")]
    {
      try FileManager.default.copyItem(
        at: Fixtures.url("tokenization/\(fixture)"), to: bpe.appending(path: name))
    }
    byteLevel = try loadTokenizer(directory: bpe)
  }

  /// A listener that keeps what it hears.
  private final class Notes: WorkListener {
    private(set) var notes: [String] = []
    private(set) var warnings: [String] = []
    func note(_ text: String) { notes.append(text) }
    func warn(_ text: String) { warnings.append(text) }
  }

  private static let texts = [
    "the film was unbelievable", "naïve Cafés 北京 大学生", "don't! — e-mail 2026", "x", "電影 好 re",
  ]

  private static func text(_ index: Int) -> String {
    (0...index % 4).map { texts[(index * 7 + $0) % texts.count] }.joined(separator: " ")
  }

  private static func lines(_ count: Int, _ line: (Int) -> String) -> String {
    (0..<count).map { line($0) + "\n" }.joined()
  }

  /// A task of each kind with the content of its training file.
  static let kinds: [(task: TaskDefinition, content: String)] = {
    var classification = TaskDefinition(name: "c", trainFile: "a.tsv", labels: ["n", "p"])
    classification.header = true
    (classification.textColumn, classification.labelColumn) = (.name("text"), .name("label"))
    var pairs = TaskDefinition(name: "p", format: .jsonl, trainFile: "a.jsonl", labels: ["n", "p"])
    pairs.textPairColumn = .name("second")
    (pairs.textColumn, pairs.labelColumn) = (.name("text"), .name("label"))
    var several = TaskDefinition(
      name: "m", kind: .multiLabel, format: .csv, trainFile: "a.csv", labels: ["a", "b"])
    (several.textColumn, several.labelColumns) = (.name("text"), [.name("a"), .name("b")])
    several.header = true
    var number = TaskDefinition(name: "r", kind: .regression, trainFile: "a.tsv", labels: [])
    (number.textColumn, number.labelColumn, number.header) = (.index(0), .index(1), false)
    var similar = TaskDefinition(name: "s", kind: .sentenceSimilarity, trainFile: "a.tsv", labels: [])
    (similar.textColumn, similar.textPairColumn) = (.index(0), .index(1))
    (similar.labelColumn, similar.header) = (.index(2), false)
    let words = TaskDefinition(
      name: "w", kind: .tokenClassification, format: .conll, trainFile: "a.conll", labels: ["PER", "LOC"],
      maxSequenceLength: 12)
    var questions = TaskDefinition(
      name: "q", kind: .questionAnswering, format: .jsonl, trainFile: "a.jsonl", maxSequenceLength: 20,
      docStride: 4)
    questions.questions.version2WithNegative = true
    questions.metrics = ["f1", "exact"]
    questions.questions.maxQueryLength = 6
    return [
      (classification, "text\tlabel\n" + lines(300) { "\(text($0))\t\(["n", "p"][$0 % 2])" }),
      (pairs, lines(200) { #"{"text": "\#(text($0))", "second": "\#(text($0 + 1))", "label": "n"}"# }),
      (several, "text,a,b\n" + lines(200) { "\"\(text($0))\n, more\",\($0 % 2),\($0 / 2 % 2)" }),
      (number, lines(200) { "\(text($0))\t\(Double($0) / 7)" }),
      (similar, lines(200) { "\(text($0))\t\(text($0 + 3))\t\($0 % 5)" }),
      (
        words,
        lines(200) { index in
          text(index).split(separator: " ").enumerated().map { word, token in
            "\(token)\t\(word == index % 3 ? "B-PER" : "O")"
          }.joined(separator: "\n") + "\n"
        }
      ),
      (
        questions,
        lines(100) { index in
          let context = text(index) + " " + text(index + 2)
          return
            #"{"id": "\#(index)", "question": "what \#(index % 9)", "context": "\#(context)", "answers": "#
            + #"{"text": ["\#(context.prefix(3))"], "answer_start": [0]}, "is_impossible": false}"#
        }
      ),
    ]
  }()

  private func reader(_ kind: Int, content: String? = nil, badRows: BadRowPolicy = .fail) throws -> TaskReader
  {
    let (task, own) = Self.kinds[kind]
    let path = try #require(task.trainFile).path
    try folder.write(Array((content ?? own).utf8), path)
    return TaskReader(task: task, folder: folder.url, badRows: badRows)
  }

  private func stored(
    _ reader: TaskReader, _ splits: [DataSplit] = [.train], limit: Int? = nil,
    listener: any WorkListener = SilentListener()
  ) -> StoredRows {
    StoredRows(
      reader, splits: splits, limit: limit, storage: RowStorage(folder: folder.path("tokens")),
      listener: listener)
  }

  private var student: TokenReader { TokenReader(wordPiece, limit: 20, fingerprint: "w") }
  private var teacher: TokenReader { TokenReader(byteLevel, limit: 24, fingerprint: "b") }

  @Test("examples, targets and alignments are those of rows in memory", arguments: kinds.indices)
  func sameRows(kind: Int) throws {
    let reader = try reader(kind)
    let rows = try reader.readExamples(.train).examples
    let encoded = try EncodedTask(rows, task: reader.task, with: wordPiece, maxLength: 20)
    let aligned = try AlignedExamples(
      rows, student: encoded, studentTokenizer: wordPiece, studentLength: 20, teacherTokenizer: byteLevel,
      teacherLength: 24)
    let found = try stored(reader).tokenized(student, teacher: teacher)
    #expect(found.examples.isStored && found.examples.count >= 100)
    #expect(Array(found.examples) == encoded.examples)
    #expect(found.examples.lengths == encoded.examples.map(\.length))
    let other = try #require(found.aligned)
    #expect(Array(other.teacher) == Array(aligned.teacher))
    #expect(Array(other.alignments) == Array(aligned.alignments))
    #expect(other.shortenedCount == aligned.shortenedCount)
  }

  @Test("a file is tokenized once, and again when it or a setting has changed")
  func reuse() throws {
    let reader = try reader(0)
    func tokenize(_ reader: TaskReader, _ limit: Int = 20) throws -> Bool {
      let notes = Notes()
      _ = try stored(reader, listener: notes).tokenized(
        TokenReader(wordPiece, limit: limit, fingerprint: "w"), teacher: nil)
      return !notes.notes[0].contains("tokenized before")
    }
    #expect(try tokenize(reader))
    #expect(try !tokenize(reader))
    #expect(try tokenize(reader, 16))
    var task = reader.task
    task.defaults.learningRate = 1
    #expect(try !tokenize(TaskReader(task: task, folder: folder.url)), "it does not matter to the tokens")
    task.labelValues = ["x": "n"]
    #expect(try tokenize(TaskReader(task: task, folder: folder.url)))
    let other = try self.reader(0, content: "text\tlabel\nother\tp\n")
    #expect(try tokenize(other))
    // What a killed run leaves is not taken for whole, and goes away.
    let left = folder.url.appending(path: "tokens/.a-0.rows.999999999-1.tmp")
    try Data("POTSROW1".utf8).write(to: left)
    #expect(try !tokenize(other))
    #expect(!FileManager.default.fileExists(atPath: left.path))
  }

  @Test("faults name file and line, as in memory; what is skipped is counted")
  func faults() throws {
    let content = "text\tlabel\n" + Self.lines(20_000) { "\(Self.text($0))\t\($0 == 19_000 ? "?" : "p")" }
    let reader = try reader(0, content: content)
    let inMemory = #expect(throws: DatasetError.self) { try reader.readExamples(.train) }
    let error = #expect(throws: DatasetError.self) { try stored(reader).tokenized(student, teacher: nil) }
    #expect("\(try #require(error))" == "\(try #require(inMemory))")
    #expect("\(try #require(error))".contains("19002"))
    let skipping = try self.reader(0, content: content, badRows: .skip)
    let rows = stored(skipping)
    #expect(try rows.tokenized(student, teacher: nil).examples.count == 19_999)
    #expect(rows.count == 19_999 && rows.labelledCount == 19_999)
  }

  @Test("a limit takes the first rows, of texts without labels what is left, and says so")
  func limits() throws {
    var task = try reader(0).task
    task.unlabelledFile = DataFile("more.txt", format: .text)
    try folder.write(Array(Self.lines(50) { "more \(Self.text($0))" }.utf8), "more.txt")
    let reader = TaskReader(task: task, folder: folder.url)
    for limit in [10, 320] {
      let notes = Notes()
      let inMemory = try RunRows(reader, maxTrain: limit, readsUnlabelled: true, listener: notes)
      let encoded = try EncodedTask(inMemory.train, task: task, with: wordPiece, maxLength: 20)
      let own = Notes()
      let rows = stored(reader, [.train, .unlabelled], limit: limit, listener: own)
      #expect(try Array(rows.tokenized(student, teacher: nil).examples) == encoded.examples)
      #expect(rows.count == inMemory.train.count && rows.labelledCount == inMemory.train.labelledCount)
      #expect(own.warnings == notes.warnings && !own.warnings.isEmpty)
      #expect(try rows.evenSample(7) == inMemory.train.evenSample(7))
    }
  }

  @Test("rows held out to score on are those that are held out in memory")
  func heldOut() throws {
    var task = try reader(0).task
    task.heldOut = HeldOutShare(percentage: 20)
    let reader = TaskReader(task: task, folder: folder.url)
    let rows = try reader.readExamples(.train)
    var found: [TextExample] = []
    let note = try reader.forEachBlock(.train) { found += $0.texts }
    #expect(TaskExamples.texts(found) == rows.examples && note == rows.note)
    var scored: [TextExample] = []
    _ = try reader.forEachBlock(.validation) { scored += $0.texts }
    #expect(TaskExamples.texts(scored) == (try reader.readExamples(.validation).examples))
  }

  @Test("rows do not depend on where a file is cut into pieces", arguments: [0, 1, 2, 5, 6], [1, 50, 4096])
  func pieces(kind: Int, size: Int) throws {
    let reader = try reader(kind)
    let path = try #require(reader.task.trainFile).path
    let layout = reader.task.layout(of: try #require(reader.task.trainFile))
    func rows<Parser: RowParser>(_ parser: Parser) throws -> [Parser.Row] {
      var parser = parser
      var dataset = Dataset<Parser.Row>(path: path, examples: [])
      var pieces = try RowPieces(path: folder.path(path), format: layout.format, size: size)
      var rest: RowPiece?
      while let piece = try pieces.next(after: rest) { rest = try parser.read(piece, into: &dataset) }
      try parser.finish(&dataset)
      #expect(dataset.report.faults.isEmpty)
      return dataset.examples
    }
    switch try reader.readExamples(.train).examples {
    case .texts(let texts):
      let targets = try #require(reader.task.kind.family as? any TextFamily).targetReader(of: reader.task)
      #expect(try rows(TextRowParser(path: path, layout: layout, split: .train, targets: targets)) == texts)
    case .sentences(let sentences):
      let tags = TagLayout(
        input: reader.task.tagSet, output: reader.task.tagSet, values: [:], stripsSegmentDigits: false)
      #expect(try rows(SentenceParser(layout: layout, split: .train, tags: tags)) == sentences)
    case .questions(let questions):
      #expect(
        try rows(
          QuestionParser(
            path: path, layout: layout, split: .train, settings: reader.task.questions, stripsIDs: false))
          == questions)
    }
  }
}
