/// Reason why a file of records cannot be read.
package enum RecordFileError: Error, Equatable {
  /// The system cannot read it.
  case unreadable(FormatError)
  /// It is a file of another kind.
  case foreign
  /// It is written in another version of the format.
  case version(found: UInt64, expected: UInt64)
  /// The beginning is damaged.
  case damaged
  /// It has another size than the description and the lengths ask for.
  case size(found: Int, expected: Int)
}

/// Head of a file of records, one for each example of a data set; every number of the file is little-endian.
///
/// ```
/// 0   "potstill"
/// 8   the format's version, 8 bytes
/// 16  the bytes of the description, 8 bytes
/// 24  a fingerprint of description and lengths, 8 bytes
/// 32  the description (JSON, whose "examples" counts the records), filled up with spaces to whole words
///     the length of each example, 4 bytes each, filled up to whole words
///     a checksum of each record, 8 bytes each; 0 says that it is not there yet
///     the records: parts of Float32 or half precision in order, filled up to whole words
/// ```
package struct RecordHead: Sendable {
  private static let magic = Array("potstill".utf8)
  private static let version: UInt64 = 1
  private static let fixedBytes = 32

  /// Description of the records.
  package let description: JSONValue
  /// The length of each example, on which the size of its record depends.
  package let lengths: [Int]
  /// The file up to the checksums.
  let bytes: [UInt8]

  /// The head of a new file.
  package init(_ description: JSONValue, lengths: [Int]) {
    var text = Array(description.compactText.utf8)
    text += repeatElement(UInt8(ascii: " "), count: -text.count & 7)
    var padded = lengths.map { UInt32($0).littleEndian }
    if padded.count % 2 == 1 { padded.append(0) }
    let table = padded.withUnsafeBytes { Array($0) }
    let words = [Self.version, UInt64(text.count), Self.fingerprint(text, table)].map(\.littleEndian)
    let numbers = words.withUnsafeBytes { Array($0) }
    self.description = description
    self.lengths = lengths
    bytes = Self.magic + numbers + text + table
  }

  /// Reads the head of a file.
  ///
  /// - Throws: `RecordFileError` for a file that is none, is of another version or is damaged.
  package init(reading file: FileReader) throws(RecordFileError) {
    let fixed = file.count >= Self.fixedBytes ? try Self.bytes(of: file, 0, Self.fixedBytes) : []
    guard fixed.prefix(8).elementsEqual(Self.magic) else { throw .foreign }
    let word: [UInt64] = Self.numbers(fixed, count: 4)
    guard word[1] == Self.version else { throw .version(found: word[1], expected: Self.version) }
    guard let size = Int(exactly: word[2]), size <= file.count - Self.fixedBytes, size % 8 == 0 else {
      throw .damaged
    }
    let text = try Self.bytes(of: file, Self.fixedBytes, size)
    guard let json = try? JSONValue(parsing: text, file: file.path),
      let count = json["examples"]?.intValue, count >= 0, count <= file.count
    else { throw .damaged }
    let (tableStart, tableBytes) = (Self.fixedBytes + size, (4 * count + 7) & ~7)
    guard tableBytes + 8 * count <= file.count - tableStart else { throw .damaged }
    let table = try Self.bytes(of: file, tableStart, tableBytes)
    guard Self.fingerprint(text, table) == word[3] else { throw .damaged }
    let lengths: [UInt32] = Self.numbers(table, count: count)
    description = json
    self.lengths = lengths.map { Int($0) }
    bytes = fixed + text + table
  }

  private static func bytes(
    of file: FileReader, _ start: Int, _ count: Int
  ) throws(RecordFileError) -> [UInt8] {
    do { return try file.numbers(count, at: start) } catch { throw .unreadable(error) }
  }

  private static func fingerprint(_ text: [UInt8], _ table: [UInt8]) -> UInt64 {
    var fingerprint = Fingerprint()
    fingerprint.add(text)
    fingerprint.add(table)
    return fingerprint.value
  }

  /// The first numbers of some bytes.
  private static func numbers<Number: FixedWidthInteger & BitwiseCopyable>(
    _ bytes: [UInt8], count: Int
  ) -> [Number] {
    bytes.withUnsafeBytes { buffer in
      (0..<count).map {
        Number(
          littleEndian: buffer.loadUnaligned(
            fromByteOffset: MemoryLayout<Number>.size * $0, as: Number.self))
      }
    }
  }
}

/// Layout of a file of records: the place of each record and of its checksum.
package struct RecordLayout: Sendable {
  /// The head of the file.
  let head: RecordHead
  /// Offsets of the records, and the size of the file, [records + 1].
  private let offsets: [Int]

  /// The layout of a file.
  ///
  /// - Parameters:
  ///   - head: The head of the file.
  ///   - recordBytes: The bytes of each record, whole words.
  package init(_ head: RecordHead, recordBytes: [Int]) {
    precondition(
      recordBytes.count == head.lengths.count && recordBytes.allSatisfy { $0 % 8 == 0 },
      "Each example has a record of whole words.")
    self.head = head
    var offset = head.bytes.count + 8 * recordBytes.count
    offsets =
      [offset]
      + recordBytes.map { size in
        offset += size
        return offset
      }
  }

  /// The bytes that a record of some numbers takes, filled up to whole words.
  package static func wholeWords(_ byteCount: Int) -> Int { (byteCount + 7) & ~7 }

  /// The number of records.
  var count: Int { head.lengths.count }

  /// The size of the whole file.
  var fileSize: Int { offsets[count] }

  /// Offset of the checksum of a record.
  func checksumOffset(_ record: Int) -> Int { head.bytes.count + 8 * record }

  /// Byte range of a record.
  func range(_ record: Int) -> Range<Int> { offsets[record]..<offsets[record + 1] }

  /// A checksum of the bytes of a record, never 0.
  static func checksum(_ record: [UInt8]) -> UInt64 {
    var fingerprint = Fingerprint()
    fingerprint.add(record)
    return max(1, fingerprint.value)
  }
}
