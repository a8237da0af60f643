import Foundation
import ModelFormats
import Tasks

/// Console of a command: results go to one stream, everything else to the other.
package final class Console {
  /// Stream of results: standard output.
  package let output: TextStream
  /// Stream of messages, progress and errors: standard error.
  package let messages: TextStream
  /// Reader of a line of standard input; nil at its end.
  package let input: () -> String?
  /// Standard input as a stream of bytes, which comes as it is typed or piped.
  package let stream: () -> ByteStream
  /// Whether standard input is a terminal, so that waiting for it is announced.
  package let inputIsTerminal: Bool
  /// The process environment: `NO_COLOR`, `TERM`, `COLUMNS`.
  package let environment: [String: String]
  /// Whether progress and messages are left out, errors excepted.
  package var isQuiet = false
  /// Whether this is the console of a rank that does not print, so that nothing is shown but what it must say alone.
  package let isOfFollower: Bool
  /// Error that was reported last; nil while there was none.
  package var lastError: String?
  /// Invocation of the program, for the folders that it writes.
  package var invocation: Invocation?
  /// Whether models with NaN or infinite weights may answer.
  package var allowsNonFinite = false
  /// Progress bar of work that is no training loop.
  private(set) lazy var display = ProgressDisplay(self)

  /// The console of this process.
  ///
  /// - Parameter isOfFollower: Whether another rank prints.
  package static func standard(isOfFollower: Bool = false) -> Console {
    Console(
      output: isOfFollower ? TextStream() : TextStream(descriptor: STDOUT_FILENO),
      messages: isOfFollower ? TextStream() : TextStream(descriptor: STDERR_FILENO),
      environment: ProcessInfo.processInfo.environment,
      inputIsTerminal: isatty(STDIN_FILENO) == 1, isOfFollower: isOfFollower,
      input: { readLine(strippingNewline: true) }, stream: { ByteStream() })
  }

  /// A console of given parts.
  package init(
    output: TextStream, messages: TextStream, environment: [String: String] = [:],
    inputIsTerminal: Bool = false, isOfFollower: Bool = false, input: @escaping () -> String? = { nil },
    stream: (() -> ByteStream)? = nil
  ) {
    self.isOfFollower = isOfFollower
    self.output = output
    self.messages = messages
    self.environment = environment
    self.inputIsTerminal = inputIsTerminal
    self.input = input
    self.stream = stream ?? { ByteStream(lines: input) }
  }

  /// Writes a line of results, on a terminal without control characters.
  package func result(_ line: String) { output.line(output.isTerminal ? printable(line) : line) }

  /// Writes results: the text when there is one, else the table.
  package func result(_ text: String?, orTable table: @autoclosure () -> TextTable) {
    if let text { result(text) } else { result(table()) }
  }

  /// Writes a text whose parts stand out in colour, each with what it is behind it; nothing where there are no colours.
  ///
  /// - Parameter marks: The parts in order, in Unicode scalars.
  package func highlight(_ text: String, _ marks: [(range: Range<Int>, type: String)]) {
    guard hasStyle(output) else { return }
    let scalars = Array(text.unicodeScalars)
    func part(_ range: Range<Int>) -> String {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[range.clamped(to: scalars.indices)])
      return printable(String(view))
    }
    var line = ""
    var end = 0
    for (range, type) in marks where range.lowerBound >= end {
      line +=
        part(end..<range.lowerBound)
        + "\u{1B}[1;36m\(part(range))\u{1B}[0m\u{1B}[2m(\(printable(type)))\u{1B}[0m"
      end = range.upperBound
    }
    output.line(line + part(end..<max(end, scalars.count)))
  }

  /// Writes a message, unless `isQuiet`.
  package func note(_ line: String) {
    if isQuiet { return }
    output.flush()
    messages.line(Self.shown(line))
    messages.flush()
  }

  /// Writes a warning in the form `potstill: warning: …`, even if `isQuiet`.
  package func warn(_ line: String) {
    output.flush()
    messages.line("potstill: warning: \(Self.shown(line))")
    messages.flush()
  }

  /// A message as it is shown: without control characters, too long lines and the whole shortened.
  package static func shown(_ message: String) -> String {
    let lines = message.split(separator: "\n", omittingEmptySubsequences: false)
    return shortened(
      lines.map { shortened(printable(String($0)), to: 1500) }.joined(separator: "\n"), to: 4500)
  }

  /// Flushes both streams.
  package func flush() {
    output.flush()
    messages.flush()
  }

  /// Whether a stream may carry colours and bold: a capable terminal, and `NO_COLOR` not set.
  package func hasStyle(_ stream: TextStream) -> Bool {
    stream.isTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
  }

  /// Columns of the terminal behind the messages, else behind the results; 80 when none says.
  package var width: Int {
    for (stream, descriptor) in [(messages, STDERR_FILENO), (output, STDOUT_FILENO)] where stream.isTerminal {
      var size = winsize()
      if stream.isReal, ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
        return Int(size.ws_col)
      }
    }
    return environment["COLUMNS"].flatMap { Int($0) }.map { max($0, 20) } ?? 80
  }
}

/// A stream of text: standard output, standard error, or memory in tests.
///
/// Writes are collected and go out in blocks, after each line on a terminal.
package final class TextStream {
  /// Whether the stream is a terminal.
  package let isTerminal: Bool

  private let sink: ByteSink?
  private let keeps: Bool
  private var pending: [UInt8] = []
  /// The first failure of the operating system, 0 while all went well.
  private(set) package var failure: Int32 = 0

  /// A stream that writes to an open file descriptor.
  package init(descriptor: Int32) {
    sink = ByteSink(descriptor: descriptor)
    keeps = true
    self.isTerminal = isatty(descriptor) == 1
  }

  /// A stream that keeps everything, for tests; `isTerminal` says what to pretend.
  package init(inMemory isTerminal: Bool) {
    sink = nil
    keeps = true
    self.isTerminal = isTerminal
  }

  /// A stream that forgets everything.
  package init() { (sink, keeps, isTerminal) = (nil, false, false) }

  /// Whether the stream goes out of the process, not into memory.
  var isReal: Bool { sink != nil }

  /// Text that an in-memory stream has received, or a file stream has not written yet.
  package var contents: String { String(decoding: pending, as: UTF8.self) }

  /// Adds text as it is.
  package func write(_ text: String) {
    guard keeps else { return }
    pending.append(contentsOf: text.utf8)
    if pending.count > 1 << 16 || isTerminal { flush() }
  }

  /// Adds a line and its end.
  package func line(_ text: String = "") { write(text + "\n") }

  /// Adds a line and sends it.
  package func lineAtOnce(_ text: String) {
    line(text)
    flush()
  }

  /// Sends what is pending to the file.
  package func flush() {
    guard let sink else { return }
    if failure == 0 { failure = sink.write(pending) }
    pending.removeAll(keepingCapacity: true)
  }
}

extension Console: WorkListener {
  /// Shows the progress of a piece of work.
  package func progress(_ title: String, done: Int, total: Int) {
    display.show(title, done: done, total: total)
  }

  /// Ends the progress bar and leaves it as it stands.
  package func progressEnded() { display.finishLine() }
}
