import PotstillCommands
import Terminal

/// What one command line did.
struct ToolRun {
  /// The exit code.
  let code: Int32
  /// Standard output.
  let output: String
  /// Standard error.
  let messages: String
}

/// Launcher that says what would be served.
struct StandInServer: ServerLauncher {
  func serve(_ command: ServeCommand, arguments: [String], console: Console) {
    console.result("\(command.model) on \(command.host):\(command.port) by \(arguments)")
  }
}

/// Runs a command line in this process.
///
/// - Parameters:
///   - input: What standard input holds.
///   - environment: The environment of the process.
///   - onTerminal: Whether both streams pretend to be a terminal.
func potstill(
  _ arguments: [String], input: [String] = [], environment: [String: String] = [:], onTerminal: Bool = false
) -> ToolRun {
  let output = TextStream(inMemory: onTerminal)
  let messages = TextStream(inMemory: onTerminal)
  var lines = input[...]
  let console = Console(
    output: output, messages: messages, environment: environment, input: { lines.popFirst() })
  let code = CommandLineTool.run(arguments, console: console, launcher: StandInServer())
  return ToolRun(code: code, output: output.contents, messages: messages.contents)
}
