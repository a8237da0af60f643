/// BERT's normalisation of a stretch of text, step by step as `tokenizers` does it.
///
/// The plain form: the tokenizer itself takes a path that fuses these steps with splitting, and comes here only for
/// text where marks must be reordered, for normalised added tokens, and in the tests, which hold the two to each other.
package struct TextNormalizer: Sendable {
  let cleanText: Bool
  let handleChineseCharacters: Bool
  let stripAccents: Bool
  let lowercase: Bool

  /// The normalisation that options ask for.
  package init(_ options: BertTokenizerOptions) {
    cleanText = options.cleanText
    handleChineseCharacters = options.handleChineseCharacters
    stripAccents = options.stripsAccents
    lowercase = options.lowercase
  }

  /// The normalised text.
  package func normalize(_ text: String) -> String {
    String(copying: normalize(Array(text.utf8).span, firstOrigin: 0).utf8.span)
  }

  /// Normalised scalars, each with the index of the source scalar it is aligned with.
  struct Output: Equatable {
    var scalars: [UInt32] = []
    var origins: [Int32] = []

    mutating func append(_ scalar: UInt32, _ origin: Int32) {
      scalars.append(scalar)
      origins.append(origin)
    }
  }

  /// Normalises UTF-8 text.
  ///
  /// - Parameters:
  ///   - text: valid UTF-8.
  ///   - firstOrigin: the index that the first scalar counts as.
  func normalize(_ text: Span<UInt8>, firstOrigin: Int32) -> Output {
    let tables = UnicodeTables.shared
    var output = Output()
    var position = 0
    var origin = firstOrigin
    while position < text.count {
      let (scalar, length) = text.scalar(at: position)
      position += length
      defer { origin += 1 }
      let properties = tables.properties(of: scalar)
      if cleanText, properties.contains(.control) { continue }
      if cleanText, properties.contains(.white) {
        output.append(0x20, origin)
      } else if handleChineseCharacters, properties.contains(.chinese) {
        for scalar in [0x20, scalar, 0x20] { output.append(scalar, origin) }
      } else {
        output.append(scalar, origin)
      }
    }
    if stripAccents { output = withoutAccents(output, tables) }
    if lowercase {
      var lower = Output()
      var parts: [UInt32] = []
      for (scalar, origin) in zip(output.scalars, output.origins) {
        if !tables.properties(of: scalar).contains(.lowercases) {
          lower.append(scalar, origin)
          continue
        }
        parts.removeAll(keepingCapacity: true)
        tables.lowercase(scalar, into: &parts)
        for part in parts { lower.append(part, origin) }
      }
      output = lower
    }
    return output
  }

  /// Canonical decomposition with reordering, then nonspacing marks dropped.
  ///
  /// Origins follow `tokenizers`: after reordering, the n-th scalar that begins a decomposition is aligned with the
  /// n-th source scalar, and scalars that continue one with the source scalar before.
  private func withoutAccents(_ input: Output, _ tables: UnicodeTables) -> Output {
    var output = Output()
    var run: [(scalar: UInt32, combiningClass: UInt32, begins: Bool)] = []
    var consumed = 0
    func flush() {
      if run.isEmpty { return }
      for item in run {
        if item.begins { consumed += 1 }
        if tables.properties(of: item.scalar).contains(.mark) { continue }
        output.append(item.scalar, input.origins[consumed - 1])
      }
      run.removeAll(keepingCapacity: true)
    }
    var parts: [UInt32] = []
    for scalar in input.scalars {
      if tables.properties(of: scalar).isDisjoint(with: [.decomposes, .mark, .reorders]) {
        flush()
        output.append(scalar, input.origins[consumed])
        consumed += 1
        continue
      }
      parts.removeAll(keepingCapacity: true)
      tables.decompose(scalar, into: &parts)
      for (index, part) in parts.enumerated() {
        let combiningClass = tables.combiningClass(of: part)
        if combiningClass == 0 { flush() }
        // Insertion keeps the order of equal classes; runs of marks are short.
        var place = run.count
        while place > 0, run[place - 1].combiningClass > combiningClass { place -= 1 }
        run.insert((part, combiningClass, index == 0), at: place)
      }
    }
    flush()
    return output
  }
}

extension Span<UInt8> {
  /// The Unicode scalar that starts at a byte of valid UTF-8, and its length in bytes.
  @inline(__always)
  func scalar(at position: Int) -> (scalar: UInt32, length: Int) {
    let first = UInt32(self[position])
    if first < 0x80 { return (first, 1) }
    let second = UInt32(self[position + 1]) & 0x3F
    if first < 0xE0 { return ((first & 0x1F) << 6 | second, 2) }
    let third = UInt32(self[position + 2]) & 0x3F
    if first < 0xF0 { return ((first & 0x0F) << 12 | second << 6 | third, 3) }
    let fourth = UInt32(self[position + 3]) & 0x3F
    return ((first & 0x07) << 18 | second << 12 | third << 6 | fourth, 4)
  }
}

extension [UInt8] {
  /// Appends a scalar's UTF-8 form.
  mutating func append(utf8 scalar: UInt32) {
    switch scalar {
    case 0..<0x80:
      append(UInt8(scalar))
    case 0x80..<0x800:
      append(UInt8(0xC0 | scalar >> 6))
      append(UInt8(0x80 | scalar & 0x3F))
    case 0x800..<0x10000:
      append(UInt8(0xE0 | scalar >> 12))
      append(UInt8(0x80 | scalar >> 6 & 0x3F))
      append(UInt8(0x80 | scalar & 0x3F))
    default:
      append(UInt8(0xF0 | scalar >> 18))
      append(UInt8(0x80 | scalar >> 12 & 0x3F))
      append(UInt8(0x80 | scalar >> 6 & 0x3F))
      append(UInt8(0x80 | scalar & 0x3F))
    }
  }
}
