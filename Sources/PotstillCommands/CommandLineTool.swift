import ArgumentParser
import Cluster
import CommandOptions
import Datasets
import Encoders
import Foundation
import ModelFormats
import Tasks
import Terminal
import Training

/// The `potstill` program: from arguments to an exit code.
public enum CommandLineTool {
  /// Runs this process's arguments and ends the process.
  ///
  /// - Parameter commit: The commit that was built, for `--version`; empty where nobody knows it.
  public static func main(commit: String) -> Never {
    main(Array(CommandLine.arguments.dropFirst()), commit: commit, launcher: ServerProgram())
  }

  /// Runs some arguments and ends the process.
  package static func main(_ arguments: [String], commit: String, launcher: some ServerLauncher) -> Never {
    // The runtime's crash reporter takes SIGQUIT for a crash and goes on; Ctrl-\\ must end the program.
    SignalWatch.endOnQuit()
    // A file beyond the limit of its size is then an error with a name, not the end of the process.
    signal(SIGXFSZ, SIG_IGN)
    let launch = Launch.find(in: ProcessInfo.processInfo.environment)
    let console = Console.standard(isOfFollower: (launch?.rank ?? 0) > 0)
    let version = PotstillVersion.line(commit: commit)
    console.invocation = Invocation([], commit: commit.isEmpty ? nil : commit)
    var code = run(arguments, console: console, version: version, launcher: launcher)
    for path in MappedFile.takeRewritten() {
      console.warn("\(path) was written to while it was in use; what was read of it may be of both versions")
    }
    console.flush()
    if console.output.failure != 0 {
      let reason = String(cString: strerror(console.output.failure))
      report("could not write the results: \(reason)", on: console)
      console.flush()
      code = max(code, 1)
    }
    exit(
      Ranks.leave(code) { place in
        // Rank 0 has said what it has met.
        TextStream(descriptor: STDERR_FILENO).lineAtOnce(
          console.isOfFollower
            ? "potstill: \(place): error: \(console.lastError ?? "it has ended with code \(code)")"
            : "potstill: \(place) has ended alone; the other ranks are ended with it")
      })
  }

  /// Runs one command line and returns its exit code: 0, 1 for a failure, 64 for a command line that makes no sense, 128 and
  /// the number of the signal that broke a run off.
  package static func run(
    _ arguments: [String], console: Console, version: String = PotstillVersion.line(),
    launcher: some ServerLauncher
  ) -> Int32 {
    console.invocation = Invocation(["potstill"] + arguments, commit: console.invocation?.commit)
    return run(named: arguments.first, on: console, version: version) {
      let command = try command(for: arguments, console: console)
      guard let serve = command as? ServeCommand else { return try command.joiningRanks(on: console) }
      try launcher.serve(serve, arguments: arguments, console: console)
      throw ExitCode.success
    }
  }

  /// Runs a command as a recipe says, and returns its exit code.
  static func run(_ name: String, as recipe: RecipeFile, console: Console) -> Int32 {
    run(named: name, on: console) {
      try recipe.filling(try PotstillCommand.parseAsRoot([name]), of: name)
    }
  }

  private static func run(
    named name: String?, on console: Console, version: String = PotstillVersion.line(),
    _ making: () throws -> any ParsableCommand
  ) -> Int32 {
    do {
      var command = try making()
      guard var work = command as? any ConsoleCommand else {
        try command.run()
        return 0
      }
      try work.run(console)
      return 0
    } catch let usage as UsageError {
      let name = name.flatMap { try? PotstillCommand.command(named: $0)._commandName }.map { " \($0)" } ?? ""
      report("\(usage)\n  See 'potstill\(name) --help' for more information.", on: console)
      return ExitCode.validationFailure.rawValue
    } catch let invalid as ValidationError {
      // Of recipe and command line together: the parser, which would say how the command is used, has not seen both.
      let usage = name.flatMap { try? PotstillCommand.usageString(for: PotstillCommand.command(named: $0)) }
      let help = "  See 'potstill\(name.map { " " + $0 } ?? "") --help' for more information."
      report([invalid.message, usage, help].compactMap { $0 }.joined(separator: "\n"), on: console)
      return ExitCode.validationFailure.rawValue
    } catch let code as ExitCode {
      return code.rawValue
    } catch {
      if let code = SignalWatch.exitCode(of: error) {
        report("\(error)", on: console)
        return code
      }
      return report(error, on: console, version: version)
    }
  }

  /// The parsed command, its recipe read and merged.
  package static func command(for arguments: [String], console: Console) throws -> any ParsableCommand {
    let spelled = OptionSpelling.translate(arguments)
    for option in spelled.ignored { console.note("potstill: note: \(option)") }
    try OptionSpelling.checkRefused(spelled.arguments)
    try PotstillCommand.checkNames(spelled.arguments)
    let command = try PotstillCommand.parseAsRoot(spelled.arguments)
    try EmptyOptions.check(command)
    guard let name = spelled.arguments.first, let file = (command as? any RecipeCommand)?.recipe else {
      return command
    }
    let recipe = try RecipeFile(path: file)
    for option in recipe.ignoredOptions { console.note("potstill: note: \(option)") }
    return try recipe.filling(command, of: name)
  }

  /// Prints an error, or the help that was asked for, and returns the exit code.
  private static func report(_ error: any Error, on console: Console, version: String) -> Int32 {
    let code = PotstillCommand.exitCode(for: error)
    if code == .success {
      let message = PotstillCommand.fullMessage(for: error)
      console.output.line(message == PotstillVersion.current ? version : message)
    } else if code == .validationFailure {
      var message = PotstillCommand.fullMessage(for: error)
      if message.hasPrefix("Error: ") { message.removeFirst("Error: ".count) }
      report(message, on: console)
    } else {
      report(explanation(of: error), on: console)
    }
    return code.rawValue
  }

  private static func report(_ message: String, on console: Console) {
    console.output.flush()
    console.lastError = Console.shown(message)
    let style = console.hasStyle(console.messages) ? ("\u{1B}[1;31m", "\u{1B}[0m") : ("", "")
    console.messages.line("potstill: \(style.0)error:\(style.1) \(Console.shown(message))")
  }

  /// The message of an error: its own description, or the system's for an error of Foundation.
  private static func explanation(of error: any Error) -> String {
    if let error = error as? CocoaError {
      let path = error.filePath.map { "\($0): " } ?? ""
      return path + describeFileError(error)
    }
    return String(describing: error)
  }
}

extension TokenizedModel {
  /// Loads a directory whose model answers tasks of a kind.
  init(_ path: String, for kind: TaskKind, console: Console) throws {
    try self.init(path, for: kind, allowsNonFinite: console.allowsNonFinite, listener: console)
  }

  /// Loads a directory as it is.
  init(_ path: String, head: TaskHead? = nil, needsHead: Bool = true, console: Console) throws {
    try self.init(
      path, head: head, needsHead: needsHead, allowsNonFinite: console.allowsNonFinite, listener: console)
  }
}

extension Console {
  /// The texts of a command: those of its command line, else of a file, else lines of standard input.
  func texts(_ texts: [String], file: String?) throws -> [InputTexts.Item] {
    if texts.isEmpty, file == nil, inputIsTerminal {
      note("reading standard input, one text a line; end with Ctrl-D")
    }
    return try InputTexts.read(texts, file: file, lines: input)
  }
}
