/// Tables of Unicode's normalisation forms and of numbers and marks beyond those that BERT's tokenizer needs, those of
/// Hugging Face `tokenizers`.
final class UnicodeFormTables: Sendable {
  /// The one instance; unpacking takes about a millisecond.
  static let shared = UnicodeFormTables()

  /// Properties of a scalar, one bit each.
  private enum Property {
    static let mark: UInt8 = 1 << 0
    static let numeric: UInt8 = 1 << 1
    static let digit: UInt8 = 1 << 2
    static let isCompatible: UInt8 = 1 << 3
    static let composesBehind: UInt8 = 1 << 4
  }

  private let properties: ScalarPages
  private let compatible: ScalarMap
  /// The composed scalar of two, by both of them.
  private let compositions: [UInt64: UInt32]

  private init() {
    var pages = ScalarPages.Builder()
    for (data, property) in [
      (UnicodeFormData.marks, Property.mark), (UnicodeLetterData.numbers, Property.numeric),
      (UnicodeFormData.laterNumbers, Property.numeric), (UnicodeFormData.digits, Property.digit),
    ] {
      for entry in UnicodeDataReader(data) { pages.insert(property, in: entry.range) }
    }
    compatible = UnicodeTables.map(UnicodeFormData.compatible)
    for scalar in compatible.keys { pages.insert(Property.isCompatible, in: scalar...scalar) }
    let excluded = Set(UnicodeDataReader(UnicodeFormData.excluded).flatMap { Array($0.range) })
    let canonical = UnicodeTables.shared.decompositions
    var composed: [[UInt32]: UInt32] = [:]
    for (index, scalar) in canonical.keys.enumerated() where !excluded.contains(scalar) {
      composed[Array(canonical.parts[Int(canonical.starts[index])..<Int(canonical.starts[index + 1])])] =
        scalar
    }
    var compositions: [UInt64: UInt32] = [:]
    for (parts, scalar) in composed {
      guard let last = parts.last, let first = parts.count == 2 ? parts[0] : composed[Array(parts.dropLast())]
      else { continue }
      compositions[Self.key(first, last)] = scalar
      pages.insert(Property.composesBehind, in: last...last)
    }
    self.compositions = compositions
    properties = ScalarPages(pages)
  }

  private static func key(_ first: UInt32, _ second: UInt32) -> UInt64 {
    UInt64(first) << 32 | UInt64(second)
  }

  private func has(_ scalar: UInt32, _ property: UInt8) -> Bool { properties[scalar] & property != 0 }

  /// Whether a scalar is a combining mark (the categories M*).
  func isMark(_ scalar: UInt32) -> Bool { has(scalar, Property.mark) }

  /// Whether a scalar is a number (the categories N*, as the Rust standard library knows them).
  func isNumeric(_ scalar: UInt32) -> Bool { has(scalar, Property.numeric) }

  /// Whether a scalar is a decimal digit, as regular expressions know them.
  func isDigit(_ scalar: UInt32) -> Bool { has(scalar, Property.digit) }

  /// Appends the full decomposition of a scalar, or the scalar itself.
  func decompose(_ scalar: UInt32, compatibly: Bool, into output: inout [UInt32]) {
    if compatibly, has(scalar, Property.isCompatible), let range = compatible.range(of: scalar) {
      output.append(contentsOf: compatible.parts[range])
    } else {
      UnicodeTables.shared.decompose(scalar, into: &output)
    }
  }

  /// The scalar that two become, nil where they do not compose.
  func composed(_ first: UInt32, _ second: UInt32) -> UInt32? {
    let syllables = UnicodeTables.hangul
    if (0x1100..<0x1113).contains(first), (0x1161..<0x1176).contains(second) {
      return syllables.lowerBound + (first - 0x1100) * 588 + (second - 0x1161) * 28
    }
    if syllables.contains(first), (first - syllables.lowerBound) % 28 == 0, (0x11A8..<0x11C3).contains(second)
    {
      return first + second - 0x11A7
    }
    return has(second, Property.composesBehind) ? compositions[Self.key(first, second)] : nil
  }
}
