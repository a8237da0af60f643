import CBuild
import CommandOptions
import Foundation
import PotstillCommands
import Serving
import Tasks
import Terminal

/// The server inside this program.
private struct OwnServer: ServerLauncher {
  func serve(_ command: ServeCommand, arguments: [String], console: Console) throws {
    try command.general.apply(to: console)
    var settings = ServerSettings(model: command.model)
    (settings.teacher, settings.host, settings.port) = (command.teacher, command.host, command.port)
    (settings.maxSequenceLength, settings.maxBodyBytes) = (command.maxSeqLength, command.maxBodyBytes)
    (settings.maxTexts, settings.maxWaitingTexts) = (command.maxTexts, command.maxWaitingTexts)
    (settings.timeLimit, settings.allowsNonFinite) = (command.timeLimit, console.allowsNonFinite)
    settings.token = console.environment["POTSTILL_SERVE_TOKEN"].flatMap { $0.isEmpty ? nil : $0 }
    let server = try PredictionServer(settings, listener: console)
    let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
    let isQuiet = console.isQuiet
    let done = DispatchSemaphore(value: 0)
    nonisolated(unsafe) var failure: (any Error)?
    // Safe because it is read once the task has ended.
    Task.detached {
      do {
        try await server.runUntilSignal { port in
          if isQuiet { return }
          let line = "serving http://\(host):\(port) (Ctrl-C ends it)\n"
          FileHandle.standardError.write(Data(line.utf8))
        }
      } catch { failure = error }
      done.signal()
    }
    done.wait()
    if let failure { throw failure }
  }
}

CommandLineTool.main(
  ["serve"] + CommandLine.arguments.dropFirst(), commit: String(cString: potstill_commit()),
  launcher: OwnServer())
