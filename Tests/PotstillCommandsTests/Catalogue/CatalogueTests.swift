import Foundation
import FuzzTargets
import ModelFormats
import PotstillCommands
import Synchronization
import Testing

/// Every broken input of the catalogue is refused, and the message says what is wrong where and what to do.
///
/// The program runs as a process of its own, since a crash would end the tests.
@Suite(.serialized) struct CatalogueTests {
  /// The most processor time of a run, in seconds, and the most memory, in 2^20 bytes.
  private static let (seconds, memory) = (5.0, 512.0)

  @Test("each broken input is refused with its words", arguments: Catalogue.parts)
  func rows(_ part: String) throws {
    let rows = try Catalogue.rows(part)
    let world = try Self.world()
    let tool = try #require(ToolProcess(), "the program potstill is not beside the tests; build it first")
    let root = world.scratch.appending(path: "catalogue")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    let before = Self.contents(of: world.folder)
    let lines = try rows.enumerated().map { index, row in
      try row.lay(out: root.appending(path: "\(index)"), world: world.folder)
    }
    let runs = tool.runAll(lines.count, atOnce: 2, scratch: world.scratch) { lines[$0] }
    #expect(runs.count == rows.count)
    var report = ""
    for (row, run) in zip(rows, runs) {
      let faults = Self.faults(of: run, row)
      #expect(faults.isEmpty, "\(part), \(row.name): \(faults.joined(separator: "; "))\n\(run.summary)")
      let code = run.code.map { "\($0)" } ?? "signal"
      report += "\(part) | \(row.format ?? "options") | \(row.name) | \(code) | \(run.messages)\n"
    }
    if let file = ProcessInfo.processInfo.environment["POTSTILL_CATALOGUE_REPORT"] {
      try Data(report.utf8).write(to: URL(filePath: file + "-\(part).txt"))
    }
    // A broken input makes no file and changes none, in its own folder or beside it.
    #expect(Self.contents(of: world.folder) == before)
    #expect(!Self.contents(of: root).keys.contains { $0.hasSuffix("pwned") })
  }

  /// The world with a cache and a run that has a checkpoint.
  private static func world() throws -> ExtremesWorld {
    let world = try ExtremesWorld()
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    let model = world.path("base")
    let cache = potstill(["cache", "--teacher", model, "--output", world.path("cache")] + task)
    let run = potstill(
      ["train", "--model", model, "--output", world.path("run"), "--max-steps", "4"]
        + ["--save-strategy", "steps", "--save-steps", "2"] + task)
    try #require(cache.code == 0 && run.code == 0, "\(cache.messages)\n\(run.messages)")
    return world
  }

  private static func faults(of run: ChildRun, _ row: BrokenInput) -> [String] {
    var faults: [String] = []
    if run.code != row.code { faults.append("expected exit code \(row.code)") }
    for text in row.says where !run.messages.contains(text) { faults.append("expected \"\(text)\"") }
    if run.messages.utf8.count > 5000 { faults.append("expected a message of at most 5,000 bytes") }
    if run.messages.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" && $0 != "\t" }) {
      faults.append("expected no control characters")
    }
    if run.processorSeconds > seconds * ChildRun.sanitized {
      faults.append("took \(run.processorSeconds) s, at most \(seconds)")
    }
    if run.megabytes > memory * ChildRun.sanitized {
      faults.append("took \(run.megabytes) MB, at most \(memory)")
    }
    return faults
  }

  /// The size of each file in a folder, but for what runs write.
  private static func contents(of folder: URL) -> [String: Int] {
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    return Dictionary(
      uniqueKeysWithValues: names.filter { !$0.hasPrefix("scratch") }.map { name in
        let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appending(path: name).path)
        return (name, attributes?[.size] as? Int ?? -1)
      })
  }

  @Test("every format that is fuzzed has rows, and there are 250 in all")
  func nothingIsForgotten() throws {
    let rows = try Catalogue.parts.flatMap(Catalogue.rows)
    #expect(rows.count >= 250)
    let formats = Dictionary(grouping: rows.compactMap(\.format), by: \.self).mapValues(\.count)
    // A broken corpus of tokens is made again, so that nothing is said of it.
    for target in FuzzTarget.allCases where target != .tokenizedCorpus {
      #expect(
        formats[target.rawValue] ?? 0 >= 3, "the catalogue has too few broken files of \(target.rawValue)")
    }
    let known = Set(FuzzTarget.allCases.map(\.rawValue) + Self.readAlone)
    #expect(Set(formats.keys).subtracting(known).isEmpty)
    #expect(Set(rows.map(\.says)).count > rows.count * 9 / 10, "rows that say the same prove the same")
  }

  /// Formats that are part of another and have no target of their own, but rows.
  private static let readAlone = ["answers", "report", "folders", "lengths", "provenance"]
}
