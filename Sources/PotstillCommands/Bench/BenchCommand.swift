import ArgumentParser
import ModelFormats

/// `potstill bench`.
package struct BenchCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure speed and memory on this machine.",
    discussion: """
      Random weights in a well-known shape (\(BenchShape.names)) unless a folder is given. --lengths takes a file of \
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
  func result(_ report: BenchReport, json: Bool) {
    if json { return result(JSONValue.object(report.json).prettyText) }
    for table in report.tables { result(table) }
  }
}
