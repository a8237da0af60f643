/// Event of a TensorBoard file (`tensorflow.Event`) in the record of a TFRecord file that holds it.
///
/// A record is the length of its content (eight bytes), the masked checksum of these, the content, and its masked checksum
/// (tensorflow/core/lib/io/record_writer.cc). A reader takes a last record that is cut off for the end of the file.
package struct EventRecord {
  /// Content of an event, by the fields of `tensorflow.Event`.
  package enum Content {
    /// The form of the file, its first event.
    case fileVersion
    /// The beginning of a session: readers drop what earlier files hold from this step on.
    case sessionStart
    /// Numbers under their tags.
    case scalars([(tag: String, value: Float)])
    /// A text in Markdown under its tag.
    case text(tag: String, String)
  }

  /// Time in seconds since 1970.
  package let wallTime: Double
  /// The updates done.
  package let step: Int
  /// The content.
  package let content: Content

  /// An event with its time and step.
  package init(_ content: Content, step: Int, wallTime: Double) {
    (self.content, self.step, self.wallTime) = (content, step, wallTime)
  }

  /// The bytes of the record.
  package var bytes: [UInt8] {
    let content = message.bytes
    let length = UInt64(content.count).littleEndianBytes
    return length + Self.maskedChecksum(length).littleEndianBytes + content
      + Self.maskedChecksum(content).littleEndianBytes
  }

  /// The checksum as it stands in a record: turned, and moved, since a record may hold records.
  package static func maskedChecksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let sum = CRC32C.of(bytes)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  // MARK: Messages

  private var message: ProtobufMessage {
    var event = ProtobufMessage()
    event.add(1, wallTime)
    if step != 0 { event.add(2, step) }
    switch content {
    case .fileVersion: event.add(3, "brain.Event:2")
    case .scalars(let scalars): event.add(5, Self.summary(scalars.map { Self.value($0.tag, $0.value) }))
    case .text(let tag, let text): event.add(5, Self.summary([Self.value(tag, text: text)]))
    case .sessionStart:
      var log = ProtobufMessage()
      log.add(1, 1)
      event.add(7, log)
    }
    return event
  }

  private static func summary(_ values: [ProtobufMessage]) -> ProtobufMessage {
    var summary = ProtobufMessage()
    for value in values { summary.add(1, value) }
    return summary
  }

  private static func value(_ tag: String, _ number: Float) -> ProtobufMessage {
    var value = ProtobufMessage()
    value.add(1, tag)
    value.add(2, number)
    return value
  }

  /// A tensor of one string, which the metadata give to the plugin of texts.
  private static func value(_ tag: String, text: String) -> ProtobufMessage {
    var (tensor, shape, dimension) = (ProtobufMessage(), ProtobufMessage(), ProtobufMessage())
    dimension.add(1, 1)
    shape.add(2, dimension)
    tensor.add(1, 7)
    tensor.add(2, shape)
    tensor.add(8, text)
    var (metadata, plugin) = (ProtobufMessage(), ProtobufMessage())
    plugin.add(1, "text")
    metadata.add(1, plugin)
    var value = ProtobufMessage()
    value.add(1, tag)
    value.add(8, tensor)
    value.add(9, metadata)
    return value
  }
}

/// CRC-32C (Castagnoli), the checksum of RFC 3720.
package enum CRC32C {
  /// The checksum of some bytes.
  package static func of(_ bytes: some Sequence<UInt8>) -> UInt32 {
    ~bytes.reduce(~0) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ $0 >> 8 }
  }

  /// The remainder of each byte by the polynomial 0x1EDC6F41, bits reversed.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { value, _ in value & 1 == 0 ? value >> 1 : value >> 1 ^ 0x82F6_3B78 }
  }
}
