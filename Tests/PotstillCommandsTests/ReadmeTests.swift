import ArgumentParser
import Foundation
import PotstillCommands
import TestSupport
import Testing

/// What the README shows must be true.
@Suite struct ReadmeTests {
  private let root = Fixtures.directory.deletingLastPathComponent().deletingLastPathComponent()

  private func text(_ path: String) throws -> String {
    try String(contentsOf: root.appending(path: path), encoding: .utf8)
  }

  private func blocks(_ language: String) throws -> [String] {
    try text("README.md").components(separatedBy: "```\(language)\n").dropFirst().compactMap {
      $0.components(separatedBy: "\n```").first
    }
  }

  @Test func theSwiftExampleIsTheOneThatIsTested() throws {
    let example = try #require(blocks("swift").first)
    let function = example.replacing("import Foundation\nimport Potstill\n\n", with: "")
    #expect(try text("Tests/PotstillTests/ExampleTests.swift").contains(function))
  }

  @Test func theRecipesAreUnderstood() throws {
    let recipes = try blocks("yaml").map { try RecipeFile(path: "README.md", text: $0) }
    try #require(recipes.count == 5)
    let arguments = try recipes[0].spelled(for: "distill")
    #expect(arguments.contains("--temperature=8") && arguments.count == 11)
    for (index, count) in [(2, 12), (3, 14)] {
      let compared = try recipes[index].spelled(for: "distill")
      #expect(compared.contains("--teacher-cache=answers/") && compared.count == count)
    }
    for (index, count) in [(1, 4), (4, 11)] {
      let multitask = try recipes[index].spelled(for: "multitask")
      #expect(multitask.contains { $0.hasPrefix("--tasks=[{") } && multitask.count == count)
    }
  }

  @Test func everyCommandLineParses() throws {
    let lines = try text("README.md").replacing("\\\n", with: " ").split(separator: "\n")
      .filter { $0.hasPrefix("potstill ") }
    #expect(lines.count >= 10)
    for line in lines {
      let command = line.split(separator: "#")[0]
      // A quoted text is one argument.
      let parts = command.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      let words = parts.flatMap { index, part in
        index % 2 == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
      }
      _ = try PotstillCommand.parseAsRoot(OptionSpelling.translate(Array(words.dropFirst())).arguments)
    }
  }
}
