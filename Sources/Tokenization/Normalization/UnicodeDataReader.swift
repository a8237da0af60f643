/// Reads the entries of a `UnicodeData` string: `first-last/step:target,target`, all but `first` optional, hexadecimal.
struct UnicodeDataReader: Sequence, IteratorProtocol {
  struct Entry {
    var range: ClosedRange<UInt32>
    var step: UInt32
    var targets: [UInt32]
  }

  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  init(_ data: StaticString) {
    bytes = UnsafeBufferPointer(start: data.utf8Start, count: data.utf8CodeUnitCount)
  }

  mutating func next() -> Entry? {
    while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
    guard position < bytes.count else { return nil }
    let first = number()
    var entry = Entry(range: first...first, step: 1, targets: [])
    if skip("-") { entry.range = first...number() }
    if skip("/") { entry.step = number() }
    if skip(":") {
      repeat { entry.targets.append(number()) } while skip(",")
    }
    return entry
  }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func number() -> UInt32 {
    var value: UInt32 = 0
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
      default: return value
      }
      position += 1
    }
    return value
  }
}
