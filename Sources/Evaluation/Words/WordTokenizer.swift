/// The words of a lower-cased text as nltk 3.10's `word_tokenize` finds them: sentences by Punkt, words by the Treebank rules.
package enum WordTokenizer {
  /// The words of a text; quotes become `` and '' as the rules have it.
  package static func words(of text: ArraySlice<Unicode.Scalar>) -> [ArraySlice<Unicode.Scalar>] {
    if text.isEmpty { return [] }
    if isPlainWord(text) { return [text] }
    return SentenceSplitter.sentences(of: Array(text)).flatMap { TreebankRules.words(of: $0) }
  }

  /// Whether the rules leave a text as it is: lower-case ASCII letters and digits, and no contraction.
  private static func isPlainWord(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
    guard text.allSatisfy({ (0x61...0x7A).contains($0.value) || (0x30...0x39).contains($0.value) }) else {
      return false
    }
    return !TreebankRules.joinedWords.contains { $0.first.count + $0.second.count == text.count }
  }
}

/// Scalars of regular expressions as the Python module `regex` sees them, which nltk 3.10 compiles its rules with.
enum RegexScalar {
  /// `\s`: Unicode's White_Space.
  static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
    PythonText.isSpace(scalar) && !(0x1C...0x1F).contains(scalar.value)
  }

  /// `\w`: alphabetic characters, marks, decimal digits, connectors and joiners.
  static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return PythonText.isWord(scalar) }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .decimalNumber, .connectorPunctuation: return true
    default: return scalar.properties.isAlphabetic || scalar.value == 0x200C || scalar.value == 0x200D
    }
  }

  /// `\d`: decimal digits of any script.
  static func isDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.isASCII
      ? (0x30...0x39).contains(scalar.value) : scalar.properties.generalCategory == .decimalNumber
  }

  /// A letter for comparison without case: the few that fold to ASCII.
  static func folded(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0x41...0x5A: Unicode.Scalar(UInt8(scalar.value) | 0x20)
    case 0x17F: "s"
    default: scalar
    }
  }
}
