import ArgumentParser
import ModelFormats
import Tasks

/// `potstill bench`.
package struct BenchCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure speed and memory on this machine.",
    discussion: """
      Random weights in a well-known shape (\(BenchmarkShape.names)) unless a folder is given. --lengths takes a file of \
      token counts, one a line, so that another program can be fed the same batches.

        potstill bench train-step --shape minilm-l6 --batch 32 --length 128 --profile
        potstill bench infer --shape bert-base --lengths sst2-lengths.txt --json
      """,
    subcommands: [
      TrainStepBench.self, InferBench.self, DistillStepBench.self, TokenizeBench.self,
    ])

  package init() {}
}

extension Console {
  /// Prints a measurement.
  func result(_ report: BenchmarkReport, json: Bool) {
    if json { return result(JSONValue.object(report.json).prettyText) }
    result(TextTable(facts: report.facts))
    guard let shares = report.shares else { return }
    result(
      TextTable(
        [.text("thread time"), .number("ms a step"), .number("share")],
        shares.map { [$0.kind, $0.milliseconds, $0.share] }))
  }
}
