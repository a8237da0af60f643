import Foundation
import ModelFormats

/// Reader of TensorBoard's event files, small and strict: it checks each checksum, and stops at a record that is cut off.
struct EventFile {
  struct Event {
    var step = 0
    var version: String?
    var isSessionStart = false
    var scalars: [String: Float] = [:]
    var texts: [String: String] = [:]
  }

  struct Damage: Error {}

  private(set) var events: [Event] = []

  init(_ url: URL) throws {
    let bytes = [UInt8](try Data(contentsOf: url))
    var place = 0
    while place + 12 <= bytes.count {
      let head = bytes[place..<place + 8]
      let count = Int(Self.number(head))
      guard Self.number(bytes[place + 8..<place + 12]) == UInt64(EventRecord.maskedChecksum(head)) else {
        throw Damage()
      }
      guard place + 16 + count <= bytes.count else { return }
      let content = bytes[place + 12..<place + 12 + count]
      let sum = bytes[place + 12 + count..<place + 16 + count]
      guard Self.number(sum) == UInt64(EventRecord.maskedChecksum(content)) else { throw Damage() }
      events.append(try Self.event(content))
      place += 16 + count
    }
  }

  /// The scalars of some files as a reader of TensorBoard shows them: a session drops what is there from its step on.
  static func scalars(of urls: [URL]) throws -> [Int: [String: Float]] {
    var known: [Int: [String: Float]] = [:]
    for event in try urls.flatMap({ try EventFile($0).events }) {
      if event.isSessionStart { known = known.filter { $0.key < event.step } }
      known[event.step, default: [:]].merge(event.scalars) { _, _ in .nan }
    }
    return known.filter { !$0.value.isEmpty }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  private static func event(_ bytes: ArraySlice<UInt8>) throws -> Event {
    var event = Event()
    for (field, number, content) in try fields(bytes) {
      switch field {
      case 2: event.step = Int(number)
      case 3: event.version = String(decoding: content, as: UTF8.self)
      case 5: for (_, _, value) in try fields(content) { try read(value, into: &event) }
      case 7: event.isSessionStart = try fields(content).contains { $0.field == 1 && $0.number == 1 }
      default: break
      }
    }
    return event
  }

  private static func read(_ value: ArraySlice<UInt8>, into event: inout Event) throws {
    var tag = ""
    for (field, number, content) in try fields(value) {
      switch field {
      case 1: tag = String(decoding: content, as: UTF8.self)
      case 2: event.scalars[tag] = Float(bitPattern: UInt32(number))
      case 8:
        event.texts[tag] = try fields(content).first { $0.field == 8 }.map {
          String(decoding: $0.content, as: UTF8.self)
        }
      default: break
      }
    }
  }

  private static func fields(
    _ bytes: ArraySlice<UInt8>
  ) throws -> [(field: Int, number: UInt64, content: ArraySlice<UInt8>)] {
    var rest = bytes
    var found: [(field: Int, number: UInt64, content: ArraySlice<UInt8>)] = []
    func varint() throws -> UInt64 {
      var (value, shift): (UInt64, UInt64) = (0, 0)
      while let byte = rest.popFirst() {
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      throw Damage()
    }
    func take(_ count: Int) throws -> ArraySlice<UInt8> {
      guard rest.count >= count else { throw Damage() }
      defer { rest = rest.dropFirst(count) }
      return rest.prefix(count)
    }
    while !rest.isEmpty {
      let key = try varint()
      switch key & 7 {
      case 0: found.append((Int(key >> 3), try varint(), []))
      case 1: found.append((Int(key >> 3), number(try take(8)), []))
      case 2: found.append((Int(key >> 3), 0, try take(Int(try varint()))))
      case 5: found.append((Int(key >> 3), number(try take(4)), []))
      default: throw Damage()
      }
    }
    return found
  }
}
