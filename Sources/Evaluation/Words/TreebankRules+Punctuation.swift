extension TreebankRules {
  /// The rules for marks other than quotes and brackets, in nltk's order.
  static func punctuation(_ text: Text) -> Text {
    var text = finalPeriod(text, closing: "])}>\"'»”’ ", separating: true)
    text = splittingCommas(text)
    text = paddingRuns(text, of: ".", atLeast: 2)
    text = padding(text) { ";@#$%&".unicodeScalars.contains($0) }
    text = padding(text) { (0x2012...0x2015).contains($0.value) }
    text = finalPeriod(text, closing: "])}>\"'", separating: false)
    text = padding(text) { $0 == "?" || $0 == "!" }
    text = closingApostrophes(text)
    return padding(text) { $0 == "*" }
  }

  /// Splits off the period that ends a sentence, closing marks and spaces behind it allowed.
  ///
  /// - Parameters:
  ///   - closing: the marks that may follow the period.
  ///   - separating: whether the period and the marks are kept apart by a space.
  private static func finalPeriod(_ text: Text, closing: String, separating: Bool) -> Text {
    // No closing mark is a period, so only the last one can be the sentence's.
    guard let period = text.lastIndex(of: "."), period > 0, text[period - 1] != "." else { return text }
    var end = period + 1
    while end < text.count, closing.unicodeScalars.contains(text[end]) { end += 1 }
    guard text[end...].allSatisfy(RegexScalar.isSpace) else { return text }
    var output = Text(text[..<period])
    output += separating ? " . ".unicodeScalars : " .".unicodeScalars
    output += text[(period + 1)..<end]
    output.append(" ")
    return output
  }

  /// Spaces around a colon or comma that no digit follows.
  private static func splittingCommas(_ text: Text) -> Text {
    var text = rewriting(text) { text, index, output in
      guard isComma(text[index]), index + 1 < text.count, !RegexScalar.isDigit(text[index + 1]) else {
        return nil
      }
      output += [" ", text[index], " ", text[index + 1]]
      return index + 2
    }
    // One at the very end, or before a line break there, that the pairs above have left.
    let end = text.last == "\n" ? text.count - 2 : text.count - 1
    for index in [text.count - 1, end] where index >= 0 && isComma(text[index]) {
      text.replaceSubrange(index...index, with: [" ", text[index], " "])
      break
    }
    return text
  }

  private static func isComma(_ scalar: Unicode.Scalar) -> Bool { scalar == ":" || scalar == "," }

  /// An apostrophe after anything but another one, with a space behind it, stands alone.
  private static func closingApostrophes(_ text: Text) -> Text {
    rewriting(text) { text, index, output in
      guard text[index] != "'", starts(text, at: index + 1, with: "' ") else { return nil }
      output.append(text[index])
      output += " ' ".unicodeScalars
      return index + 3
    }
  }

  // MARK: The tools of all rules

  /// Goes through a text from left to right and lets `rule` rewrite what begins at an index.
  ///
  /// - Parameter rule: appends the replacement and returns the index behind what it replaced, or returns nil to keep
  ///   the scalar as it is.
  static func rewriting(_ text: Text, _ rule: (Text, Int, inout Text) -> Int?) -> Text {
    var output: Text = []
    output.reserveCapacity(text.count + 16)
    var index = 0
    while index < text.count {
      if let next = rule(text, index, &output) {
        index = next
      } else {
        output.append(text[index])
        index += 1
      }
    }
    return output
  }

  /// Spaces around each scalar that is asked for.
  static func padding(_ text: Text, _ isPadded: (Unicode.Scalar) -> Bool) -> Text {
    if !text.contains(where: isPadded) { return text }
    return rewriting(text) { text, index, output in
      guard isPadded(text[index]) else { return nil }
      output += [" ", text[index], " "]
      return index + 1
    }
  }

  /// Spaces around each run of one scalar that is long enough.
  static func paddingRuns(_ text: Text, of scalar: Unicode.Scalar, atLeast length: Int) -> Text {
    if !text.contains(scalar) { return text }
    return rewriting(text) { text, index, output in
      var end = index
      while end < text.count, text[end] == scalar { end += 1 }
      if end - index < max(1, length) { return nil }
      output.append(" ")
      output += text[index..<end]
      output.append(" ")
      return end
    }
  }

  /// Replaces each occurrence of a piece of ASCII.
  static func replacing(_ text: Text, _ piece: String, by replacement: String) -> Text {
    rewriting(text) { text, index, output in
      guard starts(text, at: index, with: piece) else { return nil }
      output += replacement.unicodeScalars
      return index + piece.utf8.count
    }
  }

  /// Whether a piece of ASCII stands at an index.
  static func starts(_ text: Text, at index: Int, with piece: String, ignoringCase: Bool = false) -> Bool {
    guard index + piece.utf8.count <= text.count else { return false }
    var index = index
    for byte in piece.utf8 {
      let scalar = ignoringCase ? RegexScalar.folded(text[index]) : text[index]
      if scalar.value != UInt32(byte) { return false }
      index += 1
    }
    return true
  }
}
