/// Python's view of text, on which the official scripts of question answering are built: a row of Unicode scalars.
///
/// Swift's `Character` is a grapheme and its strings compare by canonical equivalence; Python knows neither.
package enum PythonText {
  /// `str.lower()`: the full mapping, with a capital sigma at the end of a word made final.
  package static func lowercased(_ text: String) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    result.reserveCapacity(text.utf8.count)
    var hasSigma = false
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0x41...0x5A: result.append(Unicode.Scalar(UInt8(scalar.value) | 0x20))
      // Below U+0080 nothing else has a case; U+2E80 ... U+A63F are CJK, kana and other scripts without.
      case 0..<0x80, 0x2E80...0xA63F: result.append(scalar)
      case 0x3A3:
        hasSigma = true
        result.append(scalar)
      default: result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
      }
    }
    if hasSigma { lowerSigmas(in: &result, original: Array(text.unicodeScalars)) }
    return result
  }

  /// Replaces each capital sigma: by ς where a cased letter stands before it and none after it, else by σ.
  ///
  /// Letters keep their casedness when they are lowered, so the surroundings may be looked up in the original text.
  private static func lowerSigmas(in result: inout [Unicode.Scalar], original: [Unicode.Scalar]) {
    let finals = original.indices.filter { original[$0].value == 0x3A3 }.map { index in
      let before = original[..<index].last { !$0.properties.isCaseIgnorable }
      let after = original[(index + 1)...].first { !$0.properties.isCaseIgnorable }
      return before?.properties.isCased == true && after?.properties.isCased != true
    }
    var next = finals.makeIterator()
    for index in result.indices where result[index].value == 0x3A3 {
      result[index] = next.next() == true ? "\u{3C2}" : "\u{3C3}"
    }
  }

  /// `str.isspace()` of one scalar, which `str.split()`, `str.strip()` and `\s` of `re` share.
  package static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x9...0xD, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000:
      true
    default: false
    }
  }

  /// `\w` of Python's `re`: letters, numbers of every kind and the underscore, but no combining marks.
  package static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: return true
    case 0..<0x80: return false
    default:
      switch scalar.properties.generalCategory {
      case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter,
        .decimalNumber, .letterNumber, .otherNumber:
        return true
      default: return false
      }
    }
  }

  /// Whether a scalar is in `string.punctuation`: the 32 marks of ASCII.
  package static func isASCIIPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
    default: false
    }
  }

  /// `str.strip()`.
  package static func stripped(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    var text = text
    while let first = text.first, isSpace(first) { text.removeFirst() }
    return strippedAtEnd(text)
  }

  /// `str.rstrip()`.
  package static func strippedAtEnd(_ text: ArraySlice<Unicode.Scalar>) -> ArraySlice<Unicode.Scalar> {
    var text = text
    while let last = text.last, isSpace(last) { text.removeLast() }
    return text
  }
}
