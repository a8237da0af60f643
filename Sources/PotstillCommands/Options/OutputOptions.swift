import ArgumentParser

/// Where a run writes.
package struct OutputOptions: ParsableArguments {
  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The run folder: checkpoint, results, metrics and the recipe go there. Made when it does not exist.",
      valueName: "folder"))
  package var output: String?

  @Flag(help: "Write into a folder that holds files already.")
  package var overwriteOutputDir = false

  package init() {}
}
