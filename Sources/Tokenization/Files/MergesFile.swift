import Foundation
import ModelFormats

/// The text form of merges, `merges.txt`: two tokens a line, in order of rank.
enum MergesFile {
  /// Reads the merges and looks their tokens up.
  ///
  /// - Throws: `TokenizerError.format`, `.vocabularyLine` or, for a vocabulary without a token of each byte, `.invalid`.
  static func table(contentsOf url: URL, _ vocabulary: Vocabulary) throws(TokenizerError) -> MergeTable {
    let bytes: [UInt8]
    do { bytes = try FileReader.contents(of: url) } catch { throw .format(error) }
    var merges: [(left: String, right: String)] = []
    var lines: [Int] = []
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated()
    {
      let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      // The first line names a version; the last one is empty.
      if content.isEmpty || content.starts(with: "#version".utf8) { continue }
      let parts = content.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        .map { String(validating: $0, as: UTF8.self) }
      guard parts.count == 2, let left = parts[0], let right = parts[1] else {
        throw .vocabularyLine(
          file: url.path, line: index + 1, reason: "expected two tokens in UTF-8 with a space between them")
      }
      merges.append((left, right))
      lines.append(index + 1)
    }
    return try MergeTable(merges, vocabulary) { index, reason in
      index.map { .vocabularyLine(file: url.path, line: lines[$0], reason: reason) }
        ?? .invalid(
          file: url.deletingLastPathComponent().appending(path: "vocab.json").path, field: "the vocabulary",
          reason: reason)
    }
  }

  /// The text of a `merges.txt`.
  static func bytes(_ merges: [(left: String, right: String)]) -> [UInt8] {
    var bytes = Array("#version: 0.2\n".utf8)
    for merge in merges {
      bytes += merge.left.utf8
      bytes.append(UInt8(ascii: " "))
      bytes += merge.right.utf8
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }
}
