import ArgumentParser
import Distillation

/// Where a run writes.
package struct OutputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The run folder: checkpoint, results, metrics and the recipe go there. Made when it does not exist.",
      valueName: "folder"))
  package var output: String?

  @Flag(help: "Write into a folder that holds files already; a run that is resumed there may without it.")
  package var overwriteOutputDir = false

  package init() {}

  /// Says where a job writes, from where it goes on, and how many rows it reads.
  func apply(to job: inout DistillationJob, _ training: TrainingOptions) throws {
    (job.output, job.overwritesOutput, job.resumption) = (output, overwriteOutputDir, training.resumption)
    (job.maxTrainSamples, job.maxEvalSamples) = (training.maxTrainSamples, training.maxEvalSamples)
  }
}
