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
    /// Where the next word starts when space lies between.
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

  /// What must follow a mark: another mark, or space and a word.
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

  /// How many scalars of closing marks a text begins with, and how many with the space behind them.
  private static func closingMarks(_ text: ArraySlice<Unicode.Scalar>) -> (marks: Int, all: Int)? {
    let marks = text.prefix { "\"')]}‘’“”«»".unicodeScalars.contains($0) }
    let rest = text[marks.endIndex...]
    let spaces = rest.prefix(while: RegexScalar.isSpace).count
    guard !marks.isEmpty, rest.isEmpty || spaces > 0 || rest.starts(with: ["-", "-"]) else { return nil }
    return (marks.count, marks.count + spaces)
  }
}
