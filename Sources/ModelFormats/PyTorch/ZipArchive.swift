/// The entries of a zip archive and where their data lie.
///
/// Everything that says where data lie is checked: the directory at the end, its zip64 form, and the header before each
/// entry. Checksums are not: `torch` can be told to leave them out, and weights are read late or never. Format: PKWARE's APPNOTE.TXT 6.3.
struct ZipArchive {
  /// The place of each entry's data, in bytes from the start of the file.
  let entries: [String: Range<Int>]
  /// Names of entries whose data are compressed, with the method; `torch.save` writes none.
  let compressed: [String: String]

  init(_ content: MappedFile, file: String) throws(FormatError) {
    let directory = try ZipDirectory(content, file: file)
    let bytes = UnsafeRawBufferPointer(content.bytes)
    var entries: [String: Range<Int>] = [:]
    var compressed: [String: String] = [:]
    var spans: [Range<Int>] = []
    var cursor = ByteCursor(UnsafeRawBufferPointer(rebasing: bytes[..<directory.range.upperBound]))
    _ = cursor.take(directory.range.lowerBound)
    for number in 0..<directory.entryCount {
      guard let entry = ZipEntry(&cursor) else {
        throw .pytorch(
          file: file,
          reason: "entry \(number) of the zip directory is damaged; the file needs downloading again")
      }
      func fault(_ reason: String) -> FormatError {
        .pytorch(file: file, reason: "the zip entry \"\(entry.name)\" \(reason)")
      }
      guard entry.flags & 1 == 0 else { throw fault("is encrypted; expected plain entries") }
      if entry.method != 0 { compressed[entry.name] = entry.methodName }
      guard entry.method != 0 || entry.size == entry.compressedSize else { throw fault("has two sizes") }
      guard let start = entry.dataStart(in: bytes),
        entry.compressedSize <= directory.range.lowerBound - start
      else {
        throw fault("does not lie where the zip directory places it; the file needs downloading again")
      }
      guard entries.updateValue(start..<start + entry.compressedSize, forKey: entry.name) == nil else {
        throw fault("occurs twice")
      }
      spans.append(entry.headerOffset..<start + entry.compressedSize)
    }
    spans.sort { $0.lowerBound < $1.lowerBound }
    for (span, next) in zip(spans, spans.dropFirst()) where next.lowerBound < span.upperBound {
      throw .pytorch(file: file, reason: "two zip entries overlap at byte \(next.lowerBound)")
    }
    self.entries = entries
    self.compressed = compressed
  }
}

/// Place of the list of entries, from the records at the end of the archive.
private struct ZipDirectory {
  let range: Range<Int>
  let entryCount: Int

  init(_ content: MappedFile, file: String) throws(FormatError) {
    let bytes = UnsafeRawBufferPointer(content.bytes)
    guard let end = Self.endRecord(bytes) else {
      throw .pytorch(
        file: file,
        reason: "the zip directory at its end is missing: the file is truncated; download it again")
    }
    guard let (start, size, count) = Self.zip64(bytes, endRecord: end) ?? Self.plain(bytes, endRecord: end),
      start <= end, size <= end - start, count <= size / ZipEntry.fixedSize
    else {
      throw .pytorch(
        file: file, reason: "the zip directory at its end contradicts itself; download the file again")
    }
    range = start..<start + size
    entryCount = count
  }

  /// The last record whose comment reaches exactly to the end of the file.
  private static func endRecord(_ bytes: UnsafeRawBufferPointer) -> Int? {
    let last = bytes.count - 22
    guard last >= 0 else { return nil }
    return (max(0, last - 0xFFFF)...last).reversed().first { position in
      var cursor = ByteCursor(bytes, at: position)
      guard cursor.integer(UInt32.self) == 0x0605_4B50 else { return false }
      _ = cursor.take(16)
      return cursor.integer(UInt16.self).map(Int.init) == last - position
    }
  }

  private static func plain(_ bytes: UnsafeRawBufferPointer, endRecord: Int) -> (Int, Int, Int)? {
    var cursor = ByteCursor(bytes, at: endRecord + 4)
    guard cursor.integer(UInt32.self) == 0,  // this disk and the directory's
      let here = cursor.size(UInt16.self), let count = cursor.size(UInt16.self), here == count,
      let size = cursor.size(UInt32.self), let start = cursor.size(UInt32.self)
    else { return nil }
    return (start, size, count)
  }

  /// The place of the zip64 form of the last record; nil without one.
  private static func zip64Position(_ bytes: UnsafeRawBufferPointer, endRecord: Int) -> Int? {
    var locator = ByteCursor(bytes, at: endRecord - 20)
    guard locator.integer(UInt32.self) == 0x0706_4B50, locator.integer(UInt32.self) == 0 else { return nil }
    return locator.size(UInt64.self)
  }

  private static func zip64(_ bytes: UnsafeRawBufferPointer, endRecord: Int) -> (Int, Int, Int)? {
    guard let position = zip64Position(bytes, endRecord: endRecord) else { return nil }
    var cursor = ByteCursor(bytes, at: position)
    guard cursor.integer(UInt32.self) == 0x0606_4B50, cursor.take(12) != nil,
      cursor.integer(UInt64.self) == 0,  // this disk and the directory's
      let here = cursor.size(UInt64.self), let count = cursor.size(UInt64.self), here == count,
      let size = cursor.size(UInt64.self), let start = cursor.size(UInt64.self)
    else { return nil }
    return (start, size, count)
  }
}

