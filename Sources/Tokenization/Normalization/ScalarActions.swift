/// Action for a Unicode scalar on the fused path through cleaning, normalising and splitting.
enum ScalarAction: UInt8 {
  /// Goes into the word as it is.
  case copy
  /// Vanishes.
  case drop
  /// Ends the word.
  case space
  /// Is a word of its own (punctuation, Chinese characters).
  case isolate
  /// Is replaced by other scalars, each of which is then copied or isolated.
  case map
  /// Ends the word, is replaced by other scalars, ends the word again (Chinese compatibility characters).
  case mapIsolated
  /// Is a mark that survives accent stripping and may have to be reordered: needs the plain path.
  case reorder
}

/// The action of every scalar under given options, for the fused path.
struct ScalarActions: Sendable {
  /// The `ScalarAction` of every scalar.
  let pages: ScalarPages
  /// The action of each byte: the byte that goes into the word, an action below 0x20, or `notASCII`.
  let ascii: [UInt8]
  /// The replacements of scalars with the actions `map` and `mapIsolated`, Hangul syllables excepted.
  let replacements: ScalarMap

  /// Marks the bytes of `ascii` that belong to longer UTF-8 sequences.
  static let notASCII: UInt8 = 0x1F

  init(_ options: BertTokenizerOptions) {
    let tables = UnicodeTables.shared
    let pages = tables.properties.mapValues {
      Self.action(ScalarProperties(rawValue: $0), options).rawValue
    }
    var replacements: [(UInt32, [UInt32])] = []
    var changing = options.lowercase ? tables.lowercase.keys : []
    if options.stripsAccents { changing += tables.decompositions.keys }
    changing.sort()
    var parts: [UInt32] = []
    for (index, scalar) in changing.enumerated() where index == 0 || changing[index - 1] != scalar {
      parts.removeAll(keepingCapacity: true)
      Self.replacement(of: scalar, options, into: &parts)
      replacements.append((scalar, parts))
    }
    self.replacements = ScalarMap(replacements)
    let map = self.replacements
    self.pages = pages
    ascii = (0..<256).map { byte in
      let scalar = UInt32(byte)
      guard scalar < 0x80 else { return Self.notASCII }
      switch ScalarAction(rawValue: pages[scalar]) {
      case .copy where scalar >= 0x20: return UInt8(scalar)
      case .map: return map.range(of: scalar).map { UInt8(map.parts[$0.lowerBound]) } ?? UInt8(scalar)
      case .copy, .drop, .space, .isolate, .mapIsolated, .reorder, nil: return pages[scalar]
      }
    }
  }

  /// Appends what a scalar becomes: its decomposition without nonspacing marks, in lower case.
  static func replacement(of scalar: UInt32, _ options: BertTokenizerOptions, into output: inout [UInt32]) {
    let tables = UnicodeTables.shared
    var parts = [scalar]
    if options.stripsAccents {
      parts.removeAll()
      tables.decompose(scalar, into: &parts)
      parts.removeAll { tables.properties(of: $0).contains(.mark) }
    }
    if options.lowercase {
      for part in parts { tables.lowercase(part, into: &output) }
    } else {
      output += parts
    }
  }

  private static func action(
    _ properties: ScalarProperties, _ options: BertTokenizerOptions
  ) -> ScalarAction {
    if options.cleanText, properties.contains(.control) { return .drop }
    if properties.contains(.white) { return .space }
    let strips = options.stripsAccents
    let decomposes = strips && properties.contains(.decomposes)
    if options.handleChineseCharacters, properties.contains(.chinese) {
      return decomposes ? .mapIsolated : .isolate
    }
    if strips, properties.contains(.reorders) { return .reorder }
    if strips, properties.contains(.mark) { return .drop }
    if decomposes || options.lowercase && properties.contains(.lowercases) { return .map }
    return properties.contains(.punctuation) ? .isolate : .copy
  }
}
