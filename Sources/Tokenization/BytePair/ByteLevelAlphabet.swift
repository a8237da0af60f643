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
