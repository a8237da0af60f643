import Datasets
import Tasks
import TestSupport
import Testing

@Suite("Readers of questions")
struct QuestionReadingTests {
  private func task(negative: Bool = false) -> TaskDefinition {
    TaskDefinition(
      name: "q", kind: .questionAnswering, trainFile: "train.json", validationFile: "dev.json",
      testFile: "test.json", questions: QuestionSettings(version2WithNegative: negative))
  }

  private func read(
    _ task: TaskDefinition, _ content: String, split: DataSplit = .train, badRows: BadRowPolicy = .fail
  ) throws -> Dataset<Question> {
    let folder = try TemporaryFolder([try #require(task.file(for: split)).path: content])
    return try TaskReader(task: task, folder: folder.url, badRows: badRows).readQuestions(split)
  }

  private func document(_ context: String, _ questions: String) -> String {
    #"{"version": "1.1", "data": [{"title": "T", "paragraphs": [{"context": "\#(context)", "qas": [\#(questions)]}]}]}"#
  }

  @Test("SQuAD 1.1: offsets in Unicode scalars, several answers")
  func squad() throws {
    let data = try read(
      task(),
      document(
        "😀 e\\u0301 Paris, Paris",
        #"{"id": "a", "question": "Where?", "answers": [{"text": "Paris", "answer_start": 5}, {"text": "Paris", "answer_start": 12}]}"#
      ))
    let question = try #require(data.examples.first)
    #expect(question.id == "a" && question.text == "Where?" && !question.isImpossible)
    #expect(question.answers == [.init(text: "Paris", start: 5), .init(text: "Paris", start: 12)])
    #expect(data.report.rowCount == 1 && data.report.repairs.isEmpty)
  }

  @Test("answers that are not at their offset are taken from the nearest occurrence, and reported")
  func moved() throws {
    let content = document(
      "北京 上海 北京 上海",
      #"""
      {"id": "1", "question": "?", "answers": [{"text": "上海", "answer_start": 8}]},
      {"id": "2", "question": "?", "answers": [{"text": "上海", "answer_start": -1}]},
      {"id": "3", "question": "?", "answers": [{"text": "北京", "answer_start": 4}]},
      {"id": "4", "question": "?", "answers": [{"text": "天津", "answer_start": 0}]},
      {"id": "5", "question": "?", "answers": [{"text": "北京", "answer_start": "0"}]}
      """#)
    let data = try read(task(), content, badRows: .skip)
    #expect(data.examples.map(\.id) == ["1", "2", "3", "5"])
    #expect(data.examples.map { $0.answers[0].start } == [9, 3, 6, 0])
    #expect(data.report.faults.map(\.place) == ["data[0].paragraphs[0].qas[3] (id 4)"])
    #expect(
      data.report.faults[0].description
        == "found the answer \"天津\", expected a text that occurs in the context")
    #expect(
      data.report.message(path: "f").contains("  f, data[0].paragraphs[0].qas[3] (id 4): found the answer"))
    // To score on, the text alone will do.
    let validation = try read(task(), content, split: .validation)
    #expect(validation.count == 5 && validation.examples[3].answers == [.init(text: "天津", start: nil)])
    #expect(validation.report.repairs.count == 4)
    #expect(validation.report.repairs[3].remedy == "the context does not have it; kept for scoring only")
    // A question that is left out has no repairs; those of the others are shown, the first three of them.
    #expect(data.report.repairs.count == 3)
    let lines = validation.note.split(separator: "\n")
    #expect(lines.count == 5 && lines[4] == "  ... and 1 more")
    #expect(
      lines[2].hasSuffix(
        "dev.json, data[0].paragraphs[0].qas[1] (id 2): found the answer \"上海\" without answer_start; "
          + "taken from its nearest occurrence, at 3"))
  }

  @Test("CMRC 2018's own form: a list of passages, answers that are texts alone, ids without white space")
  func cmrc() throws {
    let content = #"""
      [{"context_id": "c", "context_text": "北京 上海 北京", "title": "t", "qas": [
        {"query_id": " a ", "query_text": "？", "answers": ["上海", "北京"]},
        {"query_id": 7, "query_text": "？", "answers": ["天津"]},
        {"query_id": "a", "query_text": "？", "answers": ["北京"]}]},
       {"context_id": "d", "qas": []}]
      """#
    let data = try read(task(), content, split: .validation, badRows: .skip)
    #expect(data.examples.map(\.id) == ["a", "7"])
    // The first occurrence; the form has no offsets, so that finding the answer repairs nothing.
    #expect(data.examples[0].answers == [.init(text: "上海", start: 3), .init(text: "北京", start: 0)])
    #expect(data.examples[1].answers == [.init(text: "天津", start: nil)])
    #expect(data.report.repairs.map(\.place) == ["[0].qas[1] (id 7)"])
    #expect(
      data.report.repairs[0].description
        == "found the answer \"天津\"; the context does not have it; kept for scoring only")
    #expect(data.report.faults.map(\.place) == ["[0].qas[2] (id a)", "[1]"])
    #expect(data.report.faults[0].found == "the id \"a\" once more")
    // To learn from, an answer must be in the passage.
    let train = try read(task(), content, badRows: .skip)
    #expect(train.examples.map(\.id) == ["a"] && train.report.repairs.isEmpty)
    #expect(
      train.report.faults[0].description
        == "found the answer \"天津\", expected a text that occurs in the context")
    // SQuAD's form keeps white space, unless CMRC's script scores the task.
    let spaced = document(
      "c", #"{"id": " x ", "question": "?", "answers": [{"text": "c", "answer_start": 0}]}"#)
    #expect(try read(task(), spaced).examples[0].id == " x ")
    var cmrc = task()
    cmrc.metrics = ["AVERAGE", "F1", "EM"]
    #expect(try read(cmrc, spaced).examples[0].id == "x")
  }

  @Test("SQuAD 2.0: impossible questions, whose plausible answers do not count")
  func impossible() throws {
    let content = document(
      "Paris",
      #"""
      {"id": "1", "question": "?", "is_impossible": true, "answers": [],
       "plausible_answers": [{"text": "Paris", "answer_start": 0}]},
      {"id": "2", "question": "?", "is_impossible": false, "answers": [{"text": "Paris", "answer_start": 0}]},
      {"id": "3", "question": "?", "answers": []}
      """#)
    let data = try read(task(negative: true), content)
    #expect(data.examples.map(\.isImpossible) == [true, false, true])
    #expect(data.examples.map(\.answers.count) == [0, 1, 0])
    let first = try read(task(), content, badRows: .skip)
    #expect(first.examples.map(\.id) == ["2"])
    #expect(first.report.faults[0].expected == "one; set version_2_with_negative to allow for none")
    #expect(first.report.faults[1].found == "no answers")
  }

  @Test("what is wrong with a document is reported with the way to it")
  func faults() throws {
    let content = #"""
      {"data": [{"title": "none"}, {"paragraphs": [{"qas": []}, {"context": "c", "qas": [
        {"question": "?"}, {"id": 7, "question": "?", "answers": [{"text": "c", "answer_start": 0}]},
        {"id": 7, "question": "?", "answers": [{"text": "c", "answer_start": 0}]},
        {"id": "8", "question": " ", "answers": []}, {"id": "9", "question": "?", "answers": 3},
        {"id": "10", "question": "?", "answers": [{"text": "", "answer_start": 0}]}, {"id": "11"}]}]}]}
      """#
    let data = try read(task(), content, badRows: .skip)
    #expect(data.examples.map(\.id) == ["7"] && data.report.rowCount == 9)
    #expect(
      data.report.faults.map(\.place) == [
        "data[0]", "data[1].paragraphs[0]", "data[1].paragraphs[1].qas[0]",
        "data[1].paragraphs[1].qas[2] (id 7)",
        "data[1].paragraphs[1].qas[3] (id 8)", "data[1].paragraphs[1].qas[4] (id 9)",
        "data[1].paragraphs[1].qas[5] (id 10)", "data[1].paragraphs[1].qas[6] (id 11)",
      ])
    // An empty question teaches nothing, but the official scripts count it.
    let empty = document("c", #"{"id": "1", "question": "", "answers": [{"text": "c", "answer_start": 0}]}"#)
    #expect(throws: DatasetError.self) { try read(task(), empty) }
    #expect(try read(task(), empty, split: .validation).report.repairs.count == 1)
    #expect(throws: DatasetError.self) { try read(task(), "[]") }
    let error = try #require(throws: DatasetError.self) { try read(task(), "{\"data\": [") }
    #expect(error.description.contains("train.json"))
  }

  @Test("test files may lack answers")
  func unanswered() throws {
    let data = try read(task(), document("c", #"{"id": "1", "question": "?"}"#), split: .test)
    #expect(data.examples[0].answers.isEmpty && !data.examples[0].isImpossible)
  }

  @Test("JSON lines as Hugging Face has them, with columns of other names")
  func lines() throws {
    var task = task(negative: true)
    task.format = .jsonl
    task.questions.contextColumn = .name("passage")
    let data = try read(
      task,
      """
      {"id": "x", "question": "?", "passage": "a b", "answers": {"text": ["b", "a"], "answer_start": [2, 0]}}
      {"question": "?", "passage": "a b", "answers": {"text": [], "answer_start": []}}
      {"question": "?", "answers": {"text": []}}
      """, badRows: .skip)
    #expect(data.examples.map(\.id) == ["x", "2"])
    #expect(data.examples[0].answers.map(\.start) == [2, 0] && data.examples[1].isImpossible)
    #expect(data.report.faults.map(\.line) == [3])
  }
}
