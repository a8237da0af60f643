public import TaskData
public import Tasks

/// A sentiment task of Potstill's own, drawn from seeded grammars in English and Chinese; it needs no file from outside.
///
/// Whether a review is positive follows from how it is built: negation, contrast ("X, but Y": the later clause decides;
/// "Y, although X": the earlier one), hearsay, verdicts on what somebody says. Words alone say almost nothing, names
/// and intensity nothing at all. The `test` split has in every review a combination of a sentiment
/// word with a construction that no other split shows.
public enum SampleTask {
  /// The sizes of the demo.
  public static let defaultCounts = SampleCounts(
    teacher: 10000, train: 2500, unlabelled: 12000, validation: 1000, test: 2000)

  /// Draws the reviews, none of them twice; the same arguments give the same reviews on every machine.
  public static func generate(
    seed: UInt64 = 42, counts: SampleCounts = defaultCounts,
    languages: [SampleLanguage] = SampleLanguage.allCases
  ) -> SampleSplits<TextExample> {
    let grammars = languages.map { SampleGrammar(lexicon: $0 == .english ? .english : .chinese) }
    var seen: Set<String> = []
    func draw(_ split: UInt64, _ count: Int, heldOut: Bool, labelled: Bool = true) -> [TextExample] {
      draws(
        grammars, seed: seed, split: split, count: count, heldOut: heldOut, labelled: labelled, seen: &seen)
    }
    // The order of the draws is part of what a seed promises.
    return SampleSplits(
      teacher: draw(1, counts.teacher, heldOut: false),
      train: draw(2, counts.train, heldOut: false),
      unlabelled: draw(3, counts.unlabelled, heldOut: false, labelled: false),
      validation: draw(4, counts.validation, heldOut: false),
      test: draw(5, counts.test, heldOut: true))
  }

  private static func draws(
    _ grammars: [SampleGrammar], seed: UInt64, split: UInt64, count: Int, heldOut: Bool, labelled: Bool,
    seen: inout Set<String>
  ) -> [TextExample] {
    precondition(count >= 0, "A split of \(count) reviews does not exist.")
    var random = SplitMix64(seed, split)
    var examples: [TextExample] = []
    examples.reserveCapacity(count)
    while examples.count < count {
      // Languages take turns and labels do within each, so every split is balanced.
      let turn = examples.count
      let isPositive = (turn / grammars.count).isMultiple(of: 2)
      let text = grammars[turn % grammars.count].review(
        isPositive: isPositive, isHeldOut: heldOut, using: &random)
      guard seen.insert(text).inserted else { continue }
      examples.append(TextExample(text: text, label: labelled ? (isPositive ? 1 : 0) : nil))
    }
    random.shuffle(&examples)
    for index in examples.indices {
      examples[index].line = index + 2
      examples[index].row = index
    }
    return examples
  }
}
