import ArgumentParser
import CommandOptions
import Foundation
import Terminal

/// Options of a subcommand, asked from the parser itself, so that no second list can grow stale.
package struct OptionCatalogue {
  /// One option or flag.
  package struct Entry: Sendable {
    /// Long names without hyphens in front, `no-…` included for flags with an inversion.
    package let names: [String]
    /// Whether it takes no value.
    package let isFlag: Bool
    /// Whether it may be given several times.
    package let isRepeating: Bool
    /// Placeholder of the value in messages.
    let valueName: String?
    /// The accepted values, where there are few; else empty.
    let values: [String]
  }

  /// The options in the order of the help text.
  package let entries: [Entry]

  /// The catalogue of one subcommand of `potstill`; empty when there is no such subcommand.
  package init(of subcommand: String) {
    let dump = try? JSONDecoder().decode(ToolDescription.self, from: Data(PotstillCommand._dumpHelp().utf8))
    let command = dump?.command.subcommands?.first { $0.commandName == subcommand }
    entries = (command?.arguments ?? []).compactMap { argument in
      let names = (argument.names ?? []).filter { $0.kind == "long" }.map(\.name)
      if argument.kind == "positional" || names.isEmpty { return nil }
      return Entry(
        names: names, isFlag: argument.kind == "flag", isRepeating: argument.isRepeating,
        valueName: argument.valueName, values: argument.allValues ?? [])
    }
  }

  /// The option of a name in Potstill's spelling.
  package func entry(named name: String) -> Entry? { entries.first { $0.names.contains(name) } }

  /// The name of the flag that a name turns off; nil for every other name.
  func flagTurnedOff(by name: String) -> String? {
    let flag = String(name.dropFirst(3))
    return name.hasPrefix("no-") && entry(named: flag)?.isFlag == true ? flag : nil
  }

  /// The main name of each option, as a recipe writes it: with underscores.
  package var recipeKeys: [String] {
    entries.compactMap { entry in
      entry.names.first { !$0.hasPrefix("no-") }?.replacing("-", with: "_")
    }.filter { !["help", "version"].contains($0) }
  }
}

extension OptionCatalogue.Entry {
  /// The option with its value, as the parser shows it.
  func shown(_ name: String) -> String { "--\(name)" + (valueName.map { " <\($0)>" } ?? "") }

  /// The accepted values as the parser writes them, on one line.
  var valueList: String {
    if values.isEmpty { return "" }
    if values.count > 5 { return ". Please provide one of the following:" }
    let quoted = values.map { "'\($0)'" }
    let list =
      quoted.count <= 2
      ? quoted.joined(separator: " and ")
      : quoted.dropLast().joined(separator: ", ") + " or " + quoted.suffix(1).joined()
    return ". Please provide one of \(list)."
  }
}
