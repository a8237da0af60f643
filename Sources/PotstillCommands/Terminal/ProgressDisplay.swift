import Foundation

/// Shows a long loop on the message stream: one line rewritten on a terminal, a line now and then in a log.
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
  package func show(_ title: String, done: Int, total: Int, values: [(name: String, value: String)] = []) {
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
    guard done >= total ? isWorthIt : time - lastShown >= interval else { return }
    lastShown = time
    let line = ProgressLine(
      title: title, done: done, total: total, elapsed: time - started, timed: done - first, values: values)
    if console.messages.isTerminal {
      let width = console.width
      console.messages.write("\r" + clipped(line.bar(width: width), to: width - 1) + "\u{1B}[K")
      hasOpenLine = true
      if done >= total { finishLine() }
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
