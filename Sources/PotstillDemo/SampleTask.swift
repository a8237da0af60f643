public import Datasets
public import Foundation
import ModelFormats
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

extension SampleTask {
  /// The task as `tasks/sample.yaml` defines it: few labels and a pool of unlabelled reviews.
  public static let definition = TaskDefinition(
    name: "sample", summary: "Sentiment of reviews drawn from Potstill's own grammars, English and Chinese",
    trainFile: "train.tsv", validationFile: "validation.tsv", testFile: "test.tsv",
    unlabelledFile: "unlabelled.tsv", textColumn: .name("sentence"), labels: ["negative", "positive"],
    maxSequenceLength: 64,
    defaults: TaskDefaults(
      learningRate: 1e-3, numTrainEpochs: 15, perDeviceTrainBatchSize: 32, perDeviceEvalBatchSize: 128,
      warmupRatio: 0.1))

  /// The same task with the teacher's many labels, as `tasks/sample-teacher.yaml` defines it.
  public static var teacherDefinition: TaskDefinition {
    var task = definition
    task.name = "sample-teacher"
    task.summary = "The sample task with the many labelled reviews that its teacher is trained on"
    task.trainFile = "teacher.tsv"
    task.unlabelledFile = nil
    task.defaults.learningRate = 5e-4
    task.defaults.numTrainEpochs = 6
    return task
  }

  /// Writes the splits as the TSV files that `sample` and `sample-teacher` name; the folder is created.
  ///
  /// A file appears under its name only when it is complete. Throws `DatasetError.unwritableFile`.
  public static func write(_ splits: SampleSplits<TextExample>, to folder: URL) throws(DatasetError) {
    let labels = definition.labels
    func table(_ examples: [TextExample], labelled: Bool) -> String {
      var text = labelled ? "sentence\tlabel\n" : "sentence\n"
      for example in examples {
        text += example.text
        if let label = example.label { text += "\t" + labels[label] }
        text += "\n"
      }
      return text
    }
    try SampleFiles.write(
      splits.named.map { ($0.name + ".tsv", table($0.rows, labelled: $0.isLabelled)) }, to: folder)
  }
}

/// Writes the files of a sample task.
enum SampleFiles {
  /// Writes texts under their names; the folder is created, and a file appears under its name only when it is complete.
  ///
  /// Throws `DatasetError.unwritableFile`.
  static func write(_ files: [(name: String, content: String)], to folder: URL) throws(DatasetError) {
    var path = folder.path(percentEncoded: false)
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      for (name, content) in files {
        let url = folder.appending(path: name)
        path = url.path(percentEncoded: false)
        try AtomicFile.write(Array(content.utf8), to: url)
      }
    } catch FormatError.cannotWrite(_, let reason) {
      throw .unwritableFile(path: path, reason: reason)
    } catch {
      throw .unwritableFile(path: path, reason: describeFileError(error))
    }
  }
}
