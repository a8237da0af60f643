public import Foundation

/// A named entity task of Potstill's own, drawn from seeded grammars in English (words) and Chinese (characters).
///
/// Several names are of two types, so that the sentence around them decides ("Jordan" writes a book, or lies by the sea).
/// In the `test` split every name stands in a place of a sentence in which no other split shows it.
public enum SampleEntityTask {
  /// How many sentences each split holds.
  public struct Counts: Sendable, Hashable, Codable {
    /// Sentences to train on.
    public var train: Int
    /// Sentences to choose a checkpoint with.
    public var validation: Int
    /// Sentences to score on.
    public var test: Int

    /// Counts of at least 0.
    public init(train: Int = 2000, validation: Int = 300, test: Int = 500) {
      self.train = train
      self.validation = validation
      self.test = test
    }
  }

  /// The sentences of all splits.
  public struct Splits: Sendable, Hashable {
    /// Sentences to train on.
    public var train: [TaggedSentence] = []
    /// Sentences to choose a checkpoint with.
    public var validation: [TaggedSentence] = []
    /// Sentences whose combinations of name and place no other split shows.
    public var test: [TaggedSentence] = []
  }

  /// The task as `tasks/sample-ner.yaml` defines it.
  public static let definition = TaskDefinition(
    name: "sample-ner", kind: .tokenClassification,
    summary: "Named entities in sentences drawn from Potstill's own grammars, English and Chinese",
    trainFile: "train.bio", validationFile: "validation.bio", testFile: "test.bio",
    labels: ["PER", "LOC", "ORG"],
    maxSequenceLength: 64, docStride: 16,
    defaults: TaskDefaults(
      learningRate: 1e-3, numTrainEpochs: 5, perDeviceTrainBatchSize: 32, perDeviceEvalBatchSize: 128,
      warmupRatio: 0.1))

  /// Draws the sentences; the same seed and counts give the same sentences on every machine.
  public static func generate(seed: UInt64 = 42, counts: Counts = Counts()) -> Splits {
    Splits(
      train: draws(seed, 11, counts.train, heldOut: false),
      validation: draws(seed, 12, counts.validation, heldOut: false),
      test: draws(seed, 13, counts.test, heldOut: true))
  }

  private static func draws(_ seed: UInt64, _ split: UInt64, _ count: Int, heldOut: Bool) -> [TaggedSentence]
  {
    precondition(count >= 0, "A split of \(count) sentences does not exist.")
    var random = SplitMix64(seed, split)
    let tags = definition.tagSet
    // Languages take turns.
    return (0..<count).map { turn in
      let grammar = turn.isMultiple(of: 2) ? SampleEntityGrammar.english : .chinese
      let (words, entities) = grammar.sentence(isHeldOut: heldOut, using: &random)
      return TaggedSentence(words: words, tags: tags.tags(of: entities, count: words.count))
    }
  }

  /// Writes the splits as the files of columns that `sample-ner` names; the folder is created.
  ///
  /// A file appears under its name only when it is complete. Throws `TaskDataError.unwritableFile`.
  public static func write(_ splits: Splits, to folder: URL) throws(TaskDataError) {
    let names = definition.outputLabels
    func columns(_ sentences: [TaggedSentence]) -> String {
      sentences.map { sentence in
        zip(sentence.words, sentence.tags ?? []).map { "\($0)\t\(names[$1])\n" }.joined() + "\n"
      }.joined()
    }
    try SampleFiles.write(
      [
        ("train.bio", columns(splits.train)), ("validation.bio", columns(splits.validation)),
        ("test.bio", columns(splits.test)),
      ], to: folder)
  }
}
