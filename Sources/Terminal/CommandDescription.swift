/// Description of a command, as ArgumentParser dumps it: names, texts, options and commands below it.
package struct CommandDescription: Decodable {
  /// One option, flag or value of a command.
  package struct Argument: Decodable {
    /// The kind: `option`, `flag` or `positional`.
    package let kind: String
    /// Whether it may be given several times.
    package let isRepeating: Bool
    /// Whether it may be left out.
    package let isOptional: Bool
    /// The names, long and short; nil for a value without a name.
    package let names: [Name]?
    /// The placeholder of its value.
    package let valueName: String?
    /// The accepted values, where there are few.
    package let allValues: [String]?
    /// The value that stands for none.
    package let defaultValue: String?
    /// The explanation.
    package let abstract: String?
    /// The title of its section; nil for the options at the end.
    package let sectionTitle: String?
  }
  /// A name of an option.
  package struct Name: Decodable {
    /// The kind: `long`, `short` or `longWithSingleDash`.
    package let kind: String
    /// The name without hyphens.
    package let name: String

    /// The name as it is typed.
    package var typed: String { (kind == "long" ? "--" : "-") + name }
  }

  /// The name.
  package let commandName: String
  /// The sentence that says what the command does.
  package let abstract: String?
  /// The long text, paragraphs and examples.
  package let discussion: String?
  /// Whether help lists it.
  package let shouldDisplay: Bool
  /// The commands below it.
  package let subcommands: [CommandDescription]?
  /// The options in the order of the help text.
  package let arguments: [Argument]?

  /// The commands below it that help lists.
  package var shownCommands: [CommandDescription] {
    (subcommands ?? []).filter { $0.shouldDisplay && $0.commandName != "help" }
  }
}

/// Description of a program: the outermost object of ArgumentParser's dump.
package struct ToolDescription: Decodable {
  /// The root of the commands.
  package let command: CommandDescription
}
