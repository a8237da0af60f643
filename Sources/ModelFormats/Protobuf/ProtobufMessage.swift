/// Message in Protocol Buffers' wire format, written field by field in the order of the fields' numbers.
///
/// As proto3 does it, a number that is 0 is left out where its field always has a value; in a `oneof` it stands.
package struct ProtobufMessage {
  /// The encoded fields.
  package private(set) var bytes: [UInt8] = []

  /// A message without fields.
  package init() {}

  /// Adds a whole number (`int64`, `uint64`, `bool` or an enumeration).
  package mutating func add(_ field: Int, _ value: Int) {
    tag(field, wireType: 0)
    varint(UInt64(bitPattern: Int64(value)))
  }

  /// Adds a `double`.
  package mutating func add(_ field: Int, _ value: Double) {
    tag(field, wireType: 1)
    append(value.bitPattern)
  }

  /// Adds a `float`.
  package mutating func add(_ field: Int, _ value: Float) {
    tag(field, wireType: 5)
    append(value.bitPattern)
  }

  /// Adds a `string`.
  package mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

  /// Adds a message inside this one.
  package mutating func add(_ field: Int, _ message: ProtobufMessage) { add(field, message.bytes) }

  /// Adds `bytes`.
  package mutating func add(_ field: Int, _ content: [UInt8]) {
    begin(field, count: content.count)
    bytes += content
  }

  /// Begins a string, `bytes` or a message whose content of `count` bytes is written behind this message by somebody else, so
  /// that what is large need not be held here.
  package mutating func begin(_ field: Int, count: Int) {
    tag(field, wireType: 2)
    varint(UInt64(count))
  }

  /// Adds the fields of another message behind those of this one.
  package mutating func append(_ message: ProtobufMessage) { bytes += message.bytes }

  private mutating func tag(_ field: Int, wireType: UInt64) {
    precondition(field > 0, "A field of a message has a number of at least 1.")
    varint(UInt64(field) << 3 | wireType)
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func append<Number: FixedWidthInteger>(_ number: Number) {
    bytes += number.littleEndianBytes
  }
}

extension FixedWidthInteger {
  /// The bytes of the number, the lowest first.
  package var littleEndianBytes: [UInt8] {
    stride(from: 0, to: Self.bitWidth, by: 8).map { UInt8(truncatingIfNeeded: self >> $0) }
  }
}
