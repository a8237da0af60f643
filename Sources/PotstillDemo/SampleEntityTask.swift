public import Foundation
public import TaskData
public import Tasks
import Tasks

/// A named entity task of Potstill's own, drawn from seeded grammars in English (words) and Chinese (characters).
///
/// Several names are of two types, so that the sentence around them decides ("Jordan" writes a book, or lies by the sea).
/// In the `test` split every name stands in a place of a sentence in which no other split shows it.
public enum SampleEntityTask {
  /// The sizes of the demo.
  public static let defaultCounts = SampleCounts(
    teacher: 6000, train: 60, unlabelled: 6000, validation: 300, test: 1000)

  /// The task as `tasks/sample-ner.yaml` defines it: few tagged sentences and a pool of others.
  public static let definition = TaskDefinition(
    name: "sample-ner", kind: .tokenClassification,
    summary: "Named entities in sentences drawn from Potstill's own grammars, English and Chinese",
    trainFile: "train.bio", validationFile: "validation.bio", testFile: "test.bio",
    unlabelledFile: "unlabelled.bio", labels: ["PER", "LOC", "ORG"],
    maxSequenceLength: 64, docStride: 16,
    defaults: TaskDefaults(
      learningRate: 1e-3, numTrainEpochs: 5, perDeviceTrainBatchSize: 32, perDeviceEvalBatchSize: 128,
      warmupRatio: 0.1))

  /// The same task with the teacher's many tags, as `tasks/sample-ner-teacher.yaml` defines it.
  public static var teacherDefinition: TaskDefinition {
    var task = definition
    task.name = "sample-ner-teacher"
    task.summary = "The sample task of entities with the many tagged sentences that its teacher is trained on"
    task.trainFile = "teacher.bio"
    task.unlabelledFile = nil
    task.defaults.numTrainEpochs = 4
    return task
  }

  /// Draws the sentences; the same arguments give the same sentences on every machine.
  public static func generate(
    seed: UInt64 = 42, counts: SampleCounts = defaultCounts,
    languages: [SampleLanguage] = SampleLanguage.allCases
  ) -> SampleSplits<TaggedSentence> {
    let grammars = languages.map { $0 == .english ? SampleEntityGrammar.english : .chinese }
    func draw(_ split: UInt64, _ count: Int, heldOut: Bool = false) -> [TaggedSentence] {
      draws(grammars, seed, split, count, heldOut: heldOut)
    }
    var splits = SampleSplits(
      teacher: draw(14, counts.teacher), train: draw(11, counts.train),
      unlabelled: draw(15, counts.unlabelled), validation: draw(12, counts.validation),
      test: draw(13, counts.test, heldOut: true))
    for index in splits.unlabelled.indices { splits.unlabelled[index].tags = nil }
    return splits
  }

  private static func draws(
    _ grammars: [SampleEntityGrammar], _ seed: UInt64, _ split: UInt64, _ count: Int, heldOut: Bool
  ) -> [TaggedSentence] {
    precondition(count >= 0, "A split of \(count) sentences does not exist.")
    var random = SplitMix64(seed, split)
    let tags = definition.tagSet
    // Languages take turns.
    return (0..<count).map { turn in
      let (words, entities) = grammars[turn % grammars.count].sentence(isHeldOut: heldOut, using: &random)
      return TaggedSentence(words: words, tags: tags.tags(of: entities, count: words.count))
    }
  }

  /// Writes the splits as the files of columns that `sample-ner` and `sample-ner-teacher` name; the folder is created.
  ///
  /// A file appears under its name only when it is complete. Throws `TaskDataError.unwritableFile`.
  public static func write(_ splits: SampleSplits<TaggedSentence>, to folder: URL) throws(TaskDataError) {
    let names = definition.outputLabels
    func columns(_ sentence: TaggedSentence) -> String {
      sentence.words.indices.map { word in
        sentence.words[word] + (sentence.tags.map { "\t" + names[$0[word]] } ?? "") + "\n"
      }.joined()
    }
    try SampleFiles.write(
      splits.named.map { ($0.name + ".bio", $0.rows.map { columns($0) + "\n" }.joined()) }, to: folder)
  }
}
