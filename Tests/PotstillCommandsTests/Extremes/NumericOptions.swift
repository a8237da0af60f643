import ArgumentParser
import PotstillCommands

/// The options of a command that take a number, found from the types that the command declares.
struct NumericOptions {
  /// A command by the words that name it, such as `bench infer`.
  struct Command: Sendable {
    let words: [String]
    /// The names without hyphens in front, in the order of the declarations.
    let options: [String]
  }

  /// Every command of `potstill`, those of `bench` one by one.
  static let commands: [Command] = {
    let top = PotstillCommand.configuration.groupedSubcommands.flatMap(\.subcommands)
    return top.flatMap { command -> [Command] in
      let name = command.configuration.commandName ?? ""
      let inner = command.configuration.subcommands
      if inner.isEmpty { return [Command(words: [name], options: options(of: command.init()))] }
      return inner.map {
        Command(words: [name, $0.configuration.commandName ?? ""], options: options(of: $0.init()))
      }
    }
  }()

  private static func options(of value: Any) -> [String] {
    Mirror(reflecting: value).children.flatMap { label, child -> [String] in
      if let group = child as? any OptionGroupType { return options(of: group.emptyValue) }
      guard let label, let option = child as? any OptionType, option.takesNumber else { return [] }
      return [label.drop { $0 == "_" }.map { $0.isUppercase ? "-" + $0.lowercased() : String($0) }.joined()]
    }
  }
}

private protocol OptionGroupType { var emptyValue: Any { get } }
private protocol OptionType { var takesNumber: Bool { get } }

extension OptionGroup: OptionGroupType {
  fileprivate var emptyValue: Any { Value() }
}

extension Option: OptionType {
  fileprivate var takesNumber: Bool {
    let type = String(describing: Value.self)
    return ["Int", "Double", "Float"].contains { type.contains($0) }
  }
}
