import Foundation

/// A text file that grows line by line, such as `metrics.jsonl`: whoever follows it sees whole lines.
package final class AppendedFile {
  private let path: String
  private var descriptor: Int32

  /// Opens a file with the lines that it begins with, which take the place of what was there.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  package init(_ url: URL, beginningWith text: String = "") throws(FormatError) {
    path = url.path
    try AtomicFile.write(Array(text.utf8), to: url)
    descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotWrite(file: path, reason: systemMessage()) }
  }

  /// Appends a line, in one write straight to the file.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  package func append(_ line: String) throws(FormatError) {
    let bytes = Array((line + "\n").utf8)
    try bytes.withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try write(all: UnsafeRawBufferPointer(buffer), to: descriptor, of: path)
    }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }
}
