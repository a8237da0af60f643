import ArgumentParser

/// `potstill demo`.
package struct DemoCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Teacher to student in about two minutes: no data, no downloads.")

  package init() {}

  package mutating func run(_ console: Console) throws {
    console.result("demo")
  }
}
