import ArgumentParser
import CommandOptions
import Datasets
import Foundation
import PotstillCommands
import Tasks
import TestSupport
import Testing
import Yams

/// What README and `docs/` show must be true: commands parse, recipes plan, Swift is compiled, links lead somewhere.
@Suite("Documentation")
struct DocumentationTests {
  static let pages = Page.all(below: ["README.md", "README.zh.md", "CONTRIBUTING.md", "docs"])
  static let pagesOfResults = pages.filter { $0.path.hasPrefix("docs/results/") && !$0.commands.isEmpty }
  static let pagesWithRecipes = pages.filter { !$0.blocks("yaml").isEmpty }

  @Test("every command line parses", arguments: pages)
  func commands(_ page: Page) throws {
    for words in page.commands {
      #expect(throws: Never.self, "\(words)") {
        try PotstillCommand.parseAsRoot(OptionSpelling.translate(words).arguments)
      }
    }
  }

  @Test("every link leads to a file, and to a heading in it", arguments: pages)
  func links(_ page: Page) throws {
    for link in page.links where !link.contains("://") {
      let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let target =
        parts[0].isEmpty
        ? page.url : page.url.deletingLastPathComponent().appending(path: parts[0]).standardizedFileURL
      #expect(FileManager.default.fileExists(atPath: target.path), "\(link)")
      if parts.count == 2 { #expect(try Page(target).anchors.contains(parts[1]), "\(link)") }
    }
  }

  @Test(
    "a page and its translation show the same code, the same numbers in tables and the same links",
    arguments: pages.filter { $0.path.hasSuffix(".zh.md") })
  func languages(_ page: Page) throws {
    let path = page.path.replacing(".zh.md", with: ".md")
    let texts = try [path, page.path].map {
      try String(contentsOf: Page.root.appending(path: $0), encoding: .utf8)
    }
    let code = texts.map { $0.matches(of: /(?s)```.*?```/).map { String($0.output) } }
    #expect(code[0] == code[1])
    let numbers = texts.map { text in
      text.split(separator: "\n").filter { $0.hasPrefix("|") }.map { row in
        row.matches(of: /[0-9]+(?:[.,][0-9]+)*/).map { String($0.output) }
      }
    }
    #expect(!numbers[0].isEmpty && numbers[0] == numbers[1])
    // Headings have other anchors, and pages that are translated link to each other.
    let links = texts.map { text in
      text.matches(of: /\]\(([^)]*)\)/).map { link in
        String(link.output.1.prefix { $0 != "#" }).replacing(".zh.md", with: ".md")
      }
    }
    let own = URL(filePath: path).lastPathComponent
    #expect(links[0].filter { $0 != own } == links[1].filter { $0 != own })
  }

  @Test("every Swift example is one that is compiled and run")
  func swiftExamples() throws {
    let folder = Page.root.appending(path: "Examples")
    let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
    let tested = try files.map { try String(contentsOf: $0, encoding: .utf8) }.joined(separator: "\n")
    let examples = Self.pages.flatMap { $0.blocks("swift") }
    #expect(!examples.isEmpty)
    for example in examples {
      let lines = example.split(separator: "\n", omittingEmptySubsequences: false)
      let code = lines.filter { !$0.hasPrefix("import ") }.joined(separator: "\n").trimmingCharacters(
        in: .newlines)
      #expect(tested.contains(code), "\(code)")
    }
  }

  @Test("the commands of a page of results run, on rows of their kind", arguments: pagesOfResults)
  func results(_ page: Page) throws {
    let world = try DocumentationWorld()
    for words in page.commands { try world.run(words) }
  }

  @Test("every recipe of the results is run by the page of its data")
  func recipes() throws {
    let named = Set(Self.pagesOfResults.flatMap(\.commands).joined().filter { $0.hasPrefix("recipes/") })
    let folder = Page.root.appending(path: "docs/results")
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder.appending(path: "recipes").path)
      .filter { $0.hasSuffix(".yaml") }
    #expect(Set(files.map { "recipes/" + $0 }) == named)
  }

  @Test("every key of a task file is explained, as potstill init explains it, and every kind has an example")
  func taskKeys() throws {
    let url = Page.root.appending(path: "docs/data.md")
    let rows = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
      .filter { $0.hasPrefix("| `") }.map(String.init)
    for key in TaskDefinition.CodingKeys.allCases {
      #expect(rows.contains("| `\(key.rawValue)` | \(key.help) |"), "\(key.rawValue)")
    }
    let examples = try Page(url).blocks("yaml").map {
      try YAMLDecoder().decode(TaskDefinition.self, from: $0)
    }
    for kind in TaskKind.allCases { #expect(examples.contains { $0.kind == kind }, "\(kind.rawValue)") }
  }

  @Test("every recipe in a text is planned, every task in a text is understood", arguments: pagesWithRecipes)
  func textRecipes(_ page: Page) throws {
    for text in page.blocks("yaml") {
      if text.hasPrefix("name:") {
        #expect(try YAMLDecoder().decode(TaskDefinition.self, from: text).faults == [])
      } else {
        let world = try DocumentationWorld()
        let command = text.contains("\ntasks:") ? "multitask" : "distill"
        try world.run([command, world.write(recipe: text, as: "recipe.yaml")])
      }
    }
  }
}