/// One entry of the directory.
private struct ZipEntry {
  static let fixedSize = 46

  let name: String
  let flags: UInt16
  let method: UInt16
  private(set) var compressedSize: Int
  private(set) var size: Int
  private(set) var headerOffset: Int

  /// Reads the entry and moves behind it, nil when it is damaged.
  init?(_ cursor: inout ByteCursor) {
    guard cursor.integer(UInt32.self) == 0x0201_4B50, cursor.take(4) != nil,
      let flags = cursor.integer(UInt16.self), let method = cursor.integer(UInt16.self),
      cursor.take(8) != nil,  // time, date, checksum
      let compressedSize = cursor.size(UInt32.self), let size = cursor.size(UInt32.self),
      let nameLength = cursor.size(UInt16.self), let extraLength = cursor.size(UInt16.self),
      let commentLength = cursor.size(UInt16.self), cursor.take(8) != nil,  // disk, attributes
      let headerOffset = cursor.size(UInt32.self), let name = cursor.text(nameLength),
      let extra = cursor.take(extraLength), cursor.take(commentLength) != nil
    else { return nil }
    (self.name, self.flags, self.method) = (name, flags, method)
    (self.compressedSize, self.size, self.headerOffset) = (compressedSize, size, headerOffset)
    guard readZip64(extra) else { return nil }
  }

  /// Replaces the numbers that need 64 bits: those whose own 32 bits are all ones, in this order.
  private mutating func readZip64(_ extra: UnsafeRawBufferPointer) -> Bool {
    let sentinel = Int(UInt32.max)
    guard [size, compressedSize, headerOffset].contains(sentinel) else { return true }
    var fields = ByteCursor(extra)
    while let kind = fields.integer(UInt16.self) {
      guard let length = fields.size(UInt16.self), let content = fields.take(length) else { return false }
      guard kind == 1 else { continue }
      var numbers = ByteCursor(content)
      func wide(_ narrow: inout Int) -> Bool {
        guard narrow == sentinel else { return true }
        guard let number = numbers.size(UInt64.self) else { return false }
        narrow = number
        return true
      }
      return wide(&size) && wide(&compressedSize) && wide(&headerOffset)
    }
    return false
  }

  /// The start of the data behind the entry's own header; nil when that is not the header of this entry.
  func dataStart(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard headerOffset < bytes.count else { return nil }
    var cursor = ByteCursor(bytes, at: headerOffset)
    guard cursor.integer(UInt32.self) == 0x0403_4B50, cursor.take(2) != nil,
      cursor.integer(UInt16.self) == flags, cursor.integer(UInt16.self) == method,
      cursor.take(8) != nil,  // time, date, checksum
      let compressed = cursor.size(UInt32.self), let size = cursor.size(UInt32.self),
      let nameLength = cursor.size(UInt16.self), let extraLength = cursor.size(UInt16.self),
      cursor.text(nameLength) == name, cursor.take(extraLength) != nil
    else { return nil }
    // A descriptor behind the data repeats the sizes; the header then need not know them.
    let isKnown = flags & 8 == 0 && size != Int(UInt32.max) && compressed != Int(UInt32.max)
    guard !isKnown || (size == self.size && compressed == compressedSize) else { return nil }
    return cursor.position
  }

  var methodName: String {
    switch method {
    case 8: "Deflate"
    case 9: "Deflate64"
    case 12: "bzip2"
    case 14: "LZMA"
    case 93: "Zstandard"
    case 95: "XZ"
    default: "method \(method)"
    }
  }
}

/// A place in bytes that never moves past their end: what does not fit is nil.
struct ByteCursor {
  let bytes: UnsafeRawBufferPointer
  private(set) var position: Int

  /// - Parameter position: The first byte to read; a position outside of `bytes` reads nothing.
  init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
    self.bytes = bytes
    self.position = position >= 0 ? min(position, bytes.count) : bytes.count
  }

  /// The next `count` bytes.
  mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, count <= bytes.count - position else { return nil }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  /// A little-endian integer.
  mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) -> T? {
    take(MemoryLayout<T>.size).map { T(littleEndian: $0.loadUnaligned(as: T.self)) }
  }

  /// A little-endian unsigned integer where a number of bytes or a place in the file is meant.
  mutating func size<T: FixedWidthInteger & UnsignedInteger>(_ type: T.Type) -> Int? {
    integer(type).flatMap { Int(exactly: $0) }
  }

  /// Valid UTF-8 of `count` bytes.
  mutating func text(_ count: Int) -> String? {
    take(count).flatMap { String(validating: $0, as: UTF8.self) }
  }

  /// Valid UTF-8 up to the next line feed, which is skipped.
  mutating func line() -> String? {
    guard let end = bytes[position...].firstIndex(of: 0x0A) else { return nil }
    let text = text(end - position)
    position = end + 1
    return text
  }
}
