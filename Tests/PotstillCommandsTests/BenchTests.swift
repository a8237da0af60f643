import Foundation
import ModelFormats
import PotstillCommands
import Testing

/// `potstill bench` measures what it says; how fast is nobody's business here.
@Suite(.serialized) struct BenchTests {
  let world: TinyWorld

  init() throws { world = try TinyWorld() }

  private func report(_ arguments: [String]) throws -> JSONObject {
    let run = potstill(["bench"] + arguments + ["--json"])
    #expect(run.code == 0, "\(run.messages)")
    return try #require(try JSONValue(parsing: Array(run.output.utf8)).objectValue)
  }

  @Test(arguments: ["train-step", "infer"])
  func stepsOfADirectory(_ work: String) throws {
    try Data("5\n7\n2\n9\n".utf8).write(to: world.folder.appending(path: "lengths.txt"))
    let report = try report([
      work, "--shape", world.path("base"), "--batch", "2", "--lengths", world.path("lengths.txt"),
    ])
    #expect(report["work"]?.stringValue == work)
    #expect(report["steps"]?.intValue == 2)
    #expect(report["batch"]?.intValue == 2)
    // 23 tokens in two steps: the rate times the mean time is 11.5, but for the rounding of a tiny model's times.
    let rate = try #require(report["tokens_per_second"]?.doubleValue)
    let mean = try #require(report["ms_mean"]?.doubleValue)
    #expect(abs(rate * mean / 1000 / 11.5 - 1) < 0.1)
    let least = try #require(report["ms_min"]?.doubleValue)
    let most = try #require(report["ms_max"]?.doubleValue)
    let median = try #require(report["ms_median"]?.doubleValue)
    #expect(0 < least && least <= median && median <= most)
    #expect(try #require(report["useful_gflops"]?.doubleValue) > 0)
    #expect(try #require(report["peak_rss_mb"]?.doubleValue) > 1)
  }

  @Test func aWarmStepAllocatesNothing() throws {
    let training = try report([
      "train-step", "--shape", world.path("base"), "--batch", "8", "--length", "20", "--warmup", "4",
    ])
    #expect(training["allocations_last_step"]?.intValue == 0)
  }

  @Test func aDistillationStepAndItsProfile() throws {
    let report = try report([
      "distill-step", "--teacher", world.path("base"), "--shape", world.path("base"), "--match", "none",
      "--batch", "2", "--length", "8", "--steps", "3", "--profile",
    ])
    #expect(report["steps"]?.intValue == 3)
    let profile = try #require(report["profile_thread_ms"]?.objectValue)
    #expect(profile.keys.contains("matrix products") && profile.keys.contains("serial and idle"))
    #expect(try #require(profile["matrix products"]?.doubleValue) > 0)
    #expect(try #require(profile["optimizer"]?.doubleValue) > 0)
  }

  /// The teacher alone is of integers: a quarter of its matrices' bytes, the same answers nearly everywhere.
  @Test(arguments: [[], ["--cached"]])
  func aDistillationStepWithATeacherOfIntegers(_ more: [String]) throws {
    let report = try report(
      [
        "distill-step", "--teacher", world.path("base"), "--shape", world.path("base"), "--match", "none",
        "--batch", "2", "--length", "8", "--steps", "3", "--precision", "int8",
      ] + more)
    let comparison = try #require(report["int8"]?.objectValue)
    let (small, whole) = (
      try #require(comparison["weight_bytes"]?.intValue),
      try #require(comparison["fp32_weight_bytes"]?.intValue)
    )
    #expect(small < whole / 2)
    #expect(try #require(comparison["fp32_ms_median"]?.doubleValue) > 0)
    let difference = try #require(comparison["difference_in_deviations"]?.doubleValue)
    #expect(difference > 0 && difference < 0.5)
  }

  @Test func tokenizing() throws {
    let report = try report([
      "tokenize", "--model", world.path("base"), "--input", world.path("data/dev.tsv"),
    ])
    let lines = try world.text("data/dev.tsv").split(separator: "\n")
    #expect(report["lines"]?.intValue == lines.count)
    #expect(try #require(report["tokens"]?.intValue) > 2 * lines.count)
    #expect(try #require(report["mb_per_second"]?.doubleValue) > 0)
  }

  @Test func senselessArguments() throws {
    #expect(potstill(["bench", "infer", "--length", "0"]).code == 64)
    #expect(potstill(["bench", "infer", "--length", "8", "--lengths", "x"]).code == 64)
    let unknown = potstill(["bench", "infer", "--shape", "bert-huge"])
    #expect(unknown.code == 1 && unknown.messages.contains("neither a shape nor a folder"))
    let long = potstill(["bench", "infer", "--shape", world.path("base"), "--length", "33"])
    #expect(long.code == 1 && long.messages.contains("33 tokens is longer than the model's 32 positions"))
  }
}
