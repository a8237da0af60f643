/// Perturbation of texts: a small change of their form after which people still answer the same, but for a negation.
///
/// A model that is robust answers the same too; how far it does is what `RobustnessReport` tells. What comes out is decided
/// by the text, the strength and the random source alone, on every machine.
///
/// ```swift
/// var random = SystemRandomNumberGenerator()
/// Perturbation(.typos)("a gripping and funny film", using: &random)
/// ```
public struct Perturbation: Sendable, Hashable {
  /// Kind of a perturbation; its raw value is its name in options, recipes and reports.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// Slips of the keyboard in Latin words of four letters and more: a neighbouring key, two letters exchanged, one left
    /// out, one doubled.
    case typos
    /// Letters all small, all capital, or capital at the beginning of each word.
    case letterCase = "case"
    /// Marks all left out, all doubled, or, in Chinese, of the other width.
    case punctuation
    /// Words and characters that sound the same: there for their, 在 for 再.
    case homophones
    /// Characters that look the same: 未 for 末, 0 for o.
    case similarShapes = "similar_shapes"
    /// Neighbouring words, in Chinese characters, exchanged.
    case wordOrder = "word_order"
    /// A negation put in, or taken out where there is one; the answer should move.
    case negation
    /// The first half of the text alone.
    case shortening
    /// A neutral sentence before or behind the text.
    case lengthening
  }

  /// The kind.
  public var kind: Kind
  /// The share of words, in Chinese characters, that may change, above 0 and up to 1; one at least.
  ///
  /// Kinds that change a whole text take no notice of it (`Kind.hasStrength`).
  public var strength: Double

  /// The usual strength: one word in ten.
  public static let usualStrength = 0.1

  /// A perturbation.
  public init(_ kind: Kind, strength: Double = usualStrength) {
    precondition(
      strength > 0 && strength <= 1, "A strength is a share above 0 and up to 1, found \(strength).")
    self.kind = kind
    self.strength = strength
  }

  /// The text as it is changed, never empty; nil where there is nothing to change.
  public func callAsFunction(_ text: String, using random: inout some RandomNumberGenerator) -> String? {
    let units = TextUnits(text)
    let result: String?
    switch kind {
    case .typos: result = KeyboardSlips.change(units, most: most(of: units), using: &random)
    case .letterCase: result = SurfaceForm.changingCase(text, using: &random)
    case .punctuation: result = SurfaceForm.changingMarks(units, using: &random)
    case .homophones: result = Homophones.change(units, most: most(of: units), using: &random)
    case .similarShapes: result = SimilarShapes.change(units, most: most(of: units), using: &random)
    case .wordOrder: result = units.exchangingNeighbours(most: most(of: units), using: &random)
    case .negation: result = Negation.change(units, using: &random)
    case .shortening: result = units.firstHalf
    case .lengthening: result = NeutralSentences.lengthening(units, using: &random)
    }
    guard let result, result != text, result.contains(where: { !$0.isWhitespace }) else { return nil }
    return result
  }

  /// The most words and characters that may change.
  private func most(of units: TextUnits) -> Int { max(1, Int(Double(units.count) * strength)) }
}

extension Perturbation.Kind {
  /// Whether the true answer to a text is the same after it.
  public var keepsAnswer: Bool { self != .negation }

  /// Whether each word stays where it is, so that tags of words stay right.
  public var keepsWords: Bool {
    switch self {
    case .typos, .letterCase, .homophones, .similarShapes: true
    case .punctuation, .wordOrder, .negation, .shortening, .lengthening: false
    }
  }

  /// Whether the strength counts for it.
  public var hasStrength: Bool {
    switch self {
    case .typos, .homophones, .similarShapes, .wordOrder: true
    case .letterCase, .punctuation, .negation, .shortening, .lengthening: false
    }
  }

  /// Number of the name, which random sources are made of; it stays when kinds are added.
  fileprivate var number: UInt64 { rawValue.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) } }
}

extension Perturbation {
  /// Rows as they are changed, those left out that are not.
  ///
  /// Each row is changed by the seed and its number in its file alone, whatever rows stand before it. Both texts of a pair are
  /// changed, but a negation goes into one alone. Targets stay, but after a negation, where none is known.
  ///
  /// - Returns: The changed rows, and the places among the given ones that they come from, ascending.
  /// - Throws: `AugmentationError` for questions, and for sentences of tagged words where words would not stay.
  public func changed(
    _ rows: TaskExamples, seed: UInt64
  ) throws(AugmentationError) -> (rows: TaskExamples, places: [Int]) {
    switch rows {
    case .texts(let texts):
      let all = texts.indices.map { changed(texts[$0], number: texts[$0].row ?? $0, seed: seed) }
      return (.texts(all.compactMap(\.self)), all.indices.filter { all[$0] != nil })
    case .sentences(let sentences):
      if let fault = kind.faultForWords { throw AugmentationError([fault]) }
      let all = sentences.indices.map { place in
        let line = sentences[place].line
        return changed(sentences[place], number: line > 0 ? line : place, seed: seed)
      }
      return (.sentences(all.compactMap(\.self)), all.indices.filter { all[$0] != nil })
    case .questions:
      throw AugmentationError(["questions about passages cannot be changed, since answers stand at places"])
    }
  }

  /// A text or pair as it is changed; nil where there is nothing to change.
  func changed(_ row: TextExample, number: Int, seed: UInt64) -> TextExample? {
    var result = row
    let text = changed(row.text, seed, number, 0)
    result.text = text ?? row.text
    let takesOne = kind == .negation && text != nil
    let pair = takesOne ? nil : row.pair.flatMap { changed($0, seed, number, 1) }
    result.pair = pair ?? row.pair
    guard text != nil || pair != nil else { return nil }
    if !kind.keepsAnswer { result.target = .none }
    return result
  }

  private func changed(_ sentence: TaggedSentence, number: Int, seed: UInt64) -> TaggedSentence? {
    var random = SplitMix64(seed, kind.number, UInt64(bitPattern: Int64(number)), 0)
    guard let words = changed(words: sentence.words, using: &random) else { return nil }
    return TaggedSentence(words: words, tags: sentence.tags, line: sentence.line)
  }

  private func changed(_ text: String, _ seed: UInt64, _ row: Int, _ part: UInt64) -> String? {
    var random = SplitMix64(seed, kind.number, UInt64(bitPattern: Int64(row)), part)
    return self(text, using: &random)
  }

  /// As many words as they are changed; nil where there is nothing to change.
  func changed(words: [String], using random: inout some RandomNumberGenerator) -> [String]? {
    precondition(kind.keepsWords, "\(kind.rawValue) does not keep words.")
    // A line end stands in no word and is a space to all that changes texts.
    let lines = words.map { $0.replacing("\n", with: " ") }.joined(separator: "\n")
    guard let text = self(lines, using: &random) else { return nil }
    let changed = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return changed.count == words.count && changed != words ? changed : nil
  }
}

extension Perturbation.Kind {
  /// Fault of a perturbation of sentences of tagged words; nil where words stay.
  package var faultForWords: String? {
    if keepsWords { return nil }
    let others = Self.allCases.filter(\.keepsWords).map(\.rawValue).joined(separator: ", ")
    return "\(rawValue) does not keep the words of a sentence, which have tags; those that do are \(others)"
  }
}
