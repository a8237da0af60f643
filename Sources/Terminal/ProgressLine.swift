import Foundation

/// Progress of a long loop, as the line that tqdm would show.
///
///     Epoch 2/3:  37%|███▋      | 412/1105 [01:12<02:01, 5.7it/s, loss=0.41]
package struct ProgressLine {
  /// Name of the loop: `Epoch 2/3`.
  package var title: String
  /// Steps done.
  package var done: Int
  /// Steps in all; nil where nobody knows.
  package var total: Int?
  /// Seconds since the first step began.
  package var elapsed: Double
  /// Steps that `elapsed` covers, when the loop did not start at zero.
  package var timed: Int
  /// Values at the end of the line: `loss=0.41`.
  package var values: [(name: String, value: String)]

  /// A line; `timed` is `done` by default.
  package init(
    title: String, done: Int, total: Int?, elapsed: Double, timed: Int? = nil,
    values: [(name: String, value: String)] = []
  ) {
    self.title = title
    self.done = done
    self.total = total
    self.elapsed = elapsed
    self.timed = timed ?? done
    self.values = values
  }

  /// The line for a terminal: its bar takes what is left of `width`, between 10 and 40 columns.
  package func bar(width: Int = 80) -> String {
    guard let total else { return plain() }
    let fraction = total > 0 ? min(1, Double(done) / Double(total)) : 0
    let percent = padded(String(Int(fraction * 100)), to: 3, onLeft: true)
    let head = "\(title): \(percent)%|"
    let tail = "| \(done)/\(total) [\(tailText(", "))]"
    let cells = max(10, min(40, width - 1 - displayWidth(head) - displayWidth(tail)))
    return head + Self.blocks(fraction, cells: cells) + tail
  }

  /// The line for a log file: no bar.
  package func plain() -> String {
    "\(title): \(done)\(total.map { "/\($0)" } ?? "") [\(tailText(", "))]"
  }

  private func tailText(_ separator: String) -> String {
    let rate = elapsed > 0 ? Double(timed) / elapsed : 0
    let left = total.map { total in "<" + (rate > 0 ? Self.clock(Double(total - done) / rate) : "?") } ?? ""
    let parts = [Self.clock(elapsed) + left, Self.rate(rate)]
    return (parts + values.map { "\($0.name)=\($0.value)" }).joined(separator: separator)
  }

  /// Minutes and seconds, with hours from the first hour on.
  package static func clock(_ seconds: Double) -> String {
    let whole = Int(min(max(seconds, 0), 359_999).rounded())
    let text = String(format: "%02d:%02d", whole / 60 % 60, whole % 60)
    return whole >= 3600 ? "\(whole / 3600):\(text)" : text
  }

  /// `5.7it/s`, or `2.1s/it` for slow steps.
  package static func rate(_ stepsPerSecond: Double) -> String {
    if stepsPerSecond <= 0 { return "?it/s" }
    if stepsPerSecond < 1 { return String(format: "%.1fs/it", 1 / stepsPerSecond) }
    return String(format: stepsPerSecond < 100 ? "%.1fit/s" : "%.0fit/s", stepsPerSecond)
  }

  /// A bar of `cells` columns in steps of an eighth of a column.
  package static func blocks(_ fraction: Double, cells: Int) -> String {
    let partial = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let eighths = min(cells * 8, max(0, Int(fraction * Double(cells * 8))))
    let full = eighths / 8
    let bar = String(repeating: "█", count: full)
    return full == cells ? bar : bar + partial[eighths % 8] + String(repeating: " ", count: cells - full - 1)
  }
}

/// Display of a long loop on the message stream: one line rewritten on a terminal, a line now and then in a log.
package final class ProgressDisplay {
  private let console: Console
  private let now: () -> Double
  private var title = ""
  private var started = 0.0
  private var first = 0
  private var lastShown = -Double.infinity
  private var hasOpenLine = false

  /// Seconds between two lines in a log file, and between two redraws on a terminal.
  private var interval: Double { console.messages.isTerminal ? 0.1 : 15 }

  /// A display on a console; `now` gives seconds from any origin.
  package init(_ console: Console, now: @escaping () -> Double = { ProcessInfo.processInfo.systemUptime }) {
    self.console = console
    self.now = now
  }

  /// Shows a step; a new title starts a new clock.
  package func show(_ title: String, done: Int, total: Int?, values: [(name: String, value: String)] = []) {
    if console.isQuiet { return }
    let time = now()
    if title != self.title {
      finishLine()
      self.title = title
      started = time
      first = done
      lastShown = console.messages.isTerminal ? -Double.infinity : time
    }
    // A loop that was over in no time is worth no line in a log.
    let isWorthIt = console.messages.isTerminal || time - started >= 2
    let isLast = total.map { done >= $0 } ?? false
    guard isLast ? isWorthIt : time - lastShown >= interval else { return }
    lastShown = time
    let line = ProgressLine(
      title: title, done: done, total: total, elapsed: time - started, timed: done - first, values: values)
    if console.messages.isTerminal {
      let width = console.width
      console.messages.write("\r" + clipped(line.bar(width: width), to: width - 1) + "\u{1B}[K")
      hasOpenLine = true
      if isLast { finishLine() }
    } else {
      console.messages.line(line.plain())
      console.messages.flush()
    }
  }

  /// Writes a line of its own above the bar.
  package func note(_ text: String) {
    if console.isQuiet { return }
    if hasOpenLine { console.messages.write("\r\u{1B}[K") }
    hasOpenLine = false
    console.note(text)
  }

  /// Leaves the bar as it stands and goes to the next line.
  package func finishLine() {
    if hasOpenLine { console.messages.line() }
    hasOpenLine = false
  }
}
