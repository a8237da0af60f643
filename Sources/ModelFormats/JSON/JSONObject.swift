/// The members of a JSON object in the order they were written; no key occurs twice.
///
/// Keys are compared byte by byte: a vocabulary may hold both the composed and the decomposed form of one character,
/// which Swift's own string comparison would take for the same key.
public struct JSONObject: Sendable, Equatable, Sequence {
  /// The keys, in order.
  public private(set) var keys: [String] = []
  /// The values, in the order of `keys`.
  public private(set) var values: [JSONValue] = []
  /// Open-addressing table of a power-of-two size with entries `hash << 32 | key index + 1` (0 = free); empty while
  /// the object is small.
  private var table: [UInt64] = []

  /// An object without members.
  public init() {}

  /// The number of members.
  public var count: Int { keys.count }

  /// Whether there are no members.
  public var isEmpty: Bool { keys.isEmpty }

  /// The value under a key; assigning nil removes the member, a new key goes to the end.
  public subscript(key: String) -> JSONValue? {
    get { index(of: key).map { values[$0] } }
    set {
      switch (index(of: key), newValue) {
      case (let index?, let value?): values[index] = value
      case (let index?, nil): remove(at: index)
      case (nil, let value?): _ = insertNew(key, value)
      case (nil, nil): break
      }
    }
  }

  /// Adds a member unless the key is there already; says whether it did.
  package mutating func insertNew(_ key: String, _ value: JSONValue) -> Bool {
    if table.isEmpty {
      if keys.contains(where: { Self.same($0, key) }) { return false }
      keys.append(key)
      values.append(value)
      if keys.count > Self.smallCount { grow() }
      return true
    }
    let hash = Self.hash(key)
    let slot = slot(of: key, hash: hash)
    if table[slot] != 0 { return false }
    keys.append(key)
    values.append(value)
    table[slot] = hash << 32 | UInt64(keys.count)
    if keys.count * 2 > table.count { grow() }
    return true
  }

  /// The members in order.
  public func makeIterator() -> some IteratorProtocol<(key: String, value: JSONValue)> {
    zip(keys, values).lazy.map { (key: $0, value: $1) }.makeIterator()
  }

  /// Whether both hold equal values under the same keys in the same order.
  public static func == (a: JSONObject, b: JSONObject) -> Bool {
    a.keys.elementsEqual(b.keys) { same($0, $1) } && a.values == b.values
  }

  // MARK: Look-up

  private static let smallCount = 8

  private func index(of key: String) -> Int? {
    if table.isEmpty { return keys.firstIndex { Self.same($0, key) } }
    let entry = table[slot(of: key, hash: Self.hash(key))]
    return entry == 0 ? nil : Int(entry & 0xFFFF_FFFF) - 1
  }

  private mutating func remove(at index: Int) {
    keys.remove(at: index)
    values.remove(at: index)
    if table.isEmpty { return }
    table = [UInt64](repeating: 0, count: table.count)
    for (index, key) in keys.enumerated() {
      let hash = Self.hash(key)
      table[slot(of: key, hash: hash)] = hash << 32 | UInt64(index + 1)
    }
  }

  /// Doubles the table (or makes the first one); the entries carry their hashes, so no key is hashed again.
  private mutating func grow() {
    var entries = table.filter { $0 != 0 }
    if entries.isEmpty {
      entries = keys.enumerated().map { Self.hash($1) << 32 | UInt64($0 + 1) }
    }
    table = [UInt64](repeating: 0, count: Swift.max(64, table.count * 4))
    let mask = table.count - 1
    for entry in entries {
      var slot = Int(entry >> 32) & mask
      while table[slot] != 0 { slot = (slot + 1) & mask }
      table[slot] = entry
    }
  }

  /// The slot that holds the key, or the free one where it belongs.
  private func slot(of key: String, hash: UInt64) -> Int {
    let mask = table.count - 1
    var slot = Int(hash) & mask
    while true {
      let entry = table[slot]
      if entry == 0 { return slot }
      if entry >> 32 == hash, Self.same(keys[Int(entry & 0xFFFF_FFFF) - 1], key) { return slot }
      slot = (slot + 1) & mask
    }
  }

  /// 32 bits of Swift's seeded hash over the bytes; the seed keeps hostile keys apart.
  private static func hash(_ key: String) -> UInt64 {
    var hasher = Hasher()
    var key = key
    key.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    return UInt64(UInt32(truncatingIfNeeded: hasher.finalize()))
  }

  private static func same(_ a: String, _ b: String) -> Bool {
    a.utf8.count == b.utf8.count && a.utf8.elementsEqual(b.utf8)
  }
}
