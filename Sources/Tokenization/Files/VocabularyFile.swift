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
