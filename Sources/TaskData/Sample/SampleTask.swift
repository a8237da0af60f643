/// A sentiment task of Potstill's own, drawn from seeded grammars in English and Chinese; it needs no file from outside.
///
/// Whether a review is positive follows from how it is built: negation, contrast ("X, but Y": the later clause decides;
/// "Y, although X": the earlier one), hearsay, verdicts on what somebody says. Words alone say almost nothing, names
/// and intensity nothing at all. The `test` split has in every review a combination of a sentiment
/// word with a construction that no other split shows.
public enum SampleTask {
  /// How many reviews each split holds.
  public struct Counts: Sendable, Hashable, Codable {
    /// Labelled reviews that the teacher was trained on, wherever that was.
    public var teacher: Int
    /// The few labelled reviews that the student's owner has.
    public var train: Int
    /// The reviews without labels that the student's owner has.
    public var unlabelled: Int
    /// Labelled reviews to choose a checkpoint with, built like the training reviews.
    public var validation: Int
    /// Labelled reviews to score on, each with a combination that no other split shows.
    public var test: Int

    /// Counts of at least 0.
    public init(
      teacher: Int = 10000, train: Int = 2500, unlabelled: Int = 12000, validation: Int = 1000,
      test: Int = 2000
    ) {
      self.teacher = teacher
      self.train = train
      self.unlabelled = unlabelled
      self.validation = validation
      self.test = test
    }
  }

  /// The reviews of all splits; no text occurs twice.
  public struct Splits: Sendable, Hashable {
    /// Labelled reviews for the teacher.
    public var teacher: [TextExample] = []
    /// The student's few labelled reviews.
    public var train: [TextExample] = []
    /// The student's reviews without labels.
    public var unlabelled: [TextExample] = []
    /// Labelled reviews to choose a checkpoint with.
    public var validation: [TextExample] = []
    /// Labelled reviews with unseen combinations.
    public var test: [TextExample] = []
  }

  /// Draws the reviews; the same seed and counts give the same reviews on every machine.
  public static func generate(seed: UInt64 = 42, counts: Counts = Counts()) -> Splits {
    var seen: Set<String> = []
    func draw(_ split: UInt64, _ count: Int, heldOut: Bool, labelled: Bool = true) -> [TextExample] {
      draws(seed: seed, split: split, count: count, heldOut: heldOut, labelled: labelled, seen: &seen)
    }
    // The order of the draws is part of what a seed promises.
    return Splits(
      teacher: draw(1, counts.teacher, heldOut: false),
      train: draw(2, counts.train, heldOut: false),
      unlabelled: draw(3, counts.unlabelled, heldOut: false, labelled: false),
      validation: draw(4, counts.validation, heldOut: false),
      test: draw(5, counts.test, heldOut: true))
  }

  private static func draws(
    seed: UInt64, split: UInt64, count: Int, heldOut: Bool, labelled: Bool, seen: inout Set<String>
  ) -> [TextExample] {
    precondition(count >= 0, "A split of \(count) reviews does not exist.")
    let grammars = [SampleGrammar(lexicon: .english), SampleGrammar(lexicon: .chinese)]
    var random = SplitMix64(seed, split)
    var examples: [TextExample] = []
    examples.reserveCapacity(count)
    while examples.count < count {
      // Languages take turns and labels do within each, so every split is balanced.
      let turn = examples.count
      let isPositive = (turn / 2).isMultiple(of: 2)
      let text = grammars[turn % 2].review(isPositive: isPositive, isHeldOut: heldOut, using: &random)
      guard seen.insert(text).inserted else { continue }
      examples.append(TextExample(text: text, label: labelled ? (isPositive ? 1 : 0) : nil))
    }
    random.shuffle(&examples)
    for index in examples.indices { examples[index].line = index + 2 }
    return examples
  }
}
