import Foundation
package import Kernels

/// A number that changes with any of the bytes it has seen; it tells files and models apart, and is no protection against
/// somebody who wants two to look alike.
package struct Fingerprint: Equatable {
  package private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

  /// A fingerprint of nothing yet.
  package init() {}

  /// 16 hexadecimal digits.
  package var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Adds a number.
  package mutating func add(_ word: UInt64) {
    // Multiplying carries differences to higher bits only, so the high half is turned down again.
    value = (value ^ word) &* 0xD6E8_FEB8_6659_FD93
    value = value << 29 | value >> 35
  }

  /// Adds the number of the bytes and the bytes, eight at a time.
  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    add(UInt64(bytes.count))
    let whole = bytes.count & ~7
    for offset in stride(from: 0, to: whole, by: 8) {
      add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
    }
    if whole == bytes.count { return }
    var rest: UInt64 = 0
    for offset in whole..<bytes.count { rest = rest << 8 | UInt64(bytes[offset]) }
    add(rest)
  }

  /// Adds the number of the values' bytes and the bytes.
  package mutating func add<Value: BitwiseCopyable>(_ values: [Value]) { values.withUnsafeBytes { add($0) } }

  /// Adds a text.
  package mutating func add(_ text: String) { add(Array(text.utf8)) }

  /// The size and fingerprint of a regular file.
  ///
  /// - Throws: `FormatError.cannotRead`.
  package static func ofFile(_ url: URL) throws(FormatError) -> (bytes: Int, fingerprint: Fingerprint) {
    let file = try FileReader(path: url.path)
    var fingerprint = Fingerprint()
    try fingerprint.add(file, 0..<file.count)
    return (file.count, fingerprint)
  }

  /// Adds a range of a file, each mebibyte by itself.
  ///
  /// - Throws: `FormatError.cannotRead`.
  package mutating func add(_ file: FileReader, _ range: Range<Int>) throws(FormatError) {
    var fingerprint = self
    try file.forEachPiece(of: range) { fingerprint.add($0) }
    self = fingerprint
  }
}

extension Fingerprint {
  /// Adds the number of the values' bytes and the bytes.
  package mutating func add(_ values: Storage) {
    values.withUnsafeMutablePointer { add(UnsafeRawBufferPointer(start: $0, count: 4 * values.count)) }
  }
}

/// FNV-1a with 64 bits: a hash for tables and names, the same on every machine; it keeps out no adversary.
package struct FNV1a {
  /// The hash so far.
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  /// The hash of nothing.
  package init() {}

  /// The hash of some bytes.
  package init(_ bytes: Span<UInt8>) { add(bytes) }

  /// Adds bytes and their end, so that parts cannot flow into each other.
  package mutating func add(part: [UInt8]) {
    add(part.span)
    add(0xFF)
  }

  private mutating func add(_ bytes: Span<UInt8>) {
    for position in bytes.indices { add(bytes[unchecked: position]) }
  }

  private mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
}
