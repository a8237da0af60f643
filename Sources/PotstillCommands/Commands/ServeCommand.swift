import ArgumentParser
import CommandOptions
import Foundation
import Terminal

/// Command `potstill serve`, whose work is that of a program of its own: the server's libraries take longer to build than all
/// else.
package struct ServeCommand: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Answer over HTTP, with a page to type texts into.",
    usage: "potstill serve --model <folder> [--teacher <folder>] [<options>]",
    discussion: """
      POST /predict takes {"text": …}, {"text": …, "text_pair": …}, {"question": …, "context": …} or {"texts": […]}, and gives \
      what 'potstill predict --json' prints; requests that come at the same time are answered together. POST /tokenize shows \
      tokens; GET /health, /metrics (Prometheus) and /openapi.json describe the server; GET / is the page.

        potstill serve --model student/ --teacher teacher/
        curl -d '{"text": "a gripping, funny film"}' http://127.0.0.1:8080/predict

      It listens on this machine alone. Another --host needs a secret of at least 16 characters in POTSTILL_SERVE_TOKEN, which \
      clients send as 'Authorization: Bearer …'. Ctrl-C or SIGTERM ends it once what was begun is answered.

      The server is the program potstill-serve, which 'make build' puts beside potstill.
      """)

  @Option(
    help: ArgumentHelp("A Hugging Face directory with a trained model.", valueName: "folder"),
    completion: .directory)
  package var model: String

  @Option(
    help: ArgumentHelp("A second model, whose answers come beside the first one's.", valueName: "folder"),
    completion: .directory)
  package var teacher: String?

  @Option(help: ArgumentHelp("Address to listen on.", valueName: "address"))
  package var host = "127.0.0.1"

  @Option(help: ArgumentHelp("Port to listen on; 0 takes a free one.", valueName: "n"))
  package var port = 8080

  @Option(
    help: ArgumentHelp(
      "Longest input in tokens; more is cut off (default: what the model takes).", valueName: "n"))
  package var maxSeqLength: Int?

  @Option(help: ArgumentHelp("Most bytes of a request.", valueName: "n"))
  package var maxBodyBytes = 1_000_000

  @Option(help: ArgumentHelp("Most texts of a request.", valueName: "n"))
  package var maxTexts = 1024

  @Option(help: ArgumentHelp("Most texts that wait; beyond it the answer is 429.", valueName: "n"))
  package var maxWaitingTexts = 4096

  @Option(help: ArgumentHelp("Seconds within which a request is read and answered.", valueName: "seconds"))
  package var timeLimit = 30.0

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package func validate() throws {
    try CountOption.check(port, "--port", 0...65535)
    // [CLS], a token of text and [SEP].
    try CountOption.check(maxSeqLength, "--max-seq-length", 3...Int.max)
    try CountOption.check(maxBodyBytes, "--max-body-bytes", 1...1_000_000_000)
    try CountOption.check(maxTexts, "--max-texts", 1...1_000_000)
    try CountOption.check(maxWaitingTexts, "--max-waiting-texts", 1...10_000_000)
    guard timeLimit >= 0.001, timeLimit <= 86_400 else {
      throw ValidationError("--time-limit is \(timeLimit); expected 0.001 to 86400 seconds.")
    }
  }
}

/// Launcher of the server that `potstill serve` asks for.
package protocol ServerLauncher {
  /// Serves until the server is stopped.
  func serve(_ command: ServeCommand, arguments: [String], console: Console) throws
}

/// The program `potstill-serve` beside this one or in `PATH`, which takes this process's place.
package struct ServerProgram: ServerLauncher {
  /// The launcher.
  package init() {}

  package func serve(_ command: ServeCommand, arguments: [String], console: Console) throws {
    let own = Bundle.main.executableURL?.resolvingSymlinksInPath().deletingLastPathComponent().path
    let folders = (console.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let paths = ((own.map { [$0] } ?? []) + folders).map { $0 + "/potstill-serve" }
    guard let path = paths.first(where: { FileManager.default.isExecutableFile(atPath: $0) }) else {
      throw CommandError(
        "the server is the program potstill-serve, which is neither beside potstill nor in PATH; 'make build' builds both"
      )
    }
    console.flush()
    var copies = (["potstill-serve"] + arguments.dropFirst()).map { strdup($0) } + [nil]
    execv(path, &copies)
    throw CommandError("\(path) could not be started: \(String(cString: strerror(errno)))")
  }
}
