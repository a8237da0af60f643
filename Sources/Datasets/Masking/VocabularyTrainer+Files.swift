public import Tokenization

extension VocabularyTrainer {
  /// Counts the words of all lines of text files, a few thousand lines at a time.
  ///
  /// - Parameters:
  ///   - lines: The files; they are read to their end.
  ///   - threads: The workers; nil takes all.
  ///   - progress: Told of the kilobytes read and of all.
  /// - Throws: `DatasetError` for lines that are not UTF-8, unless they are skipped.
  public mutating func feed(
    _ lines: inout TextFiles, threads: Int? = nil, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws {
    var batch: [String] = []
    var bytes = 0
    while true {
      let line = lines.next()
      if let line {
        batch.append(line)
        bytes += line.utf8.count
      }
      // Enough for every core, and little beside the counts.
      guard line == nil || bytes > 1 << 22 else { continue }
      feed(batch, threads: threads)
      progress(min(lines.bytesRead, lines.byteCount) >> 10, max(1, lines.byteCount >> 10))
      batch.removeAll(keepingCapacity: true)
      bytes = 0
      if line == nil { break }
    }
    try lines.finish()
  }
}
