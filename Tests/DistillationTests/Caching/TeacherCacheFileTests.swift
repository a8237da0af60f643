import Datasets
import Distillation
import Encoders
import Foundation
import Tensors
import Testing
import Tokenization
import Training

/// Damage, strangers, crashes, and the limit of a cache's file.
@Suite struct TeacherCacheFileTests {
  private func bytes(_ url: URL) throws -> [UInt8] { Array(try Data(contentsOf: url)) }

  @Test func damageIsFound() throws {
    let world = try CacheWorld()
    try world.build(hidden: [1])
    let whole = try bytes(world.file)
    func opening(_ bytes: [UInt8]) throws -> String {
      try Data(bytes).write(to: world.file)
      return message { _ = try TeacherCacheFile(world.file) }
    }
    #expect(try opening(whole) == "")
    #expect(try opening(Array("no cache at all, only some text".utf8)).contains("is no teacher cache"))
    #expect(try opening([]).contains("is no teacher cache"))
    #expect(try opening(Array(whole.dropLast(8))).contains("bytes, expected"))
    #expect(try opening(Array(whole.prefix(40))).contains("is damaged"))
    #expect(try opening(whole + [0]).contains("bytes, expected"))
    var version = whole
    version[8] = 9
    #expect(try opening(version).contains("version 9"))
    // Anything in the description, the lengths or the numbers before them.
    for place in stride(from: 16, to: 700, by: 13) {
      var changed = whole
      changed[place] ^= 1
      #expect(try opening(changed) != "", "byte \(place)")
    }
    #expect(message { _ = try TeacherCacheFile(URL(filePath: "/nowhere/x")) }.contains("potstill cache"))
  }

