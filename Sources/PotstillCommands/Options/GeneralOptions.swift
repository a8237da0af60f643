import ArgumentParser
import Kernels

/// What every command understands.
package struct GeneralOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Processors to use (default: all that the system grants).", valueName: "n"))
  package var threads: Int?

  @Flag(name: .shortAndLong, help: "No progress and no messages; errors and results only.")
  package var quiet = false

  @Flag(
    name: .customLong("allow-nonfinite"),
    help: "Use models and teachers whose weights hold NaN or infinite values, and only warn of them.")
  package var allowNonfinite = false

  package init() {}

  package mutating func validate() throws {
    try CountOption.check(threads, "--threads", 1...Parallel.maximumThreadCount)
  }

  /// Makes the console and the engine behave as asked, and loads the matrix library unless there is nothing to compute.
  package func apply(to console: Console, computes: Bool = true) throws {
    console.isQuiet = quiet
    console.allowsNonFinite = allowNonfinite
    let most = Parallel.maximumThreadCount
    if let text = console.environment["POTSTILL_NUM_THREADS"], !(1...most).contains(Int(text) ?? 0) {
      throw CommandError(
        "POTSTILL_NUM_THREADS is \"\(text)\"; expected a whole number from 1 to \(most), or unset it")
    }
    if let threads { Parallel.threadCount = threads }
    if computes { _ = try BLAS.load() }
  }
}
