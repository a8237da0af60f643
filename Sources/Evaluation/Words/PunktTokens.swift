/// Punkt's own cut of a line into words and marks, in which periods stay with their words.
enum PunktTokens {
  typealias Text = [Unicode.Scalar]

  /// The tokens of a context, line by line.
  static func tokens(of context: Text) -> [ArraySlice<Unicode.Scalar>] {
    context.split(separator: "\n").flatMap { tokens(ofLine: Text($0)) }
  }

  private static func tokens(ofLine line: Text) -> [ArraySlice<Unicode.Scalar>] {
    var tokens: [ArraySlice<Unicode.Scalar>] = []
    var index = 0
    while index < line.count {
      if RegexScalar.isSpace(line[index]) {
        index += 1
        continue
      }
      var end = index + 1
      if let dots = multiMark(in: line, at: index) {
        end = dots
      } else if startsWord(line[index]) {
        while !isEndOfWord(in: line, at: end) { end += 1 }
      }
      tokens.append(line[index..<end])
      index = end
    }
    return tokens
  }

  /// Whether a mark ends the word before it, and so makes a period before it a possible end of a sentence.
  static func endsWord(_ scalar: Unicode.Scalar) -> Bool {
    ")\";}]*:@'({[‘’“”«»?!".unicodeScalars.contains(scalar)
  }

  private static func startsWord(_ scalar: Unicode.Scalar) -> Bool {
    !"(\"`{[:;&#*@)}]-,".unicodeScalars.contains(scalar)
  }

  private static func isEndOfWord(in line: Text, at index: Int) -> Bool {
    isBorder(in: line, at: index) || (line[index] == "," && isBorder(in: line, at: index + 1))
  }

  private static func isBorder(in line: Text, at index: Int) -> Bool {
    index >= line.count || RegexScalar.isSpace(line[index]) || endsWord(line[index])
      || multiMark(in: line, at: index) != nil
  }

  /// The end of two or more hyphens, of two or more periods, or of three or more periods with spaces between.
  private static func multiMark(in line: Text, at start: Int) -> Int? {
    guard line[start] == "-" || line[start] == "." else { return nil }
    var end = start
    while end < line.count, line[end] == line[start] { end += 1 }
    if end - start >= 2 { return end }
    guard line[start] == "." else { return nil }
    var periods = 1
    end = start
    while end + 2 < line.count, RegexScalar.isSpace(line[end + 1]), line[end + 2] == "." {
      periods += 1
      end += 2
    }
    return periods >= 3 ? end + 1 : nil
  }
}

/// A token with what Punkt's first pass says of it.
struct PunktToken {
  private let text: ArraySlice<Unicode.Scalar>
  /// The text, or ##number##.
  private let type: String
  private var isBreak = false
  private var isNumber = false

  /// Classifies a token by itself: a mark or a period that no known abbreviation owns ends a sentence.
  init(_ text: ArraySlice<Unicode.Scalar>) {
    self.text = text
    isNumber = Self.isNumber(text)
    type = isNumber ? "##number##" : Self.string(text)
    if text.count == 1, ".?!".unicodeScalars.contains(text[text.startIndex]) {
      isBreak = true
    } else if text.last == ".", text.dropLast().last != "." {
      let word = text.dropLast()
      let lastPart = word.split(separator: "-", omittingEmptySubsequences: false).last ?? word
      isBreak =
        !PunktEnglish.abbreviations.contains(Self.string(word))
        && !PunktEnglish.abbreviations.contains(Self.string(lastPart))
    }
  }

  /// Whether a sentence ends with this token, given the next: Punkt's second pass.
  func endsSentence(before next: PunktToken) -> Bool {
    guard isBreak, text.last == "." else { return isBreak }
    if PunktEnglish.collocations.contains("\(typeWithoutPeriod) \(next.typeWithoutBreak)") { return false }
    let isInitial =
      text.count == 2 && RegexScalar.isWord(text[text.startIndex])
      && !RegexScalar.isDigit(text[text.startIndex])
    guard isInitial || typeWithoutPeriod == "##number##" else { return true }
    // After an initial or a number, what is a mark or small goes on with the sentence.
    if next.text.count == 1, ";:,.!?".unicodeScalars.contains(next.text[next.text.startIndex]) {
      return false
    }
    guard let first = next.text.first?.properties else { return true }
    if first.isLowercase { return PunktEnglish.sentenceStarters.contains(next.typeWithoutBreak) }
    return !(isInitial && first.isUppercase)
  }

  private var typeWithoutPeriod: String {
    type.utf8.count > 1 && type.hasSuffix(".") ? String(type.dropLast()) : type
  }

  private var typeWithoutBreak: String { isBreak ? typeWithoutPeriod : type }

  /// An optional sign and leading point, a digit, then digits, points, commas and hyphens.
  private static func isNumber(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
    var rest = text
    if rest.first == "-" { rest.removeFirst() }
    if rest.first == "." || rest.first == "," { rest.removeFirst() }
    guard let first = rest.first, RegexScalar.isDigit(first) else { return false }
    return rest.allSatisfy { RegexScalar.isDigit($0) || $0 == "," || $0 == "." || $0 == "-" }
  }

  private static func string(_ text: ArraySlice<Unicode.Scalar>) -> String {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: text)
    return String(view)
  }
}
