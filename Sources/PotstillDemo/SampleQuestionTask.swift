public import Foundation
import ModelFormats
public import TaskData
public import Tasks
import Tasks

/// A reading task of Potstill's own, drawn from seeded grammars in English and Chinese: a passage tells some facts of a
/// person, a question asks for one of them.
///
/// Two facts have answers of one kind (where somebody lives, and was born), so that the sentence around an answer decides.
/// In the `test` split every answer stands in a sentence in which it answers its question in no other split.
public enum SampleQuestionTask {
  /// The sizes of the demo.
  public static let defaultCounts = SampleCounts(
    teacher: 8000, train: 300, unlabelled: 8000, validation: 300, test: 1000)

  /// The task as `tasks/sample-qa.yaml` defines it: few questions with answers and a pool of others.
  public static let definition = TaskDefinition(
    name: "sample-qa", kind: .questionAnswering,
    summary: "Answers in passages drawn from Potstill's own grammars, English and Chinese",
    trainFile: "train.json", validationFile: "validation.json", testFile: "test.json",
    unlabelledFile: "unlabelled.json", metrics: ["f1", "exact_match"], maxSequenceLength: 96, docStride: 16,
    questions: QuestionSettings(maxQueryLength: 24, maxAnswerLength: 12),
    defaults: TaskDefaults(
      learningRate: 1e-3, numTrainEpochs: 6, perDeviceTrainBatchSize: 32, perDeviceEvalBatchSize: 128,
      warmupRatio: 0.1))

  /// The same task with the teacher's many answers, as `tasks/sample-qa-teacher.yaml` defines it.
  public static var teacherDefinition: TaskDefinition {
    var task = definition
    task.name = "sample-qa-teacher"
    task.summary = "The sample task of questions with the many answers that its teacher is trained on"
    task.trainFile = "teacher.json"
    task.unlabelledFile = nil
    return task
  }

  /// Draws the questions; the same arguments give the same questions on every machine.
  public static func generate(
    seed: UInt64 = 42, counts: SampleCounts = defaultCounts,
    languages: [SampleLanguage] = SampleLanguage.allCases
  ) -> SampleSplits<Question> {
    let grammars = languages.map { $0 == .english ? SampleQuestionGrammar.english : .chinese }
    func draw(_ name: String, _ split: UInt64, _ count: Int, heldOut: Bool = false) -> [Question] {
      precondition(count >= 0, "A split of \(count) questions does not exist.")
      var random = SplitMix64(seed, split)
      // Languages take turns.
      return (0..<count).map { turn in
        grammars[turn % grammars.count].question(id: "\(name)-\(turn)", isHeldOut: heldOut, using: &random)
      }
    }
    var splits = SampleSplits(
      teacher: draw("teacher", 24, counts.teacher), train: draw("train", 21, counts.train),
      unlabelled: draw("unlabelled", 25, counts.unlabelled),
      validation: draw("validation", 22, counts.validation),
      test: draw("test", 23, counts.test, heldOut: true))
    for index in splits.unlabelled.indices { splits.unlabelled[index].answers = [] }
    return splits
  }

  /// Writes the splits as the SQuAD documents that `sample-qa` and `sample-qa-teacher` name; the folder is created.
  ///
  /// A file appears under its name only when it is complete. Throws `TaskDataError.unwritableFile`.
  public static func write(_ splits: SampleSplits<Question>, to folder: URL) throws(TaskDataError) {
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
    try SampleFiles.write(splits.named.map { ($0.name + ".json", document($0.rows)) }, to: folder)
  }
}
