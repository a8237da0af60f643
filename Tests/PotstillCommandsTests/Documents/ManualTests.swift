import ArgumentParser
import Foundation
import PotstillCommands
import TestSupport
import Testing

/// Pages of the manual, completions of shells, and their installation.
@Suite struct ManualTests {
  private static let commands = PotstillCommand.configuration.groupedSubcommands.flatMap(\.subcommands)
    .compactMap { $0.configuration.commandName }

  @Test func theProgramsPageNamesEveryCommand() {
    let run = potstill(["manual"])
    #expect(run.code == 0 && run.messages.isEmpty)
    #expect(run.output.hasPrefix(".TH POTSTILL 1 \"\" \"potstill \(PotstillVersion.current)\"\n"))
    for name in Self.commands { #expect(run.output.contains(".BR potstill\\-\(name) (1)\n")) }
    #expect(run.output.contains(".B POTSTILL_TASKS\n"))
    #expect(!run.output.contains("potstill\\-manual") && !potstill(["--help"]).output.contains("manual"))
    #expect(potstill(["manual", "--list"]).output == Self.commands.map { $0 + "\n" }.joined())
    #expect(potstill(["manual", "manual"]).code == 64)
    #expect(potstill(["manual", "trian"]).messages.contains("Did you mean 'train'?"))
  }

  @Test(arguments: commands)
  func aCommandsPageHasItsOptionsOnce(name: String) {
    let page = potstill(["manual", name]).output
    let names = OptionCatalogue(of: name).entries.flatMap(\.names)
    #expect(!names.isEmpty)
    for option in names {
      let shown = "\\-\\-" + option.replacing("-", with: "\\-")
      let tags = page.split(separator: "\n").filter {
        $0.hasPrefix("\\fB") && $0.contains("\\fB\(shown)\\fR")
      }
      #expect(tags.count == 1, "\(name): --\(option) stands \(tags.count) times")
    }
    // Nothing is taken for a macro that is none, and no hyphen or quote is changed by the typesetter.
    let macros = [".TH", ".SH", ".TP", ".PP", ".RS", ".RE", ".EX", ".EE", ".B", ".BR", ".nh", ".ad"]
    for line in page.split(separator: "\n") {
      #expect(line.allSatisfy(\.isASCII) && !line.hasPrefix("'"), "\(line)")
      if line.hasPrefix(".") { #expect(macros.contains(String(line.prefix { $0 != " " })), "\(line)") }
      if !line.hasPrefix(".TH") { #expect(!line.contains("\""), "\(line)") }
      #expect(!line.replacing("\\-", with: "").contains("-"), "\(line)")
    }
  }

  @Test(arguments: ["bash", "zsh", "fish"])
  func completionsKnowCommandsTasksAndValues(shell: String) {
    let script = potstill(["--generate-completion-script", shell]).output
    for name in Self.commands { #expect(script.contains(name)) }
    for word in ["chnsenticorp", "weibo-ner", "reverse_kl", "cosine_with_restarts", "token_classification"] {
      #expect(script.contains(word), "\(shell) does not complete \(word)")
    }
  }

  #if os(Linux)
    @Test func installationPutsEverythingUnderThePrefixAndTakesItAway() throws {
      let folder = try TemporaryFolder()
      let prefix = folder.url.appending(path: "usr dir").path
      let script = TaskFilesTests.folder.deletingLastPathComponent().appending(path: ".ci/install").path
      let program = try #require(ToolProcess()).path
      try Self.bash(script, [prefix, program])
      let files = try Self.files(of: prefix)
      let pages = Self.commands.map { "share/man/man1/potstill-\($0).1" }
      let others = [
        "bin/potstill", "share/bash-completion/completions/potstill",
        "share/fish/vendor_completions.d/potstill.fish",
        "share/man/man1/potstill.1", "share/zsh/site-functions/_potstill",
      ]
      let hasServer = FileManager.default.isExecutableFile(atPath: program + "-serve")
      #expect(files == (pages + others + (hasServer ? ["bin/potstill-serve"] : [])).sorted())
      #expect(FileManager.default.isExecutableFile(atPath: prefix + "/bin/potstill"))
      try Data().write(to: URL(filePath: prefix + "/share/man/man1/other.1"))
      try Self.bash(script, [prefix])
      #expect(try Self.files(of: prefix) == ["share/man/man1/other.1"])
    }

    private static func bash(_ script: String, _ arguments: [String]) throws {
      let process = Process()
      process.executableURL = URL(filePath: "/bin/bash")
      process.arguments = [script] + arguments
      process.standardError = Pipe()
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
    }

    private static func files(of folder: String) throws -> [String] {
      try FileManager.default.subpathsOfDirectory(atPath: folder).filter {
        var isFolder: ObjCBool = false
        _ = FileManager.default.fileExists(atPath: folder + "/" + $0, isDirectory: &isFolder)
        return !isFolder.boolValue
      }.sorted()
    }
  #endif
}
