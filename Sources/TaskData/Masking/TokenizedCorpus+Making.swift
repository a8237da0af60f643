public import Foundation
import ModelFormats
public import Tokenization

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
  /// - Throws: `TaskDataError` for files that cannot be read, lines that are not UTF-8 (unless they are skipped), texts
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
      if writer.count % 1024 == 0 { progress(texts.lines.bytesRead, texts.lines.byteCount) }
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

/// Writes a corpus file sequence by sequence; without `finish` nothing remains of it.
private struct CorpusWriter {
  private let file: AtomicFile
  private var buffer: [Int32] = []
  private var ends: [Int64] = []

  /// The sequences so far.
  var count: Int { ends.count }

  init(_ url: URL) throws(FormatError) {
    file = try AtomicFile(url)
    try write([TokenizedCorpus.magic])
  }

  mutating func add(_ ids: [Int32]) throws(FormatError) {
    buffer += ids
    ends.append((ends.last ?? 0) + Int64(ids.count))
    if buffer.count >= 1 << 16 {
      try write(buffer)
      buffer.removeAll(keepingCapacity: true)
    }
  }

  mutating func finish(lines: Int, skipped: Int, fingerprint: UInt64) throws(FormatError) {
    try write(buffer)
    try write(ends)
    try write([
      UInt64(ends.count), UInt64(lines), UInt64(skipped), fingerprint, TokenizedCorpus.magic,
    ])
    try file.commit()
  }

  private func write<Number: FixedWidthInteger>(_ numbers: [Number]) throws(FormatError) {
    let numbers = numbers.map(\.littleEndian)
    try numbers.withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try file.write(UnsafeRawBufferPointer(buffer))
    }
  }
}
