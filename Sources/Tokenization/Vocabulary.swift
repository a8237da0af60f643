import ModelFormats

/// The tokens of a model and their ids.
///
/// Tokens are compared byte by byte: Swift's own string comparison would take the composed and the decomposed form of
/// one character for the same token.
public struct Vocabulary: Sendable {
  /// All tokens' UTF-8 bytes, one after the other in order of id.
  private(set) var bytes: [UInt8] = []
  /// Starts of each id's token in `bytes`, then the end of the last.
  private(set) var starts: [UInt32] = [0]
  /// All tokens in order of id; an id without a token has an empty string.
  public private(set) var tokens: [String] = []
  /// Whether an id has a token; ids may have gaps.
  private var exists: [Bool] = []
  /// Open-addressing table of a power-of-two size with entries `id + 1` (0 = free).
  private var table: [UInt32] = []

  /// Ids whose token has a later id too, which counts.
  private var superseded: Set<Int32> = []

  /// The number of different tokens.
  public private(set) var count = 0

  /// A vocabulary whose ids are the positions in the list; of a token that occurs twice, the later id counts.
  public init(_ tokens: [String]) {
    self.tokens = tokens
    exists = [Bool](repeating: true, count: tokens.count)
    starts.reserveCapacity(tokens.count + 1)
    bytes.reserveCapacity(tokens.count * 8)
    for token in tokens {
      bytes.append(contentsOf: token.utf8)
      starts.append(UInt32(bytes.count))
    }
    fillTable()
  }

  /// A vocabulary from tokens with ids; of a token that occurs twice, the later entry counts.
  package init(entries: [(token: String, id: Int32)]) {
    self.init(ascending: entries.isSortedByID ? entries : entries.sorted { $0.id < $1.id })
  }

  /// A vocabulary from tokens in ascending order of ids.
  private init(ascending entries: some Collection<(token: String, id: Int32)>) {
    tokens.reserveCapacity(entries.count)
    exists.reserveCapacity(entries.count)
    starts.reserveCapacity(entries.count + 1)
    bytes.reserveCapacity(entries.count * 8)
    for (token, id) in entries {
      precondition(id >= 0, "Token ids are not negative, found \(id) for \"\(token)\".")
      // Two tokens under one id: the first keeps it.
      if exists.count > Int(id) { continue }
      while exists.count < Int(id) {
        exists.append(false)
        tokens.append("")
        starts.append(UInt32(bytes.count))
      }
      bytes.append(contentsOf: token.utf8)
      starts.append(UInt32(bytes.count))
      exists.append(true)
      tokens.append(token)
    }
    fillTable()
  }

  /// Fills the table by which tokens are found.
  private mutating func fillTable() {
    var size = 64
    while size < exists.count * 2 { size *= 2 }
    table = [UInt32](repeating: 0, count: size)
    for id in exists.indices where exists[id] {
      let range = Int(starts[id])..<Int(starts[id + 1])
      let slot = slot(of: bytes.span.extracting(range))
      if table[slot] == 0 { count += 1 } else { superseded.insert(Int32(table[slot] - 1)) }
      table[slot] = UInt32(id + 1)
    }
  }

  /// One more than the largest id: the number of rows an embedding table needs.
  public var idLimit: Int { exists.count }

  /// The tokens that have more than one id, of which the last counts.
  package var repeatedTokens: [String] { superseded.sorted().map { tokens[Int($0)] } }

  /// The id of a token, nil when the vocabulary does not have it.
  public func id(of token: String) -> Int32? {
    id(of: Array(token.utf8).span)
  }

  /// The token with an id, nil when there is none.
  public func token(_ id: Int32) -> String? {
    guard id >= 0, Int(id) < exists.count, exists[Int(id)] else { return nil }
    return tokens[Int(id)]
  }

  /// The id of a token given as UTF-8.
  func id(of token: Span<UInt8>) -> Int32? {
    let entry = table[slot(of: token)]
    return entry == 0 ? nil : Int32(entry - 1)
  }

  /// Calls `body` with the bytes and id of every token that can be looked up, in order of id.
  func forEach(_ body: (Span<UInt8>, Int32) -> Void) {
    for id in exists.indices where exists[id] && !superseded.contains(Int32(id)) {
      body(bytes.span.extracting(range(of: id)), Int32(id))
    }
  }

  private func range(of id: Int) -> Range<Int> { Int(starts[id])..<Int(starts[id + 1]) }

  /// The slot that holds a token, or the free one where it belongs.
  private func slot(of token: Span<UInt8>) -> Int {
    // Folded: the table is at most half full, so runs stay short.
    let hash = FNV1a(token).value
    let mask = table.count - 1
    var slot = Int(truncatingIfNeeded: hash ^ hash >> 29) & mask
    while true {
      let entry = table[slot]
      if entry == 0 || same(token, Int(entry) - 1) { return slot }
      slot = (slot + 1) & mask
    }
  }

  private func same(_ token: Span<UInt8>, _ id: Int) -> Bool {
    let start = Int(starts[id])
    guard Int(starts[id + 1]) - start == token.count else { return false }
    for position in 0..<token.count where token[position] != bytes[start + position] { return false }
    return true
  }
}

extension Vocabulary: Equatable {
  /// Whether both give the same ids to the same tokens.
  public static func == (a: Vocabulary, b: Vocabulary) -> Bool {
    a.bytes == b.bytes && a.starts == b.starts && a.exists == b.exists
  }
}

extension [(token: String, id: Int32)] {
  fileprivate var isSortedByID: Bool {
    indices.dropFirst().allSatisfy { self[$0 - 1].id < self[$0].id }
  }
}

/// The characters that stand for bytes in byte-level vocabularies.
///
/// GPT-2 (Radford and others 2019) writes each byte that prints in Latin-1 as that character, and the others, in order,
/// as the characters from U+0100 on: a space is Ġ.
enum ByteLevelAlphabet {
  /// The character of each byte.
  static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0...0xFF as ClosedRange<UInt32>).map { byte in
      if prints(byte) { return Unicode.Scalar(UInt8(byte)) }
      defer { next += 1 }
      return Unicode.Scalar(next) ?? "?"
    }
  }()

  /// The character of the space.
  static let space = scalars[0x20]

  /// The bytes that a token stands for, nil when it holds other characters.
  static func bytes(of token: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(token.utf8.count)
    for scalar in token.unicodeScalars {
      guard scalar.value < inverse.count, let byte = inverse[Int(scalar.value)] else { return nil }
      bytes.append(byte)
    }
    return bytes
  }

  /// Whether a byte occurs in UTF-8.
  static func isUsed(_ byte: UInt8) -> Bool { byte < 0xC0 || (0xC2...0xF4).contains(byte) }

  private static let inverse: [UInt8?] = {
    var inverse = [UInt8?](repeating: nil, count: 0x200)
    for (byte, scalar) in scalars.enumerated() { inverse[Int(scalar.value)] = UInt8(byte) }
    return inverse
  }()

  private static func prints(_ byte: UInt32) -> Bool {
    (0x21...0x7E).contains(byte) || (0xA1...0xAC).contains(byte) || byte >= 0xAE
  }
}
