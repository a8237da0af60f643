public import ArgumentParser
import Datasets
public import Tasks

extension TaskKind: ExpressibleByArgument {
  /// The names of the kinds.
  public static var allValueStrings: [String] { allCases.map(\.rawValue) }
}

/// Columns and kind of rows of one's own, where a look at them finds others; names of `run_classification`.
package struct ColumnOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The kind of task of your rows (default: by a look at them).", valueName: "kind"))
  package var kind: TaskKind?

  @OptionGroup
  package var texts: TextColumnOptions

  @Option(help: ArgumentHelp("The column of the label (default: by its name).", valueName: "column"))
  package var labelColumn: String?

  @Flag(help: "Take labels that differ in upper and lower case alone for one.")
  package var foldCase = false

  @Option(
    help: ArgumentHelp(
      "Part of the training rows that is held out to score on, where there is no validation file (default: 10).",
      valueName: "percent"))
  package var validationSplitPercentage: Double?

  package init() {}

  package mutating func validate() throws {
    if let share = validationSplitPercentage, !(share > 0 && share < 100) {
      throw ValidationError(
        "--validation-split-percentage is \(share); expected a number above 0 and below 100.")
    }
  }

  /// The hints to a look at rows.
  package var hints: TaskHints {
    var hints = texts.hints
    hints.kind = kind
    hints.labelColumn = labelColumn.map { .name($0) }
    hints.foldsCase = foldCase
    hints.heldOutPercentage = validationSplitPercentage
    return hints
  }
}

/// Columns of the texts of rows, where they are not found by their names.
package struct TextColumnOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The column of the text, by name or counted from 0 (default: by its name).", valueName: "column"))
  package var textColumn: String?

  @Option(help: ArgumentHelp("The column of the second text (default: by its name).", valueName: "column"))
  package var textPairColumn: String?

  package init() {}

  /// The hints to a look at rows.
  package var hints: TaskHints {
    var hints = TaskHints()
    hints.textColumn = textColumn.map { .name($0) }
    hints.textPairColumn = textPairColumn.map { .name($0) }
    return hints
  }
}
