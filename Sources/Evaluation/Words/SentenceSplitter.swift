/// Punkt's sentence boundaries in lower-cased text, as nltk's `sent_tokenize` with its English model finds them.
///
/// Kiss and Strunk, "Unsupervised Multilingual Sentence Boundary Detection" (2006). Without capitals, most of the model
/// has no say: what remains are its abbreviations, its collocations and four words (`PunktEnglish`).
enum SentenceSplitter {
  typealias Text = [Unicode.Scalar]

  /// The sentences of a text, without the space between them.
  static func sentences(of text: Text) -> [ArraySlice<Unicode.Scalar>] {
    var slices: [Range<Int>] = []
    var start = 0
    for candidate in candidates(in: text) where containsBreak(Text(text[candidate.context])) {
      slices.append(start..<candidate.end)
      start = candidate.nextToken ?? candidate.end
    }
    slices.append(start..<max(start, PythonText.strippedAtEnd(text[...]).endIndex))
    return realigned(slices, in: text).filter { !$0.isEmpty }.map { text[$0] }
  }

  // MARK: Candidates

  private struct Candidate {
    /// The word before the mark, the mark, and what follows up to the end of the next word.
    var context: Range<Int>
    /// The index behind the mark.
    var end: Int
    /// The start of the next word when space lies between.
    var nextToken: Int?
  }

  /// The marks that may end a sentence: of several after one word the last.
  private static func candidates(in text: Text) -> [Candidate] {
    var result: [Candidate] = []
    var previousWord = 0..<0
    var previous: Candidate?
    for index in text.indices where ".?!".unicodeScalars.contains(text[index]) {
      guard let (end, nextToken) = following(index + 1, in: text) else { continue }
      // nltk looks for the last space behind the previous word; a space right there (offset 0) counts as none.
      let space = text[previousWord.upperBound..<index].lastIndex(where: isASCIISpace)
      let isFound = space.map { $0 > previousWord.upperBound } ?? false
      let start = isFound ? (space ?? 0) + 1 : previousWord.lowerBound
      if let previous, previousWord.upperBound <= start { result.append(previous) }
      previousWord = start..<index
      previous = Candidate(context: start..<end, end: index + 1, nextToken: nextToken)
    }
    if let previous { result.append(previous) }
    return result
  }

  /// The text that must follow a mark: another mark, or space and a word.
  ///
  /// Returns where that ends and where the word starts.
  private static func following(_ index: Int, in text: Text) -> (end: Int, nextToken: Int?)? {
    guard index < text.count else { return nil }
    if PunktTokens.endsWord(text[index]) { return (index + 1, nil) }
    var start = index
    while start < text.count, RegexScalar.isSpace(text[start]) { start += 1 }
    guard start > index, start < text.count else { return nil }
    var end = start
    while end < text.count, !RegexScalar.isSpace(text[end]) { end += 1 }
    return (end, start)
  }

  private static func isASCIISpace(_ scalar: Unicode.Scalar) -> Bool {
    scalar == " " || (0x9...0xD).contains(scalar.value)
  }

  // MARK: Decision

  /// Whether a sentence ends at a token of the context that is not its last.
  private static func containsBreak(_ context: Text) -> Bool {
    let tokens = PunktTokens.tokens(of: context).map(PunktToken.init)
    return zip(tokens, tokens.dropFirst()).contains { $0.endsSentence(before: $1) }
  }

  // MARK: Closing marks

  /// Gives closing quotes and brackets after a mark to the sentence that they close.
  private static func realigned(_ slices: [Range<Int>], in text: Text) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var shift = 0
    for (index, slice) in slices.enumerated() {
      let start = slice.lowerBound + shift
      let sentence = start..<max(start, slice.upperBound)
      guard index + 1 < slices.count else {
        result.append(sentence)
        break
      }
      let next = slices[index + 1]
      if let (marks, all) = closingMarks(text[next]) {
        result.append(start..<max(start, next.lowerBound + marks))
        shift = all
      } else {
        result.append(sentence)
        shift = 0
      }
    }
    return result
  }

  /// The number of scalars of closing marks that a text begins with, and their number with the space behind them.
  private static func closingMarks(_ text: ArraySlice<Unicode.Scalar>) -> (marks: Int, all: Int)? {
    let marks = text.prefix { "\"')]}‘’“”«»".unicodeScalars.contains($0) }
    let rest = text[marks.endIndex...]
    let spaces = rest.prefix(while: RegexScalar.isSpace).count
    guard !marks.isEmpty, rest.isEmpty || spaces > 0 || rest.starts(with: ["-", "-"]) else { return nil }
    return (marks.count, marks.count + spaces)
  }
}

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

/// Tables of nltk's English Punkt model (Kiss and Strunk; `punkt_tab`) for lower-cased text.
///
/// Of its 20,366 words with their capitals only those matter here that occur in small letters at the beginning of a
/// sentence and never with a capital: four.
enum PunktEnglish {
  /// Words that keep their period.
  static let abbreviations: Set<String> = Set(
    """
    a.a a.c a.d a.g a.h a.m a.m.e a.s a.t adm ala ariz aug ave b.f b.v bros c c.i.t c.o.m.b c.v calif
    chg cie co col colo conn corp cos ct d d.c d.h d.w dec dr e e.f e.h e.l e.m f f.g f.j feb fla fri
    ft g g.d g.f g.k ga gen h h.c h.f h.m i.m.s ill inc j.b j.c j.j j.k j.p j.r jan jr k kan ky l l.a
    l.f l.p lt ltd m m.b.a m.d.c m.j maj messrs mg mich minn mr mrs ms n n.c n.d n.h n.j n.m n.v n.y
    nev nov oct ok okla ore p p.a.m p.m pa ph.d prof r r.a r.h r.i r.j r.k r.t rep reps s s.a s.a.y s.c
    s.g s.p.a s.s sen sep sept sr st sw t t.j tenn tues u.k u.n u.s u.s.a u.s.s.r v va vs vt w w.c w.r
    w.va w.w wash wed wis yr
    """.split(whereSeparator: \.isWhitespace).map(String.init) + [". . "])

  /// Pairs of words around a period that does not end a sentence, with a space between.
  static let collocations: Set<String> = [
    "##number## abreast", "##number## aes", "##number## business", "##number## cbot",
    "##number## colgate", "##number## commodities", "##number## cooper", "##number## corrections",
    "##number## credit", "##number## dividend", "##number## financing", "##number## genentech",
    "##number## henley", "##number## insider", "##number## international", "##number## leisure",
    "##number## letters", "##number## notable", "##number## pay-fone", "##number## pegasus",
    "##number## pepper", "##number## review", "##number## rj", "##number## wedgestone",
    "##number## who", "##number## zimmer", "b edelman", "b levine", "b smith", "b stewart", "b wigton",
    "i magnin", "i toussie", "j aron", "j fialka", "j walter", "o ludcke",
  ]

  /// Words that may begin a sentence in small letters.
  static let sentenceStarters: Set<String> = ["administrators", "b-week", "r-revised", "z-holiday"]
}
