import Foundation
import Testing

/// Runs on a disk that fails: whichever call that makes, writes, syncs or renames a file fails, nothing is lost.
///
/// `make faults` does the same to every kind of run, with kills, small disks and more.
@Suite(.serialized) struct WriteErrorTests {
  private let world: ExtremesWorld
  private let tool: ToolProcess
  private let library: String

  init() throws {
    world = try ExtremesWorld()
    tool = try #require(ToolProcess(), "the program potstill is not beside the tests; build it first")
    library = world.path("faults.so")
    try #require(
      try Self.compile(to: library), "no C compiler was found; Swift's own clang should be on the path")
  }

  /// Compiles the library that lets calls fail.
  private static func compile(to library: String) throws -> Bool {
    let source = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../Faults/faults.c").standardizedFileURL.path
    for compiler in ["clang", "cc", "gcc"] {
      let process = Process()
      process.executableURL = URL(filePath: "/usr/bin/env")
      process.arguments = [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"]
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      if process.terminationStatus == 0 { return true }
    }
    return false
  }

  private func arguments(_ kind: String, _ output: String) -> [String] {
    let task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    let steps = [
      "--max-steps", "2", "--save-strategy", "steps", "--save-steps", "1", "--save-total-limit", "1",
    ]
    let common = ["--output", output, "--threads", "1", "--quiet"]
    switch kind {
    case "train": return ["train", "--model", world.path("base")] + task + steps + common
    case "distill":
      return ["distill", "--teacher", world.path("base"), "--student", "T1", "--match", "uniform"]
        + ["--cache-teacher-logits"] + task + steps + common
    case "cache": return ["cache", "--teacher", world.path("base"), "--hidden-states", "0"] + task + common
    default:
      return ["pretrain", "--model", world.path("mlm"), "--input", world.path("text.txt")]
        + ["--max-seq-length", "16"] + steps + common
    }
  }

  /// The files that a run leaves, but those that hold times or the folder's name.
  private func files(_ folder: String) -> [String: Data] {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    let kept = names.filter { name in
      let last = URL(filePath: name).lastPathComponent
      return last.hasSuffix(".safetensors") || last.hasSuffix(".cache") || last == "config.json"
        || last == "tokenizer.json" || last.hasPrefix(".") || last.hasSuffix(".partial")
    }
    return Dictionary(
      uniqueKeysWithValues: kept.map {
        ($0, FileManager.default.contents(atPath: folder + "/" + $0) ?? Data())
      })
  }

  @Test(
    "a disk that fills up at any moment loses nothing",
    arguments: ["train", "distill", "cache", "pretrain"])
  func fillsUp(kind: String) throws {
    let whole = world.path("runs/whole")
    let counted = world.path("calls")
    // What a run says goes elsewhere, and is never lost.
    let runs = world.path("runs")
    try FileManager.default.createDirectory(atPath: runs, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: runs) }
    let undisturbed = tool.run(
      arguments(kind, whole), scratch: world.scratch,
      environment: ["LD_PRELOAD": library, "FAULT_FOLDER": runs, "FAULT_COUNT": counted])
    try #require(undisturbed.code == 0, "\(undisturbed.summary)")
    let calls = try #require(
      Int(String(contentsOfFile: counted, encoding: .utf8).trimmingCharacters(in: .newlines)))
    // Each call is seen: a run makes, writes, syncs and renames at least its model and its tokenizer.
    #expect(calls > 20)
    let expected = files(whole)
    #expect(!expected.isEmpty && !expected.keys.contains { $0.hasPrefix(".") || $0.hasSuffix(".partial") })
    let moments = Array(stride(from: 1, through: calls, by: max(1, calls / 15)))
    var refused = 0
    for (index, moment) in moments.enumerated() {
      let output = world.path("runs/\(kind)-\(index)")
      let mode = ["from", "once", "short"][index % 3]
      let failed = tool.run(
        arguments(kind, output), scratch: world.scratch,
        environment: [
          "LD_PRELOAD": library, "FAULT_FOLDER": runs, "FAULT_AT": "\(moment)",
          "FAULT_MODE": mode,
        ])
      let what = "\(kind), call \(moment), \(mode)"
      #expect(failed.signal == nil, "\(what): \(failed.summary)")
      if failed.code != 0 {
        refused += 1
        #expect(
          failed.messages.contains("No space left on device") && failed.messages.contains(runs),
          "\(what): \(failed.summary)")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: output)) ?? []
        let hasCheckpoint = names.contains { $0.hasPrefix("checkpoint-") }
        let more =
          kind == "cache"
          ? [] : hasCheckpoint ? ["--resume-from-checkpoint", "last"] : ["--overwrite-output-dir"]
        let again = tool.run(arguments(kind, output) + more, scratch: world.scratch)
        #expect(again.code == 0, "\(what): \(again.summary)")
      }
      let found = files(output)
      let differing = Set(expected.keys).union(found.keys).filter { expected[$0] != found[$0] }
      #expect(differing.isEmpty, "\(what): \(differing.sorted())")
      try? FileManager.default.removeItem(atPath: output)
    }
    #expect(refused > moments.count / 2)
  }
}
