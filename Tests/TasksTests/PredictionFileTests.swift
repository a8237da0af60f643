import Datasets
import Foundation
import Tasks
import TestSupport
import Testing
import Tokenization
import Training

@Suite("Files of predictions")
struct PredictionFileTests {
  private let tokenizer = BertTokenizer(vocabulary: Vocabulary(["[UNK]", "[CLS]", "[SEP]", "a", "b"]))

  /// Three rows: the fifth and the tenth of some file, and one of no file between them.
  private func rows(of task: TaskDefinition) throws -> EncodedTask {
    try EncodedTask(
      .texts([TextExample(text: "a", row: 4), TextExample(text: "b"), TextExample(text: "a b", row: 9)]),
      task: task, with: tokenizer, maxLength: 8)
  }

  /// The lines of the table that is written of answers to the three rows.
  private func table(_ predictions: TaskPredictions, of task: TaskDefinition) throws -> [String] {
    let folder = try TemporaryFolder()
    let result = EvaluationResult(loss: nil, metrics: [], examples: 3, runtime: 1)
    try TaskEvaluation(result: result, predictions: predictions, of: rows(of: task))
      .writePredictions(to: folder.url, prefix: "eval")
    let file = folder.url.appending(path: "eval_predictions.tsv")
    return try String(contentsOf: file, encoding: .utf8).split(separator: "\n").map { String($0) }
  }

  @Test("labels are written as the task's files mean them, under their rows' numbers")
  func labels() throws {
    let task = TaskDefinition(
      name: "t", labels: ["no", "yes", "maybe"], labelValues: ["0": "no", "1": "yes", "01": "yes"])
    let answers = ["yes", "no", "maybe"].map { (label: $0, logits: [Float]()) }
    #expect(try table(.labels(answers), of: task) == ["index\tprediction", "4\t01", "1\t0", "9\tmaybe"])
  }

  @Test("several labels are joined as in the task's files")
  func labelSets() throws {
    let task = TaskDefinition(
      name: "t", kind: .multiLabel, labelSeparator: "|", labels: ["red", "green"], labelValues: ["r": "red"])
    let answers = [["red", "green"], [], ["green"]].map { (labels: $0, logits: [Float]()) }
    #expect(
      try table(.labelSets(answers), of: task) == ["index\tprediction", "4\tr|green", "1\t", "9\tgreen"])
  }

  @Test("numbers are written as they are")
  func values() throws {
    let task = TaskDefinition(name: "t", kind: .regression)
    #expect(
      try table(.values([2.5, 0, -1]), of: task) == ["index\tprediction", "4\t2.5", "1\t0.0", "9\t-1.0"])
  }

  @Test("examples without a file are numbered by their positions")
  func positions() {
    let examples = (0..<3).map { _ in EncodedExample(ids: [1], segments: [0]) }
    let data = EncodedTask(examples, task: TaskDefinition(name: "t", labels: ["no", "yes"]))
    #expect(data.rowNumbers == [0, 1, 2])
  }
}
