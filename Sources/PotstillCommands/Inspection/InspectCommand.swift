import ArgumentParser
import CommandOptions
import Encoders
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Command `potstill inspect`.
package struct InspectCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what is in a checkpoint, and what the machine offers.",
    usage: "potstill inspect [<options>] [<model>]",
    discussion: """
      Prints the parameter tree of a Hugging Face directory with shapes, sizes, shares, operations and memory; layers that are alike are \
      shown once. With --machine it prints processor, instruction sets, the matrix library with the core that runs, \
      threads, and the measured speed of matrix products.

        potstill inspect student/
        potstill inspect --machine --json
      """)

  @Argument(help: "A Hugging Face directory, or a name on its hub.", completion: .directory)
  package var model: String?

  @Flag(help: "Describe the machine and measure its matrix products (the default without a directory).")
  package var machine = false

  @Flag(help: "Print one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let checkpoint = try model.map { name in
      let isThere = FileManager.default.fileExists(atPath: name)
      return try CheckpointReport(
        directory: isThere ? URL(filePath: name) : ModelLocation(name, listener: console).folder)
    }
    let report = machine || checkpoint == nil ? try MachineReport.measure() : nil
    if let warning = checkpoint?.warning { console.warn(warning) }
    if json {
      var object = checkpoint?.json ?? JSONObject()
      object["machine"] = report.map { .object($0.json) }
      console.result(JSONValue.object(object).prettyText)
      return
    }
    if let checkpoint {
      console.result(checkpoint.summary)
      console.result("")
      console.result(
        TextTable(
          [.text("parameter"), .text("shape"), .number("values"), .number("%"), .number("MB")],
          checkpoint.rows))
    }
    if checkpoint != nil && report != nil { console.result("") }
    if let report { console.result(TextTable(facts: report.facts)) }
  }
}
