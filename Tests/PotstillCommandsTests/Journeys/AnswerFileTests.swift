import Datasets
import Foundation
import ModelFormats
import Tasks
import Testing
import Yams

/// The files of answers that runs write, as other tools read them.
@Suite struct AnswerFileTests {
  let world: TinyWorld

  init() throws { world = try TinyWorld() }

  /// How the answers to a recipe's validation rows are scored without its model.
  struct Scoring: Sendable, CustomTestStringConvertible {
    /// The recipe.
    let task: String
    /// The file of answers.
    let answers: String
    /// The options of `potstill score`.
    let options: [String]
    /// The scores that must be those of `potstill evaluate`.
    let scores: [String]

    var testDescription: String { task }
  }

  static let scorings = [
    Scoring(
      task: "sst2", answers: "predictions.tsv", options: ["--metric", "accuracy"], scores: ["accuracy"]),
    Scoring(
      task: "mrpc", answers: "predictions.tsv",
      options: ["--metric", "accuracy", "--metric", "f1", "--label-column", "Quality"],
      scores: ["accuracy", "f1"]),
    Scoring(
      task: "cola", answers: "predictions.tsv",
      options: ["--metric", "matthews_correlation", "--no-header", "--label-column", "1"],
      scores: ["matthews_correlation"]),
    Scoring(
      task: "mnli", answers: "predictions.tsv", options: ["--metric", "accuracy"], scores: ["accuracy"]),
    Scoring(
      task: "msra-ner", answers: "predictions.txt", options: ["--metric", "seqeval"],
      scores: ["overall_precision", "overall_recall", "overall_f1", "overall_accuracy"]),
    Scoring(
      task: "squad", answers: "predictions.json", options: ["--metric", "squad"],
      scores: ["exact_match", "f1"]),
    Scoring(
      task: "cmrc2018", answers: "predictions.json", options: ["--metric", "cmrc2018"],
      scores: ["AVERAGE", "F1", "EM"]),
  ]

  @Test("score finds in the files what evaluate printed, to the last digit", arguments: scorings)
  func scores(_ scoring: Scoring) throws {
    let recipe = try TaskFilesTests.catalog.url(for: scoring.task)
    let task = try YAMLDecoder().decode(TaskDefinition.self, from: Data(contentsOf: recipe))
    try SampleRows(task: task).write(to: world.folder.appending(path: "rows"))
    let options = ["--task", recipe.path, "--data", world.path("rows"), "--quiet"]
    let trained = potstill(
      [
        "train", "--model", world.path("base"), "--output", world.path("model"), "--max-steps", "20",
        "--learning-rate", "5e-3",
      ] + options)
    try #require(trained.code == 0, "\(trained.messages)")
    let evaluated = potstill(
      ["evaluate", "--model", world.path("model"), "--output", world.path("answers"), "--json"] + options)
    try #require(evaluated.code == 0, "\(evaluated.messages)")
    let printed = try JSONValue(parsing: evaluated.output)

    let answers = "answers/" + scoring.answers
    let gold = try #require(task.validationFile).path
    let scored = potstill(
      ["score", "--json"] + scoring.options + [world.path(answers), world.path("rows/" + gold)])
    try #require(scored.code == 0, "\(scored.messages)")
    let found = try JSONValue(parsing: scored.output)
    for name in scoring.scores {
      try #require(found[name]?.doubleValue != nil, "no \(name) in \(scored.output)")
      #expect(found[name]?.doubleValue == printed["eval_" + name]?.doubleValue, "\(name)")
    }
    // The run that trained the model wrote the same answers.
    #expect(try world.text(answers) == world.text("model/eval_" + scoring.answers))
  }

  @Test("rows have their numbers in the file, and those left out are shown with their lines")
  func rowNumbers() throws {
    let recipe = try world.text("tiny.yaml") + "drop_train_duplicates: true\n"
    try Data(recipe.utf8).write(to: world.folder.appending(path: "dropping.yaml"))
    // The first row is one of train, the second and the fourth cannot be used, and the blank line is no row.
    let rows = [
      "sentence\tlabel", "the film was good .\t1", "broken", "the book was very good .\t1",
      "the tea was not bad .\t9", "", "the soup was not good .\t0", "",
    ]
    let file = world.path("odd.tsv")
    try Data(rows.joined(separator: "\n").utf8).write(to: URL(filePath: file))
    let evaluate = [
      "evaluate", "--model", world.path("base"), "--task", world.path("dropping.yaml"), "--data",
      world.path("data"), "--validation-file", file, "--skip-bad-rows",
    ]
    let run = potstill(evaluate + ["--output", world.path("answers")])
    try #require(run.code == 0, "\(run.messages)")
    let table = try world.text("answers/predictions.tsv").split(separator: "\n").map { line in
      line.split(separator: "\t").map { String($0) }
    }
    #expect(table.map { $0[0] } == ["index", "2", "4"])
    #expect(table.dropFirst().allSatisfy { ["0", "1"].contains($0[1]) })
    let account = [
      "\(file): 2 examples, 2 bad rows skipped, 1 that also occur in train dropped",
      "  \(file):3: found 1 column, expected 2", "  \(file):5: found the label \"9\", expected one of 0, 1",
    ]
    #expect(run.messages.contains(account.joined(separator: "\n")), "\(run.messages)")
    let quiet = potstill(evaluate + ["--quiet"])
    #expect(quiet.code == 0 && quiet.messages.isEmpty, "\(quiet.messages)")
  }
}
