import ArgumentParser

/// A subcommand that speaks through a console, so that tests can run it and read what it said.
package protocol ConsoleCommand: ParsableCommand {
  /// Does the work.
  mutating func run(_ console: Console) throws
}

/// A subcommand whose options can stand in a recipe file.
package protocol RecipeCommand: ConsoleCommand {
  /// The path of the recipe, when one was given.
  var recipe: String? { get }
}