/// A text in Markdown.
struct Page: CustomTestStringConvertible {
  static let root = Fixtures.directory.deletingLastPathComponent().deletingLastPathComponent()

  let url: URL
  private let text: String

  init(_ url: URL) throws {
    self.url = url
    text = try String(contentsOf: url, encoding: .utf8)
  }

  /// The pages among files and below folders of the repository, by path.
  static func all(below paths: [String]) -> [Page] {
    paths.flatMap { path -> [Page] in
      let names =
        (try? FileManager.default.subpathsOfDirectory(atPath: root.appending(path: path).path)) ?? []
      let pages = names.filter { $0.hasSuffix(".md") }.sorted().map { path + "/" + $0 }
      return (names.isEmpty ? [path] : pages).compactMap { try? Page(root.appending(path: $0)) }
    }
  }

  /// The path below the root of the repository.
  var path: String { String(url.path.dropFirst(Self.root.path.count + 1)) }
  var testDescription: String { path }

  /// The blocks of code of a language; the empty name is that of blocks without one.
  func blocks(_ language: String) -> [String] {
    let parts = text.components(separatedBy: "```")
    return stride(from: 1, to: parts.count, by: 2).compactMap { index in
      let lines = parts[index].split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: false)
      return lines.count == 2 && lines[0] == language ? lines[1].trimmingCharacters(in: .newlines) : nil
    }
  }

  /// The words of each call of potstill in blocks without a language, the name left out.
  var commands: [[String]] {
    blocks("").flatMap { $0.replacing("\\\n", with: " ").split(separator: "\n") }.compactMap { line in
      let line = line.hasPrefix("$ ") ? line.dropFirst(2) : line
      guard line.hasPrefix("potstill ") else { return nil }
      // A quoted text is one argument.
      let parts = line.split(separator: "#")[0].split(separator: "\"", omittingEmptySubsequences: false)
      let words = parts.enumerated().flatMap { index, part in
        index % 2 == 1 ? [String(part)] : part.split(separator: " ").map(String.init)
      }
      return Array(words.dropFirst())
    }
  }

  /// The targets of links.
  var links: [String] { text.matches(of: /\]\(([^)\s]+)\)/).map { String($0.1) } }

  /// The names of the headings, as GitHub makes them.
  var anchors: [String] {
    text.split(separator: "\n").filter { $0.hasPrefix("#") }.map { line in
      let title = line.drop { $0 == "#" || $0 == " " }.lowercased()
      return title.filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" }.replacing(" ", with: "-")
    }
  }
}
