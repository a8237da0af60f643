import Foundation
import Testing

/// Signals to a run, as a terminal, a scheduler or a closed session sends them.
@Suite(.serialized) struct SignalTests {
  private let world: TinyWorld
  private let tool: ToolProcess

  init() throws {
    // Wide, so that a step takes longer than the time between two signals.
    world = try TinyWorld(hidden: 512)
    tool = try #require(ToolProcess(), "the program potstill is not beside the tests; build it first")
  }

  /// Trains far longer than the test waits, and sends signals after the first logged step.
  private func train(_ output: String, signals: [String], more: [String] = []) -> ChildRun {
    let metrics = world.path(output + "/metrics.jsonl")
    let kills = signals.map { "kill -\($0) $$" }.joined(separator: "; ")
    return tool.run(
      [
        "train", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--model",
        world.path("base"),
        "--output", world.path(output), "--max-steps", "1000000", "--logging-steps", "1", "--eval-strategy",
        "no", "--threads", "1",
      ] + more, scratch: world.folder,
      // The shell's number is the program's, which takes its place.
      limits: "(until [ -s \(metrics) ]; do sleep 0.02; done; \(kills)) & true")
  }

  @Test(
    "one signal saves the run and says how to go on", arguments: [("INT", 130), ("TERM", 143), ("HUP", 129)])
  func saves(signal: String, code: Int) throws {
    let run = train("run", signals: [signal])
    #expect(run.code == Int32(code), "\(run.summary)")
    #expect(run.messages.contains("--resume-from-checkpoint last"), "\(run.messages)")
    let names = try FileManager.default.contentsOfDirectory(atPath: world.path("run"))
    #expect(
      names.count { $0.hasPrefix("checkpoint-") } == 1 && !names.contains { $0.hasPrefix(".") }, "\(names)")
    // Its lines say when the resumed run has begun.
    try FileManager.default.removeItem(atPath: world.path("run/metrics.jsonl"))
    let again = train("run", signals: [signal], more: ["--resume-from-checkpoint", "last"])
    #expect(again.code == Int32(code) && again.messages.contains("resuming from"), "\(again.summary)")
  }

  @Test("a second signal ends the run at once, and others end it as they do any program")
  func ends() {
    for (signals, number) in [(["TERM", "INT"], SIGINT), (["QUIT"], SIGQUIT)] {
      let run = train(signals.joined(), signals: signals)
      #expect(run.signal == number, "\(run.summary)")
    }
  }
}
