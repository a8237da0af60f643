import Foundation
import TestSupport
import Testing

/// Training rows that stay in files, through the commands: every result equals that of rows in memory to the bit.
@Suite struct StoredRowsJourneyTests {
  let world: TinyWorld

  init() throws { world = try TinyWorld() }

  private func data(_ name: String) throws -> Data { try Data(contentsOf: URL(filePath: world.path(name))) }

  private func run(_ arguments: [String], to output: String) -> ToolRun {
    potstill(
      arguments + [
        "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--output", world.path(output),
      ])
  }

  private var stored: [String] { ["--tokenized-dir", world.path("tokens")] }

  @Test func aStudentIsTheSame() throws {
    try FixedThreads.run {
      let arguments = [
        "distill", "--teacher", world.path("base"), "--student", "T1", "--match", "uniform",
        "--hard-label-weight", "1", "--unlabelled-file", world.path("data/more.tsv"), "--num-train-epochs",
        "3",
        "--learning-rate", "1e-3", "--baseline",
      ]
      let inMemory = run(arguments, to: "memory")
      try #require(inMemory.code == 0, "\(inMemory.messages)")
      let first = run(arguments + stored, to: "stored")
      try #require(first.code == 0, "\(first.messages)")
      #expect(first.messages.contains("tokenized into \(world.path("tokens"))"))
      let second = run(arguments + stored, to: "again")
      try #require(second.code == 0, "\(second.messages)")
      #expect(second.messages.contains("tokenized before"))
      for file in ["model.safetensors", "baseline/model.safetensors", "eval_predictions.tsv"] {
        let expected = try data("memory/\(file)")
        #expect(try data("stored/\(file)") == expected, "\(file)")
        #expect(try data("again/\(file)") == expected, "\(file)")
      }
      #expect(try world.text("stored/recipe.yaml").contains("tokenized_dir: \(world.path("tokens"))"))
    }
  }

  @Test func aTrainedModelAndACacheAreTheSame() throws {
    try FixedThreads.run {
      let train = ["train", "--model", world.path("base"), "--num-train-epochs", "2"]
      let cache = ["cache", "--teacher", world.path("base"), "--hidden-states", "1"]
      for (name, options) in [("memory", []), ("stored", stored)] {
        for (part, arguments) in [("train", train), ("cache", cache)] {
          let done = run(arguments + options, to: "\(name)-\(part)")
          try #require(done.code == 0, "\(done.messages)")
        }
      }
      #expect(try data("memory-train/model.safetensors") == data("stored-train/model.safetensors"))
      #expect(try data("memory-cache/teacher.cache") == data("stored-cache/teacher.cache"))
    }
  }

  @Test func compressedRowsAreTheSame() throws {
    try FixedThreads.run {
      let plain = run(["train", "--model", world.path("base"), "--num-train-epochs", "1"], to: "plain")
      try #require(plain.code == 0, "\(plain.messages)")
      // A stored block of gzip holds the bytes as they are, so that the test needs no program to compress.
      let rows = Array(try data("data/train.tsv"))
      try Data(Self.gzip(rows)).write(to: URL(filePath: world.path("data/train.tsv.gz")))
      let options = ["--train-file", world.path("data/train.tsv.gz")]
      for (name, more) in [("compressed", []), ("compressed-stored", stored)] {
        let done = run(
          ["train", "--model", world.path("base"), "--num-train-epochs", "1"] + options + more, to: name)
        try #require(done.code == 0, "\(done.messages)")
        #expect(try data("\(name)/model.safetensors") == data("plain/model.safetensors"), "\(name)")
      }
      try Data(Self.gzip(rows).dropLast(12)).write(to: URL(filePath: world.path("data/train.tsv.gz")))
      for more in [[], stored] {
        let cut = run(["train", "--model", world.path("base")] + options + more, to: "cut")
        #expect(cut.code != 0)
        #expect(cut.messages.contains("train.tsv.gz") && cut.messages.contains("at byte"), "\(cut.messages)")
      }
    }
  }

  @Test func whatNeedsAllRowsRefusesTheFolder() {
    let augmented = run(
      ["distill", "--teacher", world.path("base"), "--student", "T1", "--augment", "standard"] + stored,
      to: "augmented")
    #expect(augmented.code != 0)
    #expect(augmented.messages.contains("stay in memory"), "\(augmented.messages)")
  }

  /// A gzip file of one stored block.
  private static func gzip(_ bytes: [UInt8]) -> [UInt8] {
    precondition(bytes.count < 65_536, "A stored block holds 65535 bytes.")
    var sum: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
    }
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
    let length = UInt32(bytes.count)
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1] + word(length | ~length << 16) + bytes + word(~sum)
      + word(length)
  }
}
