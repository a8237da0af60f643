import Datasets
import Foundation
import ModelFormats
import TestSupport
import Testing

/// Files of tokenized rows: what went in comes out, in any order, and what is damaged is said to be.
@Suite struct RowShardTests {
  private static let examples: [EncodedExample] = {
    var examples: [EncodedExample] = []
    let targets: [ExampleTarget] = [
      .none, .label(3), .value(-0.1), .labels([true, false, true]), .tags([0, -100, 2, 1]),
      .span(start: 1, end: 3),
    ]
    for index in 0..<5000 {
      let target = targets[index % targets.count]
      let length = if case .tags = target { 4 } else { index % 7 + 1 }
      let ids = (0..<length).map { Int32(($0 * 31 + index) % 1000) }
      examples.append(
        EncodedExample(
          ids: ids, segments: ids.indices.map { $0 < 2 ? 0 : index % 2 == 0 ? 1 : 0 }, target: target))
    }
    let (first, second) = (examples[1], examples[2])
    examples.append(EncodedExample(first: first, second: second, target: .value(1)))
    return examples
  }()

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ examples: [EncodedExample], _ name: String, key: UInt64 = 7) throws -> URL {
    let url = folder.url.appending(path: name)
    var writer = try RowShardWriter(url)
    for example in examples {
      try writer.add(example, length: example.length, hasTarget: example.target != .none)
    }
    try writer.commit(key: key, note: ["rows": .integer(examples.count)])
    return url
  }

  @Test func rowsComeBackInAnyOrder() throws {
    let all = Self.examples
    let url = try write(all, "a.rows")
    let shard = try #require(RowShard(url, key: 7, idLimit: 1000))
    #expect(shard.note["rows"]?.intValue == all.count)
    let stored = EncodedExamples([shard])
    #expect(stored.count == all.count && stored.lengths == all.map(\.length))
    #expect(Array(stored) == all)
    for index in [0, all.count - 1, 17, 4096, 4095, 2] { #expect(stored[index] == all[index]) }
    #expect(stored.targetCount == all.count { $0.target != .none })
    #expect(Array(stored.withTarget) == all.filter { $0.target != .none })
    #expect(stored.withTarget[100] == all.filter { $0.target != .none }[100])
    try stored.check()
    let indices = [5, 3, 4999, 3]
    #expect(try stored.batch(at: indices) == Batch(all, at: indices))
    let changed = stored.changingTargets { if case .label = $0 { .label(9) } else { $0 } }
    #expect(changed[1].label == 9 && changed[2] == all[2])
    #expect(changed.withTarget[0].label == 9)
  }

  @Test func filesFollowOneAnother() throws {
    let (first, second) = (Array(Self.examples.prefix(4099)), Array(Self.examples.suffix(900)))
    let shards = [
      try #require(RowShard(try write(first, "a.rows"), key: 7, idLimit: 1000)),
      try #require(RowShard(try write(second, "b.rows"), key: 7, idLimit: 1000)),
    ]
    let stored = EncodedExamples(shards)
    #expect(Array(stored) == first + second)
    #expect(stored.lengths == (first + second).map(\.length))
    #expect(stored[4098] == first[4098] && stored[4099] == second[0])
    #expect(Array(EncodedExamples(shards, limit: 4200)) == first + second.prefix(101))
  }

  @Test func filesOfSomethingElseAreNotTaken() throws {
    let url = try write(Self.examples, "a.rows")
    #expect(RowShard(url, key: 8, idLimit: 1000) == nil)
    #expect(RowShard(folder.url.appending(path: "none.rows"), key: 7, idLimit: 1000) == nil)
    let bytes = Array(try Data(contentsOf: url))
    for count in [0, 7, 48, 1000, bytes.count - 1] {
      let cut = URL(filePath: try folder.write(Array(bytes.prefix(count)), "cut.rows"))
      #expect(RowShard(cut, key: 7, idLimit: 1000) == nil)
    }
    // A writer that does not commit leaves nothing, under no name.
    var writer: RowShardWriter? = try RowShardWriter(folder.url.appending(path: "left.rows"))
    try writer?.add(Self.examples[0], length: 1, hasTarget: false)
    writer = nil
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["a.rows", "cut.rows"])
  }

  /// Every byte of the records turned over in turn: what is read is an example of known tokens, or an error that names the file.
  @Test func damageIsNoCrash() throws {
    let some = Array(Self.examples.suffix(40))
    let url = try write(some, "a.rows")
    let bytes = Array(try Data(contentsOf: url))
    var failures = 0
    for place in 8..<min(bytes.count - 40, 1500) {
      var damaged = bytes
      damaged[place] ^= 0x91
      let url = URL(filePath: try folder.write(damaged, "d.rows"))
      guard let shard = RowShard(url, key: 7, idLimit: 1000) else { continue }
      let stored = EncodedExamples([shard])
      for example in stored { #expect(example.ids.allSatisfy { $0 >= 0 && $0 < 1000 }) }
      do throws(DatasetError) { try stored.check() } catch {
        failures += 1
        #expect("\(error)".contains("d.rows"))
      }
    }
    #expect(failures > 100)
  }

  @Test func aFileThatIsCutOffWhileItIsOpenIsAnError() throws {
    let url = try write(Self.examples, "a.rows")
    let stored = EncodedExamples([try #require(RowShard(url, key: 7, idLimit: 1000))])
    #expect(truncate(url.path, 100) == 0)
    let error = #expect(throws: DatasetError.self) { try stored.batch(at: [3000]) }
    #expect("\(try #require(error))".contains("has become shorter"))
  }
}
