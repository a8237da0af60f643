import ArgumentParser

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

  /// The run folder at a path, which may hold files when the options say so or the run goes on in it.
  func folder(_ path: String, of training: TrainingOptions) throws -> OutputFolder {
    try OutputFolder(path, overwrite: training.resumes(in: path) || overwriteOutputDir)
  }
}
