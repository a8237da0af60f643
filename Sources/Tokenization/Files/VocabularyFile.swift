import Foundation
import ModelFormats

extension Vocabulary {
  /// Reads a `vocab.txt`: one token a line, whose number (from 0) is the id; white space at line ends is dropped.
  ///
  /// Of a token that occurs twice, the later line counts, as in `tokenizers`.
  ///
  /// - Throws: `TokenizerError.format` or `.vocabularyLine`.
  public init(contentsOf url: URL) throws(TokenizerError) {
    let bytes: [UInt8]
    do { bytes = try FileReader.contents(of: url) } catch { throw .format(error) }
    if let fault = FileContents.lineEndFault(bytes) {
      throw .vocabularyLine(file: url.path, line: 1, reason: fault)
    }
    var entries: [(token: String, id: Int32)] = []
    entries.reserveCapacity(bytes.count / 6)
    var start = 0
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      guard let line = String(validating: bytes[start..<end], as: UTF8.self) else {
        throw .vocabularyLine(
          file: url.path, line: entries.count + 1,
          reason: "found bytes that are not UTF-8; save the file as UTF-8")
      }
      entries.append((line.trimmedAtEnd, Int32(entries.count)))
      start = end + 1
    }
    guard !entries.isEmpty else {
      throw .vocabularyLine(file: url.path, line: 1, reason: "the file is empty; expected one token a line")
    }
    self.init(entries: entries)
  }

  /// The tokens and ids of a JSON object.
  ///
  /// - Parameter field: the name of a token's entry in errors.
  /// - Throws: `TokenizerError.invalid` for an id that is none.
  init(_ members: JSONObject, file: String, field: (String) -> String) throws(TokenizerError) {
    let (keys, values) = (members.keys, members.values)
    // Ids are rows of an embedding table: far beyond the number of tokens they are a mistake.
    let largest = keys.count * 4 + 1_000_000
    var entries: [(token: String, id: Int32)] = []
    entries.reserveCapacity(keys.count)
    var isTaken = [Bool](repeating: false, count: largest + 1)
    for (token, value) in zip(keys, values) {
      guard let id = value.intValue, id >= 0, id <= largest else {
        throw .invalid(
          file: file, field: field(token),
          reason:
            "found \(value.intValue.map(String.init) ?? value.kind), expected an id from 0 to \(largest)")
      }
      if isTaken[id] {
        let other = entries.first { $0.id == id }?.token ?? ""
        throw .invalid(
          file: file, field: field(printable(token, atMost: 200)),
          reason:
            "found the id \(id), which \"\(printable(other, atMost: 200))\" has; expected an id of its own for each token"
        )
      }
      isTaken[id] = true
      entries.append((token, Int32(id)))
    }
    self.init(entries: entries)
  }

  /// The tokens and ids as a JSON object, in order of id.
  var json: JSONValue {
    var object = JSONObject()
    forEach { token, id in _ = object.insertNew(String(copying: token), .integer(Int(id))) }
    return .object(object)
  }

  /// The text of a `vocab.txt`.
  func fileBytes() -> [UInt8] {
    var bytes: [UInt8] = []
    for token in tokens {
      bytes += token.utf8
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }
}

extension String {
  /// The string without white space at its end.
  fileprivate var trimmedAtEnd: String {
    // Most tokens end in ASCII.
    if let last = utf8.last, last > 0x20, last < 0x80 { return self }
    var scalars = unicodeScalars[...]
    while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
    return String(scalars)
  }
}

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
