public import Foundation
import ModelFormats

/// A reading task of Potstill's own, drawn from seeded grammars in English and Chinese: a passage tells some facts of a
/// person, a question asks for one of them.
///
/// Two facts have answers of one kind (where somebody lives, and was born), so that the sentence around an answer decides.
/// In the `test` split every answer answers a question that it answers in no other split.
public enum SampleQuestionTask {
  /// How many questions each split holds.
  public struct Counts: Sendable, Hashable, Codable {
    /// Questions to train on.
    public var train: Int
    /// Questions to choose a checkpoint with.
    public var validation: Int
    /// Questions to score on.
    public var test: Int

    /// Counts of at least 0.
    public init(train: Int = 3000, validation: Int = 300, test: Int = 500) {
      self.train = train
      self.validation = validation
      self.test = test
    }
  }

  /// The questions of all splits.
  public struct Splits: Sendable, Hashable {
    /// Questions to train on.
    public var train: [Question] = []
    /// Questions to choose a checkpoint with.
    public var validation: [Question] = []
    /// Questions whose combinations with their answers no other split shows.
    public var test: [Question] = []
  }

  /// The task as `tasks/sample-qa.yaml` defines it.
  public static let definition = TaskDefinition(
    name: "sample-qa", kind: .questionAnswering,
    summary: "Answers in passages drawn from Potstill's own grammars, English and Chinese",
    trainFile: "train.json", validationFile: "validation.json", testFile: "test.json",
    metrics: ["f1", "exact_match"], maxSequenceLength: 96, docStride: 16,
    questions: QuestionSettings(maxQueryLength: 24, maxAnswerLength: 12),
    defaults: TaskDefaults(
      learningRate: 1e-3, numTrainEpochs: 6, perDeviceTrainBatchSize: 32, perDeviceEvalBatchSize: 128,
      warmupRatio: 0.1))

  /// Draws the questions; the same seed and counts give the same questions on every machine.
  public static func generate(seed: UInt64 = 42, counts: Counts = Counts()) -> Splits {
    Splits(
      train: draws(seed, 21, counts.train, heldOut: false, name: "train"),
      validation: draws(seed, 22, counts.validation, heldOut: false, name: "validation"),
      test: draws(seed, 23, counts.test, heldOut: true, name: "test"))
  }

  private static func draws(
    _ seed: UInt64, _ split: UInt64, _ count: Int, heldOut: Bool, name: String
  ) -> [Question] {
    precondition(count >= 0, "A split of \(count) questions does not exist.")
    var random = SplitMix64(seed, split)
    // Languages take turns.
    return (0..<count).map { turn in
      let grammar = turn.isMultiple(of: 2) ? SampleQuestionGrammar.english : .chinese
      return grammar.question(id: "\(name)-\(turn)", isHeldOut: heldOut, using: &random)
    }
  }

  /// Writes the splits as the SQuAD documents that `sample-qa` names; the folder is created.
  ///
  /// A file appears under its name only when it is complete. Throws `TaskDataError.unwritableFile`.
  public static func write(_ splits: Splits, to folder: URL) throws(TaskDataError) {
    func document(_ questions: [Question]) -> String {
      let paragraphs = questions.map { question -> JSONValue in
        let answers = question.answers.map { answer -> JSONValue in
          ["text": .string(answer.text), "answer_start": .integer(answer.start ?? -1)]
        }
        let item: JSONValue = [
          "id": .string(question.id), "question": .string(question.text), "answers": .array(answers),
        ]
        return ["context": .string(question.context), "qas": [item]]
      }
      let article: JSONValue = ["title": "Potstill's sample", "paragraphs": .array(paragraphs)]
      return (["version": "1.1", "data": [article]] as JSONValue).compactText + "\n"
    }
    try SampleFiles.write(
      [
        ("train.json", document(splits.train)), ("validation.json", document(splits.validation)),
        ("test.json", document(splits.test)),
      ], to: folder)
  }
}
