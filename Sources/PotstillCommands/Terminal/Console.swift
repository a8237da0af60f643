import Foundation
import ModelFormats

/// Where a command speaks: results on one stream, everything else on the other.
package final class Console {
  /// Results: standard output.
  package let output: TextStream
  /// Messages, progress and errors: standard error.
  package let messages: TextStream
  /// Lines that a person or a pipe sends in.
  package let input: () -> String?
  /// Whether a person may be typing on standard input, so that waiting for it deserves a word.
  package let inputIsTerminal: Bool
  /// The process environment: `NO_COLOR`, `TERM`, `COLUMNS`.
  package let environment: [String: String]
  /// No progress and no messages, errors excepted.
  package var isQuiet = false
  /// Whether models with NaN or infinite weights may answer.
  package var allowsNonFinite = false
  /// The bar of work that is not a training loop.
  private(set) lazy var display = ProgressDisplay(self)

  /// The console of this process.
  package static func standard() -> Console {
    Console(
      output: TextStream(descriptor: STDOUT_FILENO),
      messages: TextStream(descriptor: STDERR_FILENO),
      environment: ProcessInfo.processInfo.environment,
      inputIsTerminal: isatty(STDIN_FILENO) == 1,
      input: { readLine(strippingNewline: true) })
  }

  /// A console of given parts.
  package init(
    output: TextStream, messages: TextStream, environment: [String: String] = [:],
    inputIsTerminal: Bool = false, input: @escaping () -> String? = { nil }
  ) {
    self.output = output
    self.messages = messages
    self.environment = environment
    self.inputIsTerminal = inputIsTerminal
    self.input = input
  }

  /// A line of results; a terminal sees no control characters of it.
  package func result(_ line: String) { output.line(output.isTerminal ? printable(line) : line) }

  /// One of two forms of the results: the text when there is one, else the table.
  package func result(_ text: String?, orTable table: @autoclosure () -> TextTable) {
    if let text { result(text) } else { result(table()) }
  }

  /// A line of news, unless the user wants quiet.
  package func note(_ line: String) {
    if isQuiet { return }
    output.flush()
    messages.line(Self.shown(line))
    messages.flush()
  }

  /// A line that must be seen, in the form `potstill: warning: …`.
  package func warn(_ line: String) {
    output.flush()
    messages.line("potstill: warning: \(Self.shown(line))")
    messages.flush()
  }

  /// A message as it is shown: without control characters, and neither its lines nor the whole without end.
  package static func shown(_ message: String) -> String {
    let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
    return shortened(
      lines.map { shortened(printable(String($0)), to: 1500) }.joined(separator: "\n"), to: 4500)
  }

  /// Sends both streams out.
  package func flush() {
    output.flush()
    messages.flush()
  }

  /// Whether a stream may carry colours and bold: a capable terminal, and `NO_COLOR` not set.
  package func hasStyle(_ stream: TextStream) -> Bool {
    stream.isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  /// Columns of the terminal behind the messages, 80 when it does not say.
  package var width: Int {
    var size = winsize()
    if messages.isTerminal, ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      return Int(size.ws_col)
    }
    return environment["COLUMNS"].flatMap { Int($0) } ?? 80
  }
}