  @Test func damagedRowsAreFoundWhenTheyAreRead() throws {
    let world = try CacheWorld()
    try world.build(hidden: [1])
    var changed = try bytes(world.file)
    changed[changed.count - 20] ^= 4
    try Data(changed).write(to: world.file)
    let cache = try TeacherCacheFile(world.file)
    let all = Batch(world.examples, at: Array(0..<29))
    _ = try cache.answers(to: all.indices, starts: all.tokens.starts)
    let last = Batch(world.examples, at: [29])
    #expect(
      message { _ = try cache.answers(to: [29], starts: last.tokens.starts) }.contains(
        "the answers to example 29"))
  }

  /// Cuts a file off after the first update.
  private final class Cutter: TrainingObserver {
    private let path: String
    init(_ path: String) { self.path = path }
    func stepDone(_ progress: TrainingProgress) throws { #expect(truncate(path, 64) == 0) }
  }

  @Test func aFileThatBecomesShorterUnderADistillationIsAnError() throws {
    let world = try CacheWorld()
    let cache = try world.build(hidden: [1])
    let config = DistillationConfig(matches: [.match(.init(teacherLayer: 1, studentLayer: 1, loss: .mmd))])
    let distiller = try GeneralDistiller(config, teacher: StoredTeacher(cache), student: world.student())
    let found = message {
      _ = try distiller.train(
        world.examples, config: CacheWorld.training(), observers: [Cutter(world.file.path)])
    }
    #expect(found.contains("teacher.cache") && found.contains("become shorter"), "\(found)")
    // The rows that have been compared with their checksum too.
    let batch = Batch(world.examples, at: [0])
    #expect(
      message { _ = try cache.answers(to: [0], starts: batch.tokens.starts) }.contains("become shorter"))
  }

  @Test func strangersAreRefusedByName() throws {
    let world = try CacheWorld()
    let cache = try world.build(hidden: [1])
    let parts = cache.description.parts
    let key = CacheKey(teacher: world.teacher, examples: world.examples)
    #expect(cache.faults(for: key, parts: parts).isEmpty)
    let other = try CacheWorld(teacherSeed: 4)
    #expect(
      cache.faults(for: CacheKey(teacher: other.teacher, examples: world.examples), parts: parts)[0].contains(
        "teacher"))
    #expect(
      cache.faults(
        for: CacheKey(teacher: world.teacher, examples: CacheWorld.examples(30, seed: 8)), parts: parts)[0]
        .contains("other texts"))
    #expect(
      cache.faults(for: key, parts: [.hidden(2, of: world.teacher.config)])
        == ["it lacks hidden states of layer 2; it has logits, hidden states of layer 1"])
    // All rows serve where the first are asked for, not the other way round.
    #expect(cache.faults(for: key, parts: [.hidden(1, of: world.teacher.config, firstRowOnly: true)]).isEmpty)

    let lines = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a"]
    let tokenizer = BertTokenizer(vocabulary: Vocabulary(lines))
    let description = TeacherCacheDescription(
      teacher: world.teacher, name: "t", tokenizer: tokenizer, examples: world.examples, parts: parts)
    let named = try TeacherCacheFile.build(
      world.folder.appending(path: "named"), description: description, examples: world.examples,
      teacher: world.teacher, budget: CacheBudget(bytes: 1 << 30))
    func fault(_ other: BertTokenizer) -> [String] {
      named.faults(
        for: CacheKey(teacher: world.teacher, tokenizer: other, examples: world.examples), parts: parts)
    }
    #expect(fault(tokenizer).isEmpty)
    #expect(fault(BertTokenizer(vocabulary: Vocabulary(lines + ["b"])))[0].contains("another tokenizer"))
    var cased = BertTokenizerOptions()
    cased.lowercase.toggle()
    #expect(
      fault(BertTokenizer(vocabulary: Vocabulary(lines), options: cased))[0].contains("another tokenizer"))

    // A distiller refuses them before its first step.
    let config = DistillationConfig(matches: [.match(.init(teacherLayer: 2, studentLayer: 1, loss: .mmd))])
    #expect(
      message { _ = try GeneralDistiller(config, teacher: StoredTeacher(cache), student: world.student()) }
        .contains(
          "layer 2"))
    let distiller = try GeneralDistiller(
      DistillationConfig(), teacher: StoredTeacher(cache), student: world.student())
    #expect(
      message { try distiller.train(CacheWorld.examples(30, seed: 8), config: CacheWorld.training()) }
        .contains("other texts"))
    let stranger = try GeneralDistiller(
      DistillationConfig(), teacher: other.teacher, student: world.student())
    #expect(message { try stranger.use(cache) }.contains("another teacher"))
  }

  private struct Crash: Error {}

  @Test func aCrashHalfWayLosesNothingThatWasWritten() throws {
    let world = try CacheWorld()
    let parts = CachedPart.logits(of: world.teacher.config) + [.hidden(1, of: world.teacher.config)]
    var asked: [Int] = []
    func build(stopAfter limit: Int? = nil) throws -> TeacherCacheFile {
      asked = []
      return try TeacherCacheFile.build(
        world.file, description: world.description(parts), examples: world.examples, teacher: world.teacher,
        budget: CacheBudget(bytes: 1 << 30), tokensPerBatch: 20,
        progress: {
          asked.append($0)
          if let limit, asked.count == limit { throw Crash() }
        })
    }
    #expect(throws: Crash.self) { try build(stopAfter: 4) }
    let written = asked[3]
    #expect(!FileManager.default.fileExists(atPath: world.file.path))
    #expect(FileManager.default.fileExists(atPath: world.partial.path))
    // Half-written rows, whose checksum is there or not, are asked for again.
    var bytes = try bytes(world.partial)
    let stop = bytes.lastIndex { $0 != 0 } ?? 0
    bytes[stop] ^= 1
    try Data(bytes).write(to: world.partial)
    let cache = try build()
    #expect(asked[0] > written - 1 && asked.last == 30)
    #expect(!FileManager.default.fileExists(atPath: world.partial.path))
    let fresh = try CacheWorld()
    let expected = try fresh.build(hidden: [1])
    let batch = Batch(world.examples, at: Array(0..<30))
    let (a, b) = (
      try cache.answers(to: batch.indices, starts: batch.tokens.starts),
      try expected.answers(to: batch.indices, starts: batch.tokens.starts)
    )
    for (x, y) in zip(a.logits[0].values, b.logits[0].values) { #expect(abs(x - y) < 1e-5) }
    let layer = { (answers: Answers) in try answers.value("encoder.layer.0").values }
    for (x, y) in zip(try layer(a), try layer(b)) { #expect(abs(x - y) < 2e-3) }
  }

  /// The lock is one of open files, so two builders of one process stand for two processes.
  @Test func onlyOneBuildsAFile() throws {
    let world = try CacheWorld()
    let description = world.description(CachedPart.logits(of: world.teacher.config))
    func build(_ progress: () throws -> Void) throws -> TeacherCacheFile {
      try TeacherCacheFile.build(
        world.file, description: description, examples: world.examples, teacher: world.teacher,
        budget: CacheBudget(bytes: 1 << 30), progress: { _ in try progress() })
    }
    var refusals: [String] = []
    let cache = try build { refusals.append(message { _ = try build {} }) }
    #expect(
      !refusals.isEmpty && refusals.allSatisfy { $0.contains("another process is building this cache") })
    #expect(cache.faults(for: CacheKey(teacher: world.teacher, examples: world.examples), parts: []).isEmpty)
  }

  @Test func aFileThatCannotBeWrittenIsNamed() throws {
    let world = try CacheWorld()
    let description = world.description(CachedPart.logits(of: world.teacher.config))
    func refusal(_ url: URL, beforeCommit: () throws -> Void = {}) -> String {
      message {
        _ = try TeacherCacheFile.build(
          url, description: description, examples: world.examples, teacher: world.teacher,
          budget: CacheBudget(bytes: 1 << 30), beforeCommit: beforeCommit)
      }
    }
    try FileManager.default.createDirectory(at: world.folder, withIntermediateDirectories: true)
    try Data().write(to: world.folder.appending(path: "file"))
    let inFile = world.folder.appending(path: "file/teacher.cache")
    #expect(refusal(inFile) == "\(inFile.path): cannot be made: Not a directory")
    let taken = refusal(world.file) {
      try FileManager.default.createDirectory(at: world.file, withIntermediateDirectories: true)
    }
    #expect(taken == "\(world.file.path): cannot be finished: Is a directory")
  }

  @Test func anUnfinishedFileOfAnotherCacheIsBegunAnew() throws {
    let world = try CacheWorld()
    let other = try CacheWorld(teacherSeed: 3)
    #expect(throws: Crash.self) {
      try TeacherCacheFile.build(
        world.file, description: other.description(CachedPart.logits(of: other.teacher.config)),
        examples: other.examples, teacher: other.teacher, budget: CacheBudget(bytes: 1 << 30),
        tokensPerBatch: 20, progress: { _ in throw Crash() })
    }
    let cache = try world.build()
    #expect(cache.faults(for: CacheKey(teacher: world.teacher, examples: world.examples), parts: []).isEmpty)
    // An unfinished file under the finished one's name is recognised too.
    var bytes = try bytes(world.file)
    let records = 30 * 16
    for place in bytes.count - records - 8..<bytes.count - records { bytes[place] = 0 }
    try Data(bytes).write(to: world.file)
    #expect(message { _ = try TeacherCacheFile(world.file) }.contains("lacks example 29"))
  }

  @Test func theLimitIsKeptBeforeTheTeacherRuns() throws {
    let world = try CacheWorld()
    let parts = CachedPart.logits(of: world.teacher.config) + [.hidden(1, of: world.teacher.config)]
    let description = world.description(parts)
    let tokens = world.examples.reduce(0) { $0 + $1.length }
    #expect(description.byteCount >= 30 * 12 + tokens * 24)
    let text = message {
      _ = try TeacherCacheFile.build(
        world.file, description: description, examples: world.examples, teacher: world.teacher,
        budget: CacheBudget(bytes: 1000), progress: { _ in Issue.record("the teacher ran") })
    }
    #expect(text.contains("would take") && text.contains("more than 1.0 kB"))
    #expect(text.contains("hidden states of layer 1") && text.contains("--max-cache-gb"))
    #expect(!FileManager.default.fileExists(atPath: world.partial.path))
    let file = try world.build(hidden: [1])
    let size = try FileManager.default.attributesOfItem(atPath: file.url.path)[.size] as? Int ?? 0
    #expect(size >= file.description.byteCount && size < file.description.byteCount + 4096)
    #expect(CacheBudget.halfOfFreeSpace(at: world.file).limit > 1_000_000)
  }
}
