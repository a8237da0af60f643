import Datasets
import Foundation
import TestSupport
import Testing
import Tokenization

@Suite("Corpora on disk")
struct CorpusTests {
  private let folder: TemporaryFolder
  private let tokenizer = BertTokenizer(
    vocabulary: Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c", "d"]))

  init() throws {
    folder = try TemporaryFolder(["one.txt": "a b c\n\nd a\n", "two.txt": "c\nb b b b"])
    try FileManager.default.createDirectory(
      at: folder.url.appending(path: "tokenizer"), withIntermediateDirectories: true)
    try tokenizer.save(to: folder.url.appending(path: "tokenizer"))
  }

  private var file: URL { folder.url.appending(path: "train.tokens") }

  private func source(_ names: String..., maxLength: Int = 6) -> CorpusSource {
    CorpusSource(paths: names.map(folder.path), maxLength: maxLength)
  }

  /// Opens the corpus and says whether it was made anew.
  private func open(_ source: CorpusSource) throws -> (corpus: TokenizedCorpus, isNew: Bool) {
    var isNew = false
    let corpus = try TokenizedCorpus.open(
      file, of: source, tokenizer: tokenizer, directory: folder.url.appending(path: "tokenizer")
    ) { _, _ in isNew = true }
    return (corpus, isNew)
  }

  private func names() throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
  }

  @Test("files are laid end to end; what is read back is what was tokenized")
  func contents() throws {
    let (corpus, isNew) = try open(source("one.txt", "two.txt"))
    #expect(isNew)
    // [CLS] a b c [SEP] | [CLS] d a [SEP] | [CLS] c [SEP] | [CLS] b b b b [SEP], every six tokens
    let expected: [[Int32]] = [[2, 5, 6, 7, 3, 2], [8, 5, 3, 2, 7, 3], [2, 6, 6, 6, 6, 3]]
    #expect(try (0..<corpus.count).map { try corpus[$0].ids } == expected)
    #expect(corpus.lengths == [6, 6, 6] && corpus.tokenCount == 18)
    #expect(corpus.lineCount == 4 && corpus.skippedLineCount == 0)
    #expect(try corpus[1].segments == [0, 0, 0, 0, 0, 0] && corpus[1].target == .none)
  }

  @Test("line by line, and no more sequences than asked for")
  func lines() throws {
    var lines = source("one.txt", "two.txt", maxLength: 4)
    lines.isLineByLine = true
    lines.limit = 3
    let corpus = try open(lines).corpus
    #expect(try (0..<corpus.count).map { try corpus[$0].ids } == [[2, 5, 6, 3], [2, 8, 5, 3], [2, 7, 3]])
    #expect(corpus.lengths == [4, 4, 3])
  }

  @Test("a corpus larger than the writer's buffer is whole")
  func large() throws {
    let line = Array(repeating: "a b c d", count: 50).joined(separator: " ")
    try folder.write(Array(Array(repeating: line, count: 1000).joined(separator: "\n").utf8), "long.txt")
    let corpus = try open(source("long.txt", maxLength: 101)).corpus
    #expect(corpus.tokenCount == 1000 * 202 && corpus.count == 2000)
    #expect(try (0..<corpus.count).allSatisfy { try corpus[$0].length == 101 })
    #expect(try corpus[1999].ids.last == 3 && corpus[1998].ids.first == 2)
  }

  @Test("a corpus is made again when text, settings or tokenizer change, and only then")
  func fingerprints() throws {
    #expect(try open(source("one.txt")).isNew)
    #expect(try !open(source("one.txt")).isNew)
    #expect(try open(source("one.txt", maxLength: 5)).isNew)
    #expect(try open(source("one.txt", "two.txt", maxLength: 5)).isNew)
    try folder.write(Array("a b c\n\nd a b\n".utf8), "one.txt")
    let (corpus, isNew) = try open(source("one.txt", "two.txt", maxLength: 5))
    #expect(isNew && corpus.tokenCount == 19)
    let other = BertTokenizer(vocabulary: Vocabulary(tokenizer.vocabulary.tokens + ["e"]))
    try other.save(to: folder.url.appending(path: "tokenizer"))
    #expect(try open(source("one.txt", "two.txt", maxLength: 5)).isNew)
  }

  @Test("what a killed process left is removed; a damaged file is made again")
  func leftovers() throws {
    try folder.write([1, 2, 3], ".train.tokens.123-456.tmp")
    let whole = try open(source("one.txt")).corpus
    #expect(try names() == ["one.txt", "tokenizer", "train.tokens", "two.txt"])
    let bytes = [UInt8](try Data(contentsOf: file))
    for length in [0, 7, 40, bytes.count - 1, bytes.count - 8] {
      try folder.write(Array(bytes.prefix(length)), "train.tokens")
      let error = try #require(throws: DatasetError.self) { try TokenizedCorpus(contentsOf: file) }
      #expect(error.description.contains("train.tokens"))
    }
    // The footer is right, but the middle is gone.
    try folder.write(Array(bytes.prefix(8) + bytes.suffix(48)), "train.tokens")
    #expect(throws: DatasetError.self) { try TokenizedCorpus(contentsOf: file) }
    // Sequences that end before they begin, and ids that the tokenizer does not have.
    var changed = bytes
    changed[bytes.count - 41] = 0x80
    try folder.write(changed, "train.tokens")
    #expect(throws: DatasetError.self) { try TokenizedCorpus(contentsOf: file) }
    changed = bytes
    changed[bytes.count - 49] = 0x80
    try folder.write(changed, "train.tokens")
    #expect(throws: DatasetError.self) { try TokenizedCorpus(contentsOf: file) }
    changed = bytes
    changed[9] = 1
    try folder.write(changed, "train.tokens")
    let strange = try open(source("one.txt")).corpus
    let fault = #expect(throws: DatasetError.self) { try strange[0] }
    #expect(fault?.description.contains("sequence 1 has the id 258, expected one from 0 to 8") == true)
    try FileManager.default.removeItem(at: file)
    let (again, isNew) = try open(source("one.txt"))
    #expect(isNew && again.fingerprint == whole.fingerprint && again.count == whole.count)
  }

  @Test("a run that fails leaves nothing half-written and the old corpus as it was")
  func failures() throws {
    try folder.write(Array("a b\nc ".utf8) + [0xFF] + Array("\nd\n".utf8), "bad.txt")
    let error = try #require(throws: DatasetError.self) { try open(source("one.txt", "bad.txt")) }
    guard case .badRows(let path, let report) = error else {
      Issue.record("found \(error)")
      return
    }
    #expect(path == folder.path("bad.txt") && report.faults.map(\.line) == [2])
    #expect(try names() == ["bad.txt", "one.txt", "tokenizer", "two.txt"])
    var skipping = source("one.txt", "bad.txt")
    skipping.badRows = .skip
    let corpus = try open(skipping).corpus
    #expect(corpus.lineCount == 5 && corpus.skippedLineCount == 1)
    let before = try Data(contentsOf: file)
    #expect(throws: DatasetError.self) { try open(source("one.txt", "bad.txt")) }
    #expect(throws: DatasetError.self) { try open(source("one.txt", "none.txt")) }
    #expect(throws: TokenizerError.self) { try open(source("one.txt", maxLength: 2)) }
    #expect(try Data(contentsOf: file) == before)
    try folder.write(Array("\n \n".utf8), "blank.txt")
    #expect(throws: DatasetError.emptyFile(path: folder.path("blank.txt"))) { try open(source("blank.txt")) }
    #expect(try !names().contains { $0.hasSuffix(".tmp") })
  }
}
