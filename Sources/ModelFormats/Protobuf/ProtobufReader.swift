/// Fault in a message of Protocol Buffers: the byte where it lies and what is wrong there.
package struct ProtobufFault: Error, Equatable {
  /// The byte of the file, counted from 0.
  package let place: Int
  /// Reason: the thing found and the thing expected.
  package let reason: String

  /// A fault at a byte.
  package init(place: Int, reason: String) { (self.place, self.reason) = (place, reason) }
}

/// Reader of a message in Protocol Buffers' wire format, field by field, without copying what the fields hold.
///
/// Lengths are checked before anything is taken, so a message of any bytes is read in time and memory bounded by its own
/// size. Format: https://protobuf.dev/programming-guides/encoding.
package struct ProtobufReader {
  /// Content of a field, as its wire type says.
  package enum Content: Equatable {
    /// A whole number, a truth value or an enumeration.
    case varint(UInt64)
    /// Eight bytes, such as a `double`.
    case eight(UInt64)
    /// Four bytes, such as a `float`.
    case four(UInt32)
    /// A string, bytes or a message: its place in the file.
    case bytes(Range<Int>)
  }

  /// Field of a message.
  package struct Field {
    /// The number that the format gives the field.
    package let number: Int
    /// Content of the field.
    package let content: Content
    /// The byte of the file at which it begins.
    package let place: Int

    /// The field as a whole number of 32 bits.
    ///
    /// - Throws: `ProtobufFault`, as the others.
    package func int32() throws(ProtobufFault) -> Int {
      guard case .varint(let bits) = content else { throw fault("a whole number") }
      guard let number = Int32(exactly: Int64(bitPattern: bits)) else {
        throw fault("a whole number of 32 bits")
      }
      return Int(number)
    }

    /// The field as a truth value.
    package func bool() throws(ProtobufFault) -> Bool {
      guard case .varint(let bits) = content else { throw fault("a truth value") }
      return bits != 0
    }

    /// The field as a `float`.
    package func float() throws(ProtobufFault) -> Float {
      guard case .four(let bits) = content else { throw fault("a float") }
      return Float(bitPattern: bits)
    }

    /// The place of the string, the bytes or the message that the field holds.
    package func range() throws(ProtobufFault) -> Range<Int> {
      guard case .bytes(let range) = content else { throw fault("bytes") }
      return range
    }

    private func fault(_ expected: String) -> ProtobufFault {
      let found =
        switch content {
        case .varint(let bits): "the whole number \(Int64(bitPattern: bits))"
        case .eight: "eight bytes"
        case .four: "four bytes"
        case .bytes(let range): "\(range.count) bytes of text or a message"
        }
      return ProtobufFault(place: place, reason: "field \(number) holds \(found), expected \(expected)")
    }
  }

  private let bytes: [UInt8]
  private var place: Int
  private let end: Int

  /// A reader of the message that fills a range of a file.
  package init(_ bytes: [UInt8], _ range: Range<Int>) {
    precondition(range.upperBound <= bytes.count, "A message lies inside the bytes of its file.")
    self.bytes = bytes
    (place, end) = (range.lowerBound, range.upperBound)
  }

  /// The next field; nil at the end of the message.
  ///
  /// - Throws: `ProtobufFault`.
  package mutating func next() throws(ProtobufFault) -> Field? {
    if place == end { return nil }
    let start = place
    let tag = try varint()
    let number = tag >> 3
    guard number > 0, number < 1 << 29 else {
      throw ProtobufFault(
        place: start, reason: "found a field with the number \(number), expected 1 to 2^29 - 1")
    }
    let content: Content
    switch tag & 7 {
    case 0: content = .varint(try varint())
    case 1: content = .eight(try word(8))
    case 2:
      let count = try varint()
      guard count <= UInt64(end - place) else {
        throw ProtobufFault(
          place: start,
          reason:
            "field \(number) says \(count) bytes and \(end - place) are left; the file is cut off or damaged")
      }
      content = .bytes(place..<place + Int(count))
      place += Int(count)
    case 5: content = .four(UInt32(truncatingIfNeeded: try word(4)))
    default:
      throw ProtobufFault(
        place: start, reason: "field \(number) has the wire type \(tag & 7), expected 0, 1, 2 or 5")
    }
    return Field(number: Int(number), content: content, place: start)
  }

  /// The text of a range of the file; nil where it is not UTF-8.
  package func text(_ range: Range<Int>) -> String? { String(validating: bytes[range], as: UTF8.self) }

  /// The reader of a message inside this one.
  package func message(_ range: Range<Int>) -> ProtobufReader { ProtobufReader(bytes, range) }

  private mutating func varint() throws(ProtobufFault) -> UInt64 {
    let start = place
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while place < end {
      let byte = bytes[place]
      place += 1
      if shift == 63, byte > 1 { break }
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
      shift += 7
      if shift > 63 { break }
    }
    throw ProtobufFault(
      place: start, reason: "a number is cut off or longer than the 10 bytes of 64 bits; the file is damaged")
  }

  private mutating func word(_ count: Int) throws(ProtobufFault) -> UInt64 {
    guard end - place >= count else {
      throw ProtobufFault(place: place, reason: "a number of \(count) bytes is cut off")
    }
    var value: UInt64 = 0
    for index in 0..<count { value |= UInt64(bytes[place + index]) << UInt64(8 * index) }
    place += count
    return value
  }
}
