/// A command line that lacks something; the exit code is 64.
package struct UsageError: Error, CustomStringConvertible, Equatable {
  /// The message for the user.
  package let description: String

  /// An error with its message.
  package init(_ description: String) { self.description = description }
}

/// A failure that a command itself finds: what was found, what was expected, what to do.
package struct CommandError: Error, CustomStringConvertible, Equatable {
  /// The message for the user.
  package let description: String

  /// An error with its message.
  package init(_ description: String) { self.description = description }
}
