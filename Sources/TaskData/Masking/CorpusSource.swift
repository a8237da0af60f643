public import Foundation

/// Which texts become the sequences of a corpus, and how.
public struct CorpusSource: Sendable, Hashable {
  /// The text files, read one after the other.
  public var paths: [String]
  /// The largest number of tokens of a sequence, special tokens included.
  public var maxLength: Int
  /// Whether each line is a sequence of its own, rather than lines packed end to end.
  public var isLineByLine: Bool
  /// How many sequences to take at most; nil takes all.
  public var limit: Int?
  /// What to do with lines that are not UTF-8.
  public var badRows: BadRowPolicy

  /// Texts with the usual settings.
  public init(
    paths: [String], maxLength: Int = 128, isLineByLine: Bool = false, limit: Int? = nil,
    badRows: BadRowPolicy = .fail
  ) {
    self.paths = paths
    self.maxLength = maxLength
    self.isLineByLine = isLineByLine
    self.limit = limit
    self.badRows = badRows
  }

  /// A number that changes with anything the corpus depends on: the settings; path, size and time of change of each
  /// text file; and the tokenizer's files, byte by byte.
  ///
  /// - Parameter tokenizer: The folder of the tokenizer.
  public func fingerprint(tokenizer: URL) -> UInt64 {
    var hash = Fingerprint()
    hash.add("potstill corpus 1, \(maxLength), \(isLineByLine), \(limit ?? -1), \(badRows.rawValue)")
    for path in paths {
      let url = URL(filePath: path).standardizedFileURL
      let attributes = try? FileManager.default.attributesOfItem(atPath: url.path)
      let size = (attributes?[.size] as? NSNumber)?.intValue ?? -1
      let changed = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
      hash.add("\(url.path), \(size), \(changed.bitPattern)")
    }
    for name in ["tokenizer.json", "tokenizer_config.json", "vocab.txt", "vocab.json", "merges.txt"] {
      guard let data = try? Data(contentsOf: tokenizer.appending(path: name)) else { continue }
      hash.add("\(name), \(data.count)")
      hash.add(data)
    }
    return hash.value
  }
}

/// FNV-1a with 64 bits: tells versions apart, and keeps out no adversary.
private struct Fingerprint {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
    // The end counts too, so that parts cannot flow into each other.
    value = (value ^ 0xFF) &* 0x100_0000_01b3
  }

  mutating func add(_ text: String) { add(text.utf8) }
}
