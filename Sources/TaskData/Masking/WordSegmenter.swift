public import Foundation

/// Cuts a run of Chinese characters into words: from left to right, each time the longest word of a lexicon.
///
/// Forward maximum matching (Liang 1986); a character that begins no word of the lexicon is one by itself.
public struct WordSegmenter: Sendable {
  /// The words of two or more characters, each as its Unicode scalars.
  private let words: Set<[UInt32]>
  private let longest: Int

  /// A segmenter of some words; those of one character are words anyway.
  public init(words: some Sequence<String>) {
    let scalars = words.map { $0.unicodeScalars.map(\.value) }.filter { $0.count > 1 }
    self.words = Set(scalars)
    longest = scalars.map(\.count).max() ?? 1
  }

  /// Reads a file of one word a line; what follows a space or tab, such as a frequency, is passed over.
  ///
  /// Throws `TaskDataError.unreadableFile`, and `badRows` for lines that are not UTF-8.
  public init(contentsOf url: URL) throws(TaskDataError) {
    var lines = try TextLines(path: url.path(percentEncoded: false))
    var words: [String] = []
    while let line = lines.next() {
      words += line.split(maxSplits: 1, whereSeparator: \.isWhitespace).prefix(1).map(String.init)
    }
    if !lines.report.faults.isEmpty { throw .badRows(path: lines.path, report: lines.report) }
    self.init(words: words)
  }

  /// The lengths of the words of a run of characters, in order; they add up to the run.
  func lengths(_ characters: some RandomAccessCollection<UInt32>) -> [Int] {
    let characters = Array(characters)
    var lengths: [Int] = []
    var start = 0
    while start < characters.count {
      var length = min(longest, characters.count - start)
      while length > 1 && !words.contains(Array(characters[start..<start + length])) { length -= 1 }
      lengths.append(max(length, 1))
      start += max(length, 1)
    }
    return lengths
  }
}
