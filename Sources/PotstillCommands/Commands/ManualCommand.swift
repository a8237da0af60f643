import ArgumentParser
import CommandOptions
import Foundation
import Terminal

/// Command `potstill manual`, which `make install` runs.
package struct ManualCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "manual", abstract: "Print a page of the manual, for man(1).",
    usage: "potstill manual [<options>] [<command>]", shouldDisplay: false)

  @Flag(help: "Print the names of the commands that have a page.")
  package var list = false

  @OptionGroup
  package var general: GeneralOptions

  @Argument(help: "The command of the page (default: potstill itself).")
  package var command: String?

  package init() {}

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let program = try JSONDecoder().decode(
      ToolDescription.self, from: Data(PotstillCommand._dumpHelp().utf8)
    ).command
    let version = PotstillVersion.line()
    guard let command else {
      if list { return program.shownCommands.forEach { console.result($0.commandName) } }
      let page = ManualPage(of: program, version: version)
      return console.output.write(page.text)
    }
    guard let described = program.shownCommands.first(where: { $0.commandName == command }) else {
      throw try UsageError("\(PotstillCommand.command(named: command)._commandName) has no page")
    }
    console.output.write(ManualPage(of: described, in: program.commandName, version: version).text)
  }
}
