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
