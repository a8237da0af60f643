public import Datasets
public import Foundation
import ModelFormats
public import Tasks

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
  /// A file appears under its name only when it is complete. Throws `DatasetError.unwritableFile`.
  public static func write(_ splits: SampleSplits<Question>, to folder: URL) throws(DatasetError) {
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

/// Grammar of facts about people in one language, and of questions that ask for them.
struct SampleQuestionGrammar: Sendable {
  /// Fact about a person: sentences and questions in which `@` stands for the person and `#` for the answer.
  struct Fact: Sendable {
    var sentences: [String]
    var questions: [String]
    var answers: [String]

    init(_ sentences: String, _ questions: String, _ answers: String) {
      self.sentences = sentences.split(separator: "|").map(String.init)
      self.questions = questions.split(separator: "|").map(String.init)
      self.answers = answers.split(separator: "|").map(String.init)
    }
  }

  let facts: [Fact]
  let people: [String]
  let gap: String

  /// A passage of all facts in random order with a question for one of them.
  func question(id: String, isHeldOut: Bool, using random: inout SplitMix64) -> Question {
    let person = random.pick(people)
    let asked = random.below(facts.count)
    let wording = random.below(facts[asked].questions.count)
    var order = Array(facts.indices)
    random.shuffle(&order)
    var context = ""
    var answers: [Question.Answer] = []
    for fact in order {
      let sentence = random.below(facts[fact].sentences.count)
      var fitting = Array(facts[fact].answers.indices)
      if fact == asked {
        fitting = fitting.filter { Self.isHeldOut(fact, wording, sentence, answer: $0) == isHeldOut }
      }
      let answer = facts[fact].answers[random.pick(fitting)]
      let parts = facts[fact].sentences[sentence].replacing("@", with: person).split(separator: "#")
      if !context.isEmpty { context += gap }
      context += parts[0]
      if fact == asked {
        answers = [Question.Answer(text: answer, start: context.unicodeScalars.count)]
      }
      context += answer + parts.dropFirst().joined()
    }
    let text = facts[asked].questions[wording].replacing("@", with: person)
    return Question(id: id, text: text, context: context, answers: answers)
  }

  /// Whether the test split alone shows an answer to a wording of a question in a form of its sentence.
  ///
  /// A fifth of the answers is (a Latin square): training shows each answer with each wording and in each form, but not
  /// with every wording in every form.
  private static func isHeldOut(_ fact: Int, _ wording: Int, _ sentence: Int, answer: Int) -> Bool {
    (fact + wording * 2 + sentence + answer).isMultiple(of: 5)
  }

  static let english = SampleQuestionGrammar(
    facts: [
      Fact(
        "@ lives in #.|The home of @ is in #.", "Where does @ live?|In which town is the home of @?",
        "Oslo|Cape Town|Lima|Kyoto|New York|Sofia|Cork|Quito|Riga|Porto"),
      Fact(
        "@ was born in #.|The birthplace of @ is #.", "Where was @ born?|What is the birthplace of @?",
        "Oslo|Cape Town|Lima|Kyoto|New York|Sofia|Cork|Quito|Riga|Porto"),
      Fact(
        "@ works for #.|The employer of @ is #.", "Who does @ work for?|Who is the employer of @?",
        "Acme|Northwind|the post office|Blue River Bank|a small school|Orion|the city library|Lumen|Delta Air|Paragon"
      ),
      Fact(
        "@ likes # best.|Nothing pleases @ more than #.", "What does @ like best?|What pleases @ most?",
        "chess|long walks|old films|jazz|green tea|sailing|good soup|poems|tennis|snow"),
    ], people: ["Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry"], gap: " ")

  static let chinese = SampleQuestionGrammar(
    facts: [
      Fact("@住在#。|@的家在#。", "@住在哪里？|@的家在什么地方？", "北京|哈尔滨|昆明|苏州|海口|西安|乌鲁木齐|大连|青岛|成都"),
      Fact("@出生在#。|@的出生地是#。", "@出生在哪里？|@的出生地是哪里？", "北京|哈尔滨|昆明|苏州|海口|西安|乌鲁木齐|大连|青岛|成都"),
      Fact(
        "@在#工作。|@的单位是#。", "@在哪里工作？|@的单位叫什么？", "东风公司|邮局|长江银行|市图书馆|明光学校|华夏报|四方工厂|新月书店|海星集团|火车站"),
      Fact("@最喜欢#。|@最大的爱好是#。", "@最喜欢什么？|@最大的爱好是什么？", "下棋|散步|老电影|爵士乐|绿茶|游泳|喝汤|写诗|网球|下雪天"),
    ], people: ["王芳", "李明", "陈静", "刘洋", "赵敏", "何平", "孙丽", "周强"], gap: "")
}
