import ArgumentParser
import CommandOptions
import ModelFormats
import Tasks
import Terminal

/// Options of a measurement's batches and of its report.
struct BenchOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Sequences in a batch.", valueName: "n"))
  var batch = 32

  @Option(help: ArgumentHelp("Tokens of every sequence (default: 128).", valueName: "n"))
  var length: Int?

  @Option(
    help: ArgumentHelp(
      "One number of tokens a line, taken in order, begun again at the end; instead of --length.",
      valueName: "file"), completion: .file())
  var lengths: String?

  @Option(
    help: ArgumentHelp(
      "Measured steps (default: 10, or once through --lengths).", valueName: "n"))
  var steps: Int?

  @Option(help: ArgumentHelp("Steps before the clock starts.", valueName: "n"))
  var warmup = 2

  @Flag(help: "Say what the threads spend their time on.")
  var profile = false

  @Flag(help: "Print one JSON object.")
  var json = false

  @OptionGroup
  var general: GeneralOptions

  mutating func validate() throws {
    if length != nil && lengths != nil {
      throw ValidationError("--length and --lengths exclude each other; give one.")
    }
    try CountOption.check(batch, "--batch", 1...Self.most)
    try CountOption.check(length, "--length", 1...Self.most)
    try CountOption.check(steps, "--steps", 1...Self.most)
    try CountOption.check(warmup, "--warmup", 0...Self.most)
  }

  /// The largest value of an option.
  private static let most = 1_000_000
  /// The most tokens of all batches, which are made before the clock starts.
  private static let mostTokens = 100_000_000

  /// The lengths of the sequences of each batch, the warm-up's first.
  func batches(longest: Int) throws -> [[Int]] {
    let pattern =
      try lengths.map { try BenchmarkSteps.lengths(contentsOf: $0) }
      ?? [Int](repeating: length ?? 128, count: batch)
    if let lengths, let place = pattern.firstIndex(where: { $0 > longest }) {
      throw CommandError(
        "\(lengths):\(place + 1): found \(pattern[place]) tokens, expected at most the model's \(longest) positions"
      )
    }
    let batches = (steps ?? (lengths == nil ? 10 : max(1, pattern.count / batch))) + warmup
    let tokens = Double(batches) * Double(batch) * Double(pattern.max() ?? 1)
    guard tokens <= Double(Self.mostTokens) else {
      throw CommandError(
        "--steps and --warmup ask for \(batches) batches of \(batch) sequences with up to \(pattern.max() ?? 1) tokens, "
          + "which are more than \(Self.mostTokens) tokens together; ask for fewer steps or a smaller --batch"
      )
    }
    if let tooLong = pattern.first(where: { $0 > longest }) {
      throw CommandError("a sequence of \(tooLong) tokens is longer than the model's \(longest) positions")
    }
    let count = steps ?? (lengths == nil ? 10 : max(1, pattern.count / batch))
    // The warm-up takes the first batches, which then come again.
    return (Array(0..<warmup) + Array(0..<count)).map { index in
      (0..<batch).map { pattern[(index * batch + $0) % pattern.count] }
    }
  }
}

/// Command `potstill bench`.
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
