import ArgumentParser
import Cluster
import Distillation
import Kernels
import Tasks
import Terminal

/// Options of every command.
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

  /// Applies the options to console and engine, and loads the matrix library unless there is nothing to compute.
  package func apply(to console: Console, computes: Bool = true) throws {
    console.isQuiet = quiet
    console.allowsNonFinite = allowNonfinite
    let most = Parallel.maximumThreadCount
    if let text = console.environment["POTSTILL_NUM_THREADS"], !(1...most).contains(Int(text) ?? 0) {
      throw CommandError(
        "POTSTILL_NUM_THREADS is \"\(text)\"; expected a whole number from 1 to \(most), or unset it")
    }
    if let name = console.environment[Int8Kernel.variable], let fault = Int8Kernel.fault(ofName: name) {
      throw CommandError(fault)
    }
    if let threads { Parallel.threadCount = threads }
    if let remark = Ranks.remark {
      console.note(remark.text)
      if let warning = remark.warning { console.warn(warning) }
    }
    if computes { _ = try BLAS.load() }
  }
}

/// Options of a run's output folder.
package struct OutputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The run folder: checkpoint, results, metrics and the recipe go there. Made when it does not exist.",
      valueName: "folder"), completion: .directory)
  package var output: String?

  @Flag(help: "Write into a folder that holds files already; a run that is resumed there may without it.")
  package var overwriteOutputDir = false

  package init() {}

  /// Sets a job's output folder, the checkpoint that it goes on from, and its limits of rows.
  package func apply(to job: inout DistillationJob, _ training: TrainingOptions) throws {
    (job.output, job.overwritesOutput, job.resumption) = (output, overwriteOutputDir, training.resumption)
    (job.maxTrainSamples, job.maxEvalSamples) = (training.maxTrainSamples, training.maxEvalSamples)
  }
}

/// Option of the place of training rows that are larger than memory.
package struct RowStorageOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Keep training rows here, tokenized once, and not in memory (default: for files over 256 MB, ~/.cache/potstill/tokenized).",
      valueName: "folder"), completion: .directory)
  package var tokenizedDir: String?

  package init() {}

  /// The storage that the option describes.
  package var storage: RowStorage { RowStorage(folder: tokenizedDir) }
}

/// Option of a run that is planned, not made.
package struct DryRunOption: ParsableArguments {
  @Flag(help: "Check everything, print the plan (sizes, matched layers, steps, memory) and stop.")
  package var dryRun = false

  package init() {}
}

/// Option of the student that learns without a teacher, for comparison.
package struct BaselineOption: ParsableArguments {
  @Flag(
    help:
      "Train the same student on the labels alone too, with the same settings and seed, into baseline/ of the run folder."
  )
  package var baseline = false

  package init() {}
}

/// Options of the disk that a teacher's cached answers may take.
package struct CachingOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The most that kept answers may take on disk, in GB (default: half of what is free).", valueName: "gb"))
  package var maxCacheGb: Double?

  package init() {}

  package mutating func validate() throws {
    if let maxCacheGb, !(maxCacheGb > 0 && maxCacheGb < 1e9) {
      throw ValidationError("--max-cache-gb is \(maxCacheGb); expected more than 0 and less than 1000000000.")
    }
  }
}
