import ArgumentParser
import Distillation
import ModelFormats

/// How BERT-of-Theseus replaces the teacher's layers, by the names of its authors' script.
package struct TheseusOptions: ParsableArguments {
  @Flag(
    help: ArgumentHelp(
      "Replace the teacher's blocks of layers with the student's by chance, on the labels alone (BERT-of-Theseus); the "
        + "authors' student is first:<n>."))
  package var theseus = false

  @Option(help: "The probability of replacing a block at the first step (default: 0.3).")
  package var replacingRate: Double?

  @Option(
    help: ArgumentHelp(
      "What that probability grows by in each step (default: so much that it is 1 at half the run, and then the student "
        + "trains alone)."))
  package var schedulerLinearK: Double?

  @Option(help: "Keep the probability constant for so many steps, then train the student alone.")
  package var stepsForReplacing: Int?

  package init() {}

  /// The curriculum; nil without `--theseus`.
  func config() throws -> TheseusConfig? {
    guard theseus else {
      let given: [(String, Bool)] = [
        ("--replacing-rate", replacingRate != nil), ("--scheduler-linear-k", schedulerLinearK != nil),
        ("--steps-for-replacing", stepsForReplacing != nil),
      ]
      if let (name, _) = given.first(where: \.1) {
        throw CommandError("\(name) belongs to --theseus; give both or none")
      }
      return nil
    }
    var config = TheseusConfig(schedulerLinearK: schedulerLinearK, stepsForReplacing: stepsForReplacing)
    if let replacingRate { config.replacingRate = replacingRate }
    return config
  }
}
