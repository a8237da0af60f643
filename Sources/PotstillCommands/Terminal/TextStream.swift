import Foundation

/// A stream of text: standard output, standard error, or memory in tests.
///
/// Writes are collected and go out in blocks, after each line on a terminal.
package final class TextStream {
  /// Whether a person is watching.
  package let isTerminal: Bool

  private let descriptor: Int32?
  private var pending: [UInt8] = []
  /// The first failure of the operating system, 0 while all went well.
  private(set) package var failure: Int32 = 0

  /// A stream that writes to an open file descriptor.
  package init(descriptor: Int32) {
    self.descriptor = descriptor
    self.isTerminal = isatty(descriptor) == 1
  }

  /// A stream that keeps everything, for tests; `isTerminal` says what to pretend.
  package init(inMemory isTerminal: Bool) {
    self.descriptor = nil
    self.isTerminal = isTerminal
  }

  /// What an in-memory stream has received, or a file stream has not sent yet.
  package var contents: String { String(decoding: pending, as: UTF8.self) }

  /// Adds text as it is.
  package func write(_ text: String) {
    pending.append(contentsOf: text.utf8)
    if pending.count > 1 << 16 || isTerminal { flush() }
  }

  /// Adds a line and its end.
  package func line(_ text: String = "") { write(text + "\n") }

  /// Sends what is pending to the file.
  package func flush() {
    guard let descriptor else { return }
    pending.withUnsafeBytes { bytes in
      var sent = 0
      while sent < bytes.count, failure == 0 {
        let count = Foundation.write(descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent)
        if count >= 0 {
          sent += count
        } else if errno != EINTR {
          failure = errno
        }
      }
    }
    pending.removeAll(keepingCapacity: true)
  }
}
