/// Candidates for words in the places where a masked language model finds them likely: for some positions of a text's
/// words, the words that may stand there instead.
public typealias MaskedCandidates = (_ words: [String]) -> [Int: [String]]

/// Augmenter that makes new rows of a task's own, for a teacher to label.
///
/// Each new row takes one method of the recipe, which works on words: what spaces separate, the words of a sentence whose
/// words are tagged, or, where most texts have no spaces, as in Chinese, characters. Both texts of a pair are changed, each by
/// itself. The rows have no labels, since a change may have made the old one wrong. Results are never one of the given rows,
/// and never occur twice; the same rows and recipe give the same results on every machine.
public struct TextAugmenter {
  private let recipe: AugmentationRecipe
  private let parts: [AugmentationRecipe.Part]
  private let candidates: MaskedCandidates?
  private let format: RowFormat
  private let originals: [WordRow]
  private let long: [WordRow]
  private let short: [WordRow]
  private let allWords: [String]
  private var known: [[String]: [Int: [String]]] = [:]
  private var seen: Set<WordRow> = []
  private var random: SplitMix64

  /// Rows of fewer words are not drawn while there are longer ones: too little would be left of them.
  private static let leastWords = 8
  /// The number of words of a text that is joined with another.
  private static let shortLengths = 3...14
  /// Draws in a row that bring nothing new before the rows count as used up.
  private static let patience = 1000
  /// Copies in a row that bring nothing new before a row counts as used up.
  private static let patienceForRow = 100
  /// The same for one copy of one row.
  private static let patienceForCopy = 10

  /// An augmenter of some rows.
  ///
  /// - Parameters:
  ///   - rows: The rows of the task; blank ones are passed over.
  ///   - recipe: What is made of them.
  ///   - candidates: Asks the masked language model that `masked_lm` needs.
  /// - Throws: `AugmentationError` for rows and methods that do not suit each other.
  public init(
    _ rows: TaskExamples, recipe: AugmentationRecipe = AugmentationRecipe(),
    candidates: MaskedCandidates? = nil
  ) throws(AugmentationError) {
    format = try RowFormat(rows)
    var faults: [String] = []
    let joins = recipe.parts != AugmentationRecipe.standard && recipe.parts.contains { $0.method == .joining }
    if !format.isSingleText && joins {
      faults.append("joining is for single texts; leave it out for pairs and for sentences of tagged words")
    }
    if format.isSentences {
      faults += recipe.parts.compactMap {
        if case .perturbation(let perturbation) = $0.method { perturbation.kind.faultForWords } else { nil }
      }
    }
    if candidates == nil && recipe.maskedCandidates != nil {
      faults.append("masked_lm needs a masked language model; name its folder with --mlm-model")
    }
    if !faults.isEmpty { throw AugmentationError(faults) }
    self.recipe = recipe
    self.candidates = candidates
    let originals = format.words(of: rows).filter { $0.count > 0 }
    let long = originals.filter { $0.count >= Self.leastWords }
    let short = format.isSingleText ? originals.filter { Self.shortLengths.contains($0.count) } : []
    parts = recipe.parts.filter { $0.method != .joining || short.count > 1 }
    allWords = originals.flatMap { $0.texts.joined() }
    self.originals = originals
    self.long = long.isEmpty ? originals : long
    self.short = short
    seen = Set(originals)
    random = SplitMix64(recipe.seed)
  }

  /// Makes the rows that the recipe asks for, or as many of them as are new.
  ///
  /// - Parameter progress: Told of the rows made, out of all, after each; with copies, of the rows whose copies are made.
  /// - Returns: Rows without labels, of the kind of those given.
  public mutating func makeAll(
    progress: (_ made: Int, _ wanted: Int) -> Void = { _, _ in }
  ) -> TaskExamples {
    var made: [WordRow] = []
    switch recipe.amount {
    case .copies(let copies):
      for (index, row) in originals.enumerated() {
        var failures = 0
        for _ in 0..<copies {
          if let new = new(tries: Self.patienceForCopy, of: row) {
            made.append(new)
            failures = 0
          } else {
            failures += 1
            if failures == Self.patienceForRow { break }
          }
        }
        progress(index + 1, originals.count)
      }
    case .count, .asManyAsGiven:
      let wanted = if case .count(let count) = recipe.amount { count } else { originals.count }
      while made.count < wanted, let new = new(tries: Self.patience, of: nil) {
        made.append(new)
        progress(made.count, wanted)
      }
    }
    return format.rows(made)
  }

  /// A row that is new, or nil when there seems to be none.
  private mutating func new(tries: Int, of row: WordRow?) -> WordRow? {
    guard !originals.isEmpty, !parts.isEmpty else { return nil }
    for _ in 0..<tries {
      let result = draw(row)
      if seen.insert(result).inserted { return result }
    }
    return nil
  }

  /// A row made of a given one, or of one drawn at random.
  private mutating func draw(_ row: WordRow?) -> WordRow {
    let method = parts[random.choice(parts.map(\.weight)) ?? 0].method
    if case .joining = method {
      let first = row ?? random.pick(short)
      return WordRow(texts: [first.texts[0] + [format.comma] + random.pick(short).texts[0]])
    }
    var random = random
    defer { self.random = random }
    let source = row ?? random.pick(long)
    if case .perturbation(let perturbation) = method {
      return format.changed(source, by: perturbation, using: &random)
    }
    return source.mapTexts { text in
      switch method {
      case .masking(let p): return masking(text, p: p, mask: recipe.maskToken, using: &random)
      case .deleting(let p): return deleting(text, p: p, using: &random)
      case .nGramSampling(let lengths, let probabilities):
        return nGramSampling(text, lengths: lengths, probabilities: probabilities, using: &random)
      case .shortDisorder(let p): return shortDisorder(text, p: p, using: &random)
      case .longDisorder(let p, let length): return longDisorder(text, p: p, length: length, using: &random)
      case .replacement(let p): return text.map { random.chance(p) ? random.pick(allWords) : $0 }
      case .joining, .perturbation: preconditionFailure("\(method.name) takes whole rows.")
      case .maskedLM(let p, let count):
        let candidates = candidates(for: text)
        return text.enumerated().map { index, word in
          guard let words = candidates[index]?.prefix(count), !words.isEmpty, random.chance(p) else {
            return word
          }
          return random.pick(Array(words))
        }
      }
    }
  }

  /// The candidates of a text, asked for once.
  private mutating func candidates(for text: [String]) -> [Int: [String]] {
    if let known = known[text] { return known }
    let found = candidates?(text) ?? [:]
    known[text] = found
    return found
  }
}
