import ArgumentParser
import TaskData
import Tasks

/// How tokens are hidden: the names of Hugging Face's `run_mlm` and of its whole-word data collator.
package struct MaskingOptions: ParsableArguments {
  @Option(help: "Share of the tokens to hide (default: the task's, else 0.15).")
  package var mlmProbability: Double?

  @Flag(
    inversion: .prefixedNo,
    help: "Hide all pieces of a word together (default: the task's, else no).")
  package var wholeWordMask: Bool?

  @Option(
    help: ArgumentHelp(
      "Words, one a line, by which Chinese characters are put together to words with --whole-word-mask.",
      valueName: "file"))
  package var wordList: String?

  @Flag(
    inversion: .prefixedNo,
    help:
      "Make each line a sequence of its own, instead of laying lines end to end (default: the task's, else no)."
  )
  package var lineByLine: Bool?

  package init() {}

  /// The settings of a run: the task's, then these.
  func settings(over task: MaskingSettings) -> MaskingSettings {
    MaskingSettings(
      probability: mlmProbability ?? task.probability, wholeWords: wholeWordMask ?? task.wholeWords,
      wordListFile: wordList ?? task.wordListFile, isLineByLine: lineByLine ?? task.isLineByLine)
  }
}
