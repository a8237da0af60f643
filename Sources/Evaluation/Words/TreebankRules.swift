/// The rules of nltk's `NLTKWordTokenizer` (3.10), a descendant of the Penn Treebank's sed script, on lower-cased text.
///
/// Each rule rewrites the whole sentence, mostly by putting spaces around a mark; what is between spaces in the end is a
/// word. The order of the rules is part of what they mean.
enum TreebankRules {
  typealias Text = [Unicode.Scalar]

  /// The words of one sentence.
  static func words(of sentence: ArraySlice<Unicode.Scalar>) -> [ArraySlice<Unicode.Scalar>] {
    var text = openingQuotes(Text(sentence))
    text = punctuation(text)
    text = padding(text) { "[](){}<>".unicodeScalars.contains($0) }
    text = replacing(text, "--", by: " -- ")
    text = closingQuotes([" "] + text + [" "])
    for word in joinedWords { text = splitting(text, word) }
    for ending in ["is", "was"] { text = splittingTis(text, Text(ending.unicodeScalars)) }
    return text.split(whereSeparator: PythonText.isSpace)
  }

  // MARK: Quotes

  private static func openingQuotes(_ text: Text) -> Text {
    var text = paddingRuns(padding(text) { "«“‘„".unicodeScalars.contains($0) }, of: "`", atLeast: 1)
    if text.first == "\"" { text.replaceSubrange(0..<1, with: ["`", "`"]) }
    text = replacing(text, "``", by: " `` ")
    text = quotesAfterBrackets(text)
    return splittingApostrophes(text)
  }

  /// A double quote, or two single ones, after a space or an opening bracket opens.
  private static func quotesAfterBrackets(_ text: Text) -> Text {
    rewriting(text) { text, index, output in
      guard " ([{<".unicodeScalars.contains(text[index]), index + 1 < text.count else { return nil }
      let isDouble = text[index + 1] == "\""
      guard isDouble || starts(text, at: index + 1, with: "''") else { return nil }
      output.append(text[index])
      output += " `` ".unicodeScalars
      return index + (isDouble ? 2 : 3)
    }
  }

  /// An apostrophe before a word and not after one stands alone, unless it begins a clitic such as 're.
  private static func splittingApostrophes(_ text: Text) -> Text {
    rewriting(text) { text, index, output in
      guard text[index] == "'", index + 1 < text.count, RegexScalar.isWord(text[index + 1]),
        index == 0 || !RegexScalar.isWord(text[index - 1])
      else { return nil }
      for clitic in ["re", "ve", "ll", "m", "t", "s", "d", "n"] {
        let end = index + 1 + clitic.utf8.count
        if starts(text, at: index + 1, with: clitic, ignoringCase: true),
          end == text.count || !RegexScalar.isWord(text[end])
        {
          return nil
        }
      }
      output += "' ".unicodeScalars
      return index + 1
    }
  }

  private static func closingQuotes(_ text: Text) -> Text {
    var text = padding(text) { "»”’".unicodeScalars.contains($0) }
    text = replacing(text, "''", by: " '' ")
    text = replacing(text, "\"", by: " '' ")
    text = collapsingSpaces(text)
    text = splittingClitics(text, ["'s", "'m", "'d", "'"])
    return splittingClitics(text, ["'ll", "'re", "'ve", "n't"])
  }

  private static func collapsingSpaces(_ text: Text) -> Text {
    rewriting(text) { text, index, output in
      var end = index
      while end < text.count, RegexScalar.isSpace(text[end]) { end += 1 }
      if end == index { return nil }
      output.append(" ")
      return end
    }
  }

  /// Splits an ending off a word when a space follows.
  private static func splittingClitics(_ text: Text, _ clitics: [String]) -> Text {
    rewriting(text) { text, index, output in
      guard text[index] != "'", text[index] != " " else { return nil }
      for clitic in clitics {
        let end = index + 1 + clitic.utf8.count
        guard end < text.count, text[end] == " ", starts(text, at: index + 1, with: clitic) else { continue }
        output.append(text[index])
        output += " \(clitic) ".unicodeScalars
        return end + 1
      }
      return nil
    }
  }

  // MARK: Contractions

  /// Words that are two: nltk's CONTRACTIONS2.
  ///
  /// The last one needs a space after it, the others the end of a word.
  static let joinedWords: [(first: String, second: String)] = [
    ("can", "not"), ("d", "'ye"), ("gim", "me"), ("gon", "na"), ("got", "ta"), ("lem", "me"),
    ("more", "'n"), ("wan", "na"),
  ]

  private static func splitting(_ text: Text, _ word: (first: String, second: String)) -> Text {
    rewriting(text) { text, index, output in
      let middle = index + word.first.utf8.count
      let end = middle + word.second.utf8.count
      guard starts(text, at: index, with: word.first, ignoringCase: true),
        starts(text, at: middle, with: word.second, ignoringCase: true),
        index == 0 || !PythonText.isWord(text[index - 1]), end < text.count,
        word.first == "wan" ? PythonText.isSpace(text[end]) : !PythonText.isWord(text[end])
      else { return nil }
      append(text, index..<middle, middle..<end, to: &output)
      return end
    }
  }

  /// 'tis and 'twas.
  private static func splittingTis(_ text: Text, _ ending: Text) -> Text {
    rewriting(text) { text, index, output in
      let end = index + 3 + ending.count
      guard starts(text, at: index, with: " 't", ignoringCase: true), end < text.count,
        text[(index + 3)..<end].elementsEqual(ending, by: { RegexScalar.folded($0) == $1 }),
        !PythonText.isWord(text[end])
      else { return nil }
      append(text, (index + 1)..<(index + 3), (index + 3)..<end, to: &output)
      return end
    }
  }

  private static func append(_ text: Text, _ first: Range<Int>, _ second: Range<Int>, to output: inout Text) {
    output.append(" ")
    output += text[first]
    output.append(" ")
    output += text[second]
    output.append(" ")
  }
}

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
