public import Foundation
import ModelFormats
public import Tokenization

/// Running text as token ids in a file: sequences are read one by one, in any order, and only their ends are kept in memory.
///
/// The file holds a magic number, the ids as Int32, the end of each sequence as Int64 (in tokens), and a footer of five
/// 64-bit numbers: sequences, lines read, lines left out, fingerprint and the magic number again; all little-endian.
/// It is written under another name and renamed, so a corpus that exists is complete.
public final class TokenizedCorpus: Sendable {
  /// The file.
  public let path: String
  /// The number of sequences.
  public let count: Int
  /// The number of tokens in all sequences.
  public let tokenCount: Int
  /// The lines of text it was made from, blank ones not counted.
  public let lineCount: Int
  /// The lines that could not be used and were left out.
  public let skippedLineCount: Int
  /// The `CorpusSource.fingerprint` of what it was made from.
  public let fingerprint: UInt64
  private let file: FileReader
  /// Ends of the sequences, in tokens [count].
  private let ends: [Int64]
  /// One more than the largest id that a sequence may have.
  private let idLimit: Int

  static let magic: UInt64 = 0x504f_5453_544f_4b31  // "POTSTOK1"
  private static let footerSize = 40

  /// Opens a corpus file.
  ///
  /// - Parameter idLimit: One more than the largest id that a sequence may have.
  /// - Throws: `DatasetError.unreadableFile` when the file is missing or something else.
  public init(contentsOf url: URL, idLimit: Int = Int(Int32.max)) throws(DatasetError) {
    let path = url.path(percentEncoded: false)
    func fault(_ reason: String) -> DatasetError { .unreadableFile(path: path, reason: reason) }
    let (footer, start): ([UInt64], Int)
    do throws(FormatError) {
      file = try FileReader(path: path)
      start = file.count - Self.footerSize
      let head: [UInt64] = start >= 8 ? try file.numbers(1, at: 0) : []
      footer = head == [Self.magic] ? try file.numbers(5, at: start) : []
    } catch {
      throw .unreadable(path, error)
    }
    guard footer.last == Self.magic else { throw fault("it is not a file of tokens") }
    let misfit = fault("its size does not fit the \(footer[0]) sequences it names")
    guard let count = Int(exactly: footer[0]), count <= (start - 8) / 8 else { throw misfit }
    let tokenBytes = start - 8 - 8 * count
    do throws(FormatError) { ends = try file.numbers(count, at: start - 8 * count) } catch {
      throw .unreadable(path, error)
    }
    guard tokenBytes % 4 == 0, (ends.last ?? 0) == tokenBytes / 4 else { throw misfit }
    guard zip([0] + ends, ends).allSatisfy({ $0 <= $1 }) else {
      throw fault("its sequences do not follow one another")
    }
    self.path = path
    self.count = count
    self.idLimit = idLimit
    tokenCount = tokenBytes / 4
    lineCount = Int(truncatingIfNeeded: footer[1])
    skippedLineCount = Int(truncatingIfNeeded: footer[2])
    fingerprint = footer[3]
  }

  /// One sequence, all of one segment, without a target.
  ///
  /// - Throws: `DatasetError.unreadableFile` when the file has become shorter or holds ids that are none.
  public subscript(index: Int) -> EncodedExample {
    get throws(DatasetError) {
      let range = range(index)
      let ids: [Int32]
      do throws(FormatError) { ids = try file.numbers(range.count, at: 8 + 4 * range.lowerBound) } catch {
        throw .unreadable(path, error)
      }
      if let id = ids.first(where: { $0 < 0 || Int($0) >= idLimit }) {
        throw .unreadableFile(
          path: path,
          reason:
            "sequence \(index + 1) has the id \(id), expected one from 0 to \(idLimit - 1); delete the file, and it is made again"
        )
      }
      return EncodedExample(ids: ids, segments: Array(repeating: 0, count: ids.count))
    }
  }

  /// A fingerprint of the tokens of all sequences.
  ///
  /// - Throws: `DatasetError.unreadableFile` when the file has become shorter.
  package func contentFingerprint() throws(DatasetError) -> String {
    var fingerprint = Fingerprint()
    do throws(FormatError) { try fingerprint.add(file, 8..<8 + 4 * tokenCount) } catch {
      throw .unreadable(path, error)
    }
    fingerprint.add(ends)
    return fingerprint.text
  }

  /// The number of tokens of each sequence [count].
  public var lengths: [Int] { (0..<count).map { range($0).count } }

