package import Foundation
package import ModelFormats

/// File of rows that were tokenized once, read in any order; only the number of tokens of each is kept in memory.
///
/// All numbers are little-endian. The file is written under another name and renamed, so one that exists is whole.
///
/// ```
/// 0   "POTSROW1"
/// 8   the records, each of 32-bit words
///     the end of each record in words from the first, 8 bytes each
///     the tokens of each record, twice, and 1 more where it has a target; 4 bytes each, filled up to whole words
///     a note (JSON)
///     the numbers of records, of words and of bytes of the note, a key and "POTSROW1" again, 8 bytes each
/// ```
package final class RowShard: Sendable {
  /// The file.
  package let path: String
  /// The number of tokens of each record [count].
  package let lengths: [Int]
  /// The note that was written with the records.
  package let note: JSONValue
  /// The number of records that have a target.
  package let targetCount: Int
  /// One more than the largest id of a token.
  let idLimit: Int
  private let targets: [UInt64]
  private let file: FileReader
  private let wordCount: Int

  fileprivate static let magic: UInt64 = 0x504f_5453_524f_5731  // "POTSROW1"
  private static let footerSize = 40

  /// The number of records.
  package var count: Int { lengths.count }
  /// The bytes of the file.
  package var byteCount: Int { file.count }

  /// Place of a record as messages name it: the row of the file that it was made of, where each record is a row of its own.
  func place(of record: Int) -> String {
    guard let source = note["source"]?.stringValue, note["rows"]?.intValue == count else {
      return "record \(record + 1) of \(path)"
    }
    return "\(source), usable row \(record + 1)"
  }

  /// Opens a file; nil where it was made of something else, or is none of these.
  ///
  /// - Parameters:
  ///   - key: The number that says what it must be made of.
  ///   - idLimit: One more than the largest id of a token.
  package init?(_ url: URL, key: UInt64, idLimit: Int) {
    let path = url.path(percentEncoded: false)
    guard let file = try? FileReader(path: path), file.count >= Self.footerSize + 8,
      let head: [UInt64] = try? file.numbers(1, at: 0), head == [Self.magic],
      let footer: [UInt64] = try? file.numbers(5, at: file.count - Self.footerSize),
      footer[3] == key, footer[4] == Self.magic, let count = Int(exactly: footer[0]),
      let wordCount = Int(exactly: footer[1]), let noteBytes = Int(exactly: footer[2]),
      count <= file.count / 12, wordCount <= file.count / 4, noteBytes <= file.count
    else { return nil }
    let heads = 8 + 4 * wordCount + 8 * count
    let note = heads + (4 * count + 7) & ~7
    guard note + noteBytes + Self.footerSize == file.count,
      let bytes: [UInt8] = try? file.numbers(noteBytes, at: note),
      let value = try? JSONValue(parsing: bytes),
      let numbers: [UInt32] = try? file.numbers(count, at: heads)
    else { return nil }
    var targets = [UInt64](repeating: 0, count: (count + 63) / 64)
    for (index, number) in numbers.enumerated() where number & 1 == 1 {
      targets[index >> 6] |= 1 << UInt64(index & 63)
    }
    (self.path, self.file, self.idLimit, self.wordCount, self.targets) = (
      path, file, idLimit, wordCount, targets
    )
    (self.note, lengths) = (value, numbers.map { Int($0 >> 1) })
    targetCount = targets.reduce(0) { $0 + $1.nonzeroBitCount }
  }

  /// Whether a record has a target.
  func hasTarget(_ index: Int) -> Bool { targets[index >> 6] >> UInt64(index & 63) & 1 == 1 }

  /// The words of records that follow one another, and the start of each among them [range + 1].
  ///
  /// - Throws: `DatasetError.unreadableFile` when the file has become shorter or is damaged.
  func words(_ range: Range<Int>) throws(DatasetError) -> (words: [Int32], starts: [Int]) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= count, "There are no rows \(range) among \(count).")
    do throws(FormatError) {
      let first = max(0, range.lowerBound - 1)
      let stored: [UInt64] = try file.numbers(range.upperBound - first, at: 8 + 4 * wordCount + 8 * first)
      let ends = (range.lowerBound == 0 ? [0] : []) + stored
      guard zip(ends, ends.dropFirst()).allSatisfy({ $0 <= $1 }), ends[ends.count - 1] <= UInt64(wordCount)
      else { throw FormatError.cannotRead(file: path, reason: "its records do not follow one another") }
      let start = Int(ends[0])
      let words: [Int32] = try file.numbers(Int(ends[ends.count - 1]) - start, at: 8 + 4 * start)
      return (words, ends.map { Int($0) - start })
    } catch {
      guard case .cannotRead(_, let reason) = error else {
        throw .unreadableFile(path: path, reason: "\(error)")
      }
      throw .unreadableFile(path: path, reason: reason)
    }
  }

  /// The error of a record that is none.
  func damage(_ index: Int) -> DatasetError {
    .unreadableFile(
      path: path, reason: "row \(index + 1) is damaged; delete the file, and it is made again")
  }
}

/// Writer of a file of tokenized rows, one after the other; without `commit` nothing remains of it.
package struct RowShardWriter {
  private let file: AtomicFile
  private var words: [Int32] = []
  private var wordCount = 0
  /// The words of each record, and its number of tokens and whether it has a target.
  private var sizes: [UInt32] = []
  private var heads: [UInt32] = []

  /// A writer of a file in a folder that exists.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  package init(_ url: URL) throws(FormatError) {
    file = try AtomicFile(url)
    try file.write(numbers: [RowShard.magic])
  }

  /// Adds a row.
  ///
  /// - Parameters:
  ///   - length: The tokens of the row.
  ///   - hasTarget: Whether it has a target.
  /// - Throws: `FormatError.cannotWrite`.
  package mutating func add(
    _ row: some StoredRow, length: Int, hasTarget: Bool
  ) throws(FormatError) {
    let before = words.count
    row.append(to: &words)
    sizes.append(UInt32(words.count - before))
    heads.append(UInt32(length) << 1 | (hasTarget ? 1 : 0))
    if words.count >= 1 << 18 { try flush() }
  }

  private mutating func flush() throws(FormatError) {
    try file.write(numbers: words)
    wordCount += words.count
    words.removeAll(keepingCapacity: true)
  }

  /// Gives the file its name.
  ///
  /// - Parameters:
  ///   - key: The number by which it is known again.
  ///   - note: What else is known about the rows.
  /// - Throws: `FormatError.cannotWrite`.
  package mutating func commit(key: UInt64, note: JSONValue) throws(FormatError) {
    try flush()
    var end: UInt64 = 0
    for start in stride(from: 0, to: sizes.count, by: 1 << 16) {
      try file.write(
        numbers: sizes[start..<min(sizes.count, start + 1 << 16)].map { size -> UInt64 in
          end += UInt64(size)
          return end
        })
    }
    if heads.count % 2 == 1 { heads.append(0) }
    try file.write(numbers: heads)
    let bytes = Array(note.compactText.utf8)
    try file.write(bytes)
    try file.write(numbers: [
      UInt64(sizes.count), UInt64(wordCount), UInt64(bytes.count), key, RowShard.magic,
    ])
    try file.commit()
  }
}
