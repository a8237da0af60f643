import ArgumentParser
import Terminal

/// Error of a command line that lacks something; the exit code is 64.
package struct UsageError: Error, CustomStringConvertible, Equatable {
  /// The message for the user.
  package let description: String

  /// An error with its message.
  package init(_ description: String) { self.description = description }
}

/// Error that a command itself finds: what was found, what was expected, what to do.
package struct CommandError: Error, CustomStringConvertible, Equatable {
  /// The message for the user.
  package let description: String

  /// An error with its message.
  package init(_ description: String) { self.description = description }
}

/// Error of a recipe: every fault, each with its file and line.
package struct RecipeError: Error, CustomStringConvertible, Equatable {
  /// One sentence per fault.
  package let faults: [String]

  /// An error of one or more faults.
  package init(_ faults: [String]) { self.faults = faults }

  package var description: String {
    if faults.count == 1 { return faults[0] }
    return "\(faults.count) faults in the recipe:\n  " + faults.joined(separator: "\n  ")
  }
}

/// Subcommand that prints through a console, so that tests can run it and read its output.
package protocol ConsoleCommand: ParsableCommand {
  /// Runs the command.
  mutating func run(_ console: Console) throws
}

/// A subcommand whose options can stand in a recipe file.
package protocol RecipeCommand: ConsoleCommand {
  /// The path of the recipe, when one was given.
  var recipe: String? { get }
}

/// Subcommand that several ranks may run together, as `mpirun` starts them; of the others rank 0 alone does the work.
package protocol RankedCommand: ConsoleCommand {}