  /// The tokens of a sequence.
  private func range(_ index: Int) -> Range<Int> {
    precondition(index >= 0 && index < count, "There is no sequence \(index) among \(count).")
    return (index == 0 ? 0 : Int(ends[index - 1]))..<Int(ends[index])
  }
}

extension DatasetError {
  /// The error for a file of tokens that cannot be read.
  fileprivate static func unreadable(_ path: String, _ error: FormatError) -> DatasetError {
    if case .cannotRead(_, let reason) = error { return .unreadableFile(path: path, reason: reason) }
    return .unreadableFile(path: path, reason: "\(error)")
  }
}

extension TokenizedCorpus {
  /// The corpus of some texts: the one in a file when it was made from the very same, or else a new one in its place.
  ///
  /// The texts are read and tokenized piece by piece on all cores. What is kept in memory is one piece and the end of
  /// each sequence. Leftovers of a process that was killed while it wrote this file are removed.
  ///
  /// - Parameters:
  ///   - url: The file of the corpus, in a folder that exists.
  ///   - source: The texts.
  ///   - tokenizer: What makes tokens of them.
  ///   - directory: The folder of the tokenizer's files, which are part of the fingerprint.
  ///   - progress: Told of the bytes of text read, out of all, now and then.
  /// - Throws: `DatasetError` for files that cannot be read, lines that are not UTF-8 (unless they are skipped), texts
  ///   without a token, and a file that cannot be written; `TokenizerError.truncation` for a length without room.
  public static func open(
    _ url: URL, of source: CorpusSource, tokenizer: any Tokenizer, directory: URL,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> TokenizedCorpus {
    removeLeftovers(of: url)
    let files = try TextFiles(paths: source.paths, badRows: source.badRows)
    let fingerprint = source.fingerprint(tokenizer: directory)
    let idLimit = tokenizer.idLimit
    if let known = try? TokenizedCorpus(contentsOf: url, idLimit: idLimit), known.fingerprint == fingerprint {
      return known
    }
    var texts = try PackedTexts(
      files, with: tokenizer, maxLength: source.maxLength, isLineByLine: source.isLineByLine)
    var writer = try CorpusWriter(url)
    while writer.count < source.limit ?? .max, let sequence = texts.next() {
      // One text alone is one segment in every template of BERT's family; the file has no room for more.
      guard sequence.segments.allSatisfy({ $0 == 0 }) else {
        throw TokenizerError.invalid(
          file: "tokenizer.json", field: "post_processor",
          reason: "a single text has tokens of segment 1, expected segment 0 alone")
      }
      try writer.add(sequence.ids)
      if writer.count % 1024 == 0 {
        progress(
          min(texts.lines.bytesRead, texts.lines.byteCount), texts.lines.byteCount)
      }
    }
    var lines = texts.lines
    try lines.finish()
    progress(lines.byteCount, lines.byteCount)
    try writer.finish(lines: lines.lineCount, skipped: lines.faultCount, fingerprint: fingerprint)
    return try TokenizedCorpus(contentsOf: url, idLimit: idLimit)
  }

  /// Removes what a killed process left half-written.
  private static func removeLeftovers(of url: URL) {
    let folder = url.deletingLastPathComponent()
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where name.hasPrefix(".\(url.lastPathComponent).") && name.hasSuffix(".tmp") {
      try? FileManager.default.removeItem(at: folder.appending(path: name))
    }
  }
}

/// Writer of a corpus file, sequence by sequence; without `finish` nothing remains of it.
private struct CorpusWriter {
  private let file: AtomicFile
  private var buffer: [Int32] = []
  private var ends: [Int64] = []

  /// The sequences so far.
  var count: Int { ends.count }

  init(_ url: URL) throws(FormatError) {
    file = try AtomicFile(url)
    try file.write(numbers: [TokenizedCorpus.magic])
  }

  mutating func add(_ ids: [Int32]) throws(FormatError) {
    buffer += ids
    ends.append((ends.last ?? 0) + Int64(ids.count))
    if buffer.count >= 1 << 16 {
      try file.write(numbers: buffer)
      buffer.removeAll(keepingCapacity: true)
    }
  }

  mutating func finish(lines: Int, skipped: Int, fingerprint: UInt64) throws(FormatError) {
    try file.write(numbers: buffer)
    try file.write(numbers: ends)
    try file.write(numbers: [
      UInt64(ends.count), UInt64(lines), UInt64(skipped), fingerprint, TokenizedCorpus.magic,
    ])
    try file.commit()
  }
}
