import ArgumentParser
import CommandOptions
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Command `potstill doctor`.
package struct DoctorCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what is missing on this machine.",
    discussion: """
      Looks for the matrix library, and at processor, memory, disks, encoding, model cache and server. A line that is not ok says what \
      to do. The exit code is 1 when something is missing without which nothing works.
      """)

  @Flag(help: "Print one JSON object.")
  package var json = false

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    try general.apply(to: console, computes: false)
    let check = MachineCheck(
      environment: console.environment,
      workingDirectory: URL(filePath: FileManager.default.currentDirectoryPath, directoryHint: .isDirectory),
      executable: Bundle.main.executableURL)
    if json {
      console.result(JSONValue.object(check.json).prettyText)
    } else {
      console.result(
        TextTable(
          [.text(""), .text(""), .text("")],
          check.findings.flatMap { finding in
            [[finding.name, finding.verdict.rawValue, finding.text]]
              + (finding.remedy.map { [["", "", "→ \($0)"]] } ?? [])
          }))
    }
    if !check.isReady { throw ExitCode(1) }
  }
}
