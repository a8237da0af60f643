import Foundation
import ModelFormats

/// Layout of a cache's file; every number is little-endian.
///
/// ```
/// 0   "potstill"
/// 8   the format's version, 8 bytes
/// 16  the bytes of the description, 8 bytes
/// 24  a fingerprint of description and lengths, 8 bytes
/// 32  the description (JSON), filled up with spaces to whole words
///     the tokens of each example, 4 bytes each, filled up to whole words
///     a checksum of each example's rows, 8 bytes each; 0 says that they are not there yet
///     the rows of each example: its parts in order, filled up to whole words
/// ```
struct CacheLayout {
  static let magic = Array("potstill".utf8)
  static let version: UInt64 = 1
  static let fixedBytes = 32

  let description: TeacherCacheDescription
  /// The file up to the checksums.
  let head: [UInt8]
  /// Offsets of each example's rows, and the size of the file, [examples + 1].
  let offsets: [Int]

  /// The layout of a new file.
  init(_ description: TeacherCacheDescription) {
    var text = Array(description.json.compactText.utf8)
    text += repeatElement(UInt8(ascii: " "), count: -text.count & 7)
    var lengths = description.lengths.map { UInt32($0).littleEndian }
    if lengths.count % 2 == 1 { lengths.append(0) }
    let table = lengths.withUnsafeBytes { Array($0) }
    var fingerprint = Fingerprint()
    fingerprint.add(text)
    fingerprint.add(table)
    var head = Self.magic
    for number in [Self.version, UInt64(text.count), fingerprint.value] {
      withUnsafeBytes(of: number.littleEndian) { head += $0 }
    }
    self.init(description, head: head + text + table)
  }

  private init(_ description: TeacherCacheDescription, head: [UInt8]) {
    self.description = description
    self.head = head
    var offset = head.count + 8 * description.lengths.count
    offsets =
      [offset]
      + description.lengths.map { length in
        offset += TeacherCacheDescription.recordBytes(description.parts, length: length)
        return offset
      }
  }

  /// Reads the beginning of a file: the layout, and a checksum of each example's rows.
  ///
  /// - Throws: `DistillationError.cache` for a file that is none, is of another version or is damaged.
  static func read(_ file: FileReader) throws(DistillationError) -> (CacheLayout, checksums: [UInt64]) {
    func fault(_ message: String) -> DistillationError { .cache(file: file.path, message: message) }
    func bytes(_ start: Int, _ count: Int) throws(DistillationError) -> [UInt8] {
      do { return try file.numbers(count, at: start) } catch { throw fault("cannot be read: \(error)") }
    }
    func integers(_ bytes: [UInt8]) -> [UInt64] {
      bytes.withUnsafeBytes { buffer in
        (0..<buffer.count / 8).map {
          UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: 8 * $0, as: UInt64.self))
        }
      }
    }
    let fixed = file.count >= fixedBytes ? try bytes(0, fixedBytes) : []
    guard fixed.prefix(8).elementsEqual(magic) else {
      throw fault("is no teacher cache; expected a file made by 'potstill cache'")
    }
    let word = integers(fixed)
    guard word[1] == version else {
      throw fault("has version \(word[1]) of the format, expected \(version); build it again")
    }
    let damaged = fault("is damaged: its description cannot be read; delete it and build it again")
    guard let size = Int(exactly: word[2]), size <= file.count - fixedBytes, size % 8 == 0 else {
      throw damaged
    }
    let text = try bytes(fixedBytes, size)
    guard let json = try? JSONValue(parsing: text, file: file.path),
      let count = json["examples"]?.intValue, count >= 0, count <= file.count
    else { throw damaged }
    let (tableStart, tableBytes) = (fixedBytes + size, (4 * count + 7) & ~7)
    guard tableBytes + 8 * count <= file.count - tableStart else { throw damaged }
    let table = try bytes(tableStart, tableBytes)
    var fingerprint = Fingerprint()
    fingerprint.add(text)
    fingerprint.add(table)
    let lengths = table.withUnsafeBytes { buffer in
      (0..<count).map {
        Int(UInt32(littleEndian: buffer.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
    guard fingerprint.value == word[3],
      let description = TeacherCacheDescription(json: json, lengths: lengths)
    else { throw damaged }
    let layout = CacheLayout(description, head: fixed + text + table)
    guard file.count == layout.fileSize else {
      throw fault("has \(file.count) bytes, expected \(layout.fileSize); delete it and build it again")
    }
    return (layout, integers(try bytes(layout.checksumOffset(0), 8 * count)))
  }

  /// The size of the whole file.
  var fileSize: Int { offsets[offsets.count - 1] }

  /// Offset of an example's checksum.
  func checksumOffset(_ example: Int) -> Int { head.count + 8 * example }

  /// Byte range of an example's rows.
  func record(_ example: Int) -> Range<Int> { offsets[example]..<offsets[example + 1] }

  /// A checksum of an example's rows, never 0.
  static func checksum(_ record: UnsafeRawBufferPointer) -> UInt64 {
    var fingerprint = Fingerprint()
    fingerprint.add(record)
    return max(1, fingerprint.value)
  }
}
