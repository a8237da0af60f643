import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing

/// Answers of a file as a teacher, from `predict` or anybody else to a student.
@Suite struct AnswersTeacherTests {
  let world: TinyWorld
  let task: [String]

  init() throws {
    world = try TinyWorld()
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  private func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: world.folder.appending(path: name))
  }

  /// Trains a teacher and writes its answers to some rows.
  private func answers(to rows: [String], as name: String, options: [String] = []) throws {
    if !FileManager.default.fileExists(atPath: world.path("teacher")) {
      let run = potstill(
        ["train", "--model", world.path("base"), "--output", world.path("teacher"), "--quiet"] + task)
      try #require(run.code == 0, "\(run.messages)")
    }
    try write((["sentence"] + rows).joined(separator: "\n") + "\n", to: "asked.tsv")
    let run = potstill(
      [
        "predict", "--model", world.path("teacher"), "--input", world.path("asked.tsv"), "--output",
        world.path(name),
      ] + options)
    try #require(run.code == 0, "\(run.messages)")
  }

  private func rows(_ file: String) throws -> [String] {
    try world.text(file).split(separator: "\n").dropFirst().map {
      String($0.split(separator: "\t")[0])
    }
  }

  private func distill(_ teacher: String, _ output: String, _ options: [String] = []) -> [String] {
    ["distill", "--teacher", world.path(teacher), "--student", "T1", "--output", world.path(output)] + options
  }

  private func weights(_ folder: String) throws -> [Float] {
    let model = try TaskModel(directory: URL(filePath: world.path(folder)))
    return model.parameters.flatMap { Array($0.values) }
  }

  /// A student of a file learns what a student of the model behind it learns.
  @Test func aFileTeachesAsItsModelDoes() throws {
    try FixedThreads.run {
      try answers(to: try rows("data/train.tsv"), as: "answers.jsonl")
      let settings = task + ["--num-train-epochs", "3", "--student-from", world.path("teacher")]
      let live = potstill(distill("teacher", "live", settings))
      try #require(live.code == 0, "\(live.messages)")
      let file = potstill(distill("answers.jsonl", "file", settings))
      try #require(file.code == 0, "\(file.messages)")
      #expect(file.messages.contains("32 answers, 32 training rows answered"), "\(file.messages)")
      let (one, other) = (try weights("live"), try weights("file"))
      let start = try weights("teacher")
      let most = zip(one, other).map { abs($0 - $1) }.max() ?? .nan
      // Log-probabilities are the logits but for a constant, which the softmax takes out up to rounding; Adam's steps of
      // 5e-3 can turn a rounded gradient's sign.
      #expect(most < 5e-3, "the largest difference of a weight is \(most)")
      #expect(one.count != start.count && one != other, "logits and their logarithms round differently")
      let scores = try ["live", "file"].map {
        try JSONValue(parsing: try world.text("\($0)/eval_results.json"))["eval_loss"]?.doubleValue ?? .nan
      }
      #expect(abs(scores[0] - scores[1]) < 1e-3, "\(scores)")
    }
  }

  @Test func theTableHasARowOfTheFileAndItsRecipeRepeatsIt() throws {
    try answers(
      to: try rows("data/train.tsv") + rows("data/dev.tsv"), as: "answers.csv", options: ["--all-scores"])
    let run = potstill(
      distill("answers.csv", "student", task + ["--student-from", world.path("base"), "--baseline"]))
    try #require(run.code == 0, "\(run.messages)")
    #expect(run.messages.contains("8 to rows that are scored on or beyond a limit, kept out"))
    let table = run.output.split(separator: "\n").filter { $0.contains("answers.csv") }
    #expect(table.count == 1 && table[0].split(separator: " ").count == 3, "name, accuracy and f1: \(table)")
    let all = try JSONValue(parsing: try world.text("student/all_results.json"))
    let teacher = try JSONValue(parsing: try world.text("teacher/eval_results.json"))
    #expect(all["teacher_eval_accuracy"] == teacher["eval_accuracy"] && all["teacher_parameters"] == nil)
    #expect(all["baseline_eval_accuracy"] != nil)
    let again = potstill(["distill", world.path("student/recipe.yaml"), "--output", world.path("again")])
    try #require(again.code == 0, "\(again.messages)")
    #expect(try weights("student") == weights("again"))
  }

  /// Texts and answers are everything: no task, no training file.
  @Test func answersBringTheirOwnTexts() throws {
    try answers(to: try rows("data/train.tsv") + rows("data/more.tsv"), as: "answers.jsonl")
    let plan = potstill(
      ["distill", "--teacher", world.path("answers.jsonl"), "--student-from", world.path("base")]
        + ["--student", "T1", "--dry-run"])
    #expect(
      plan.code == 0 && plan.output.contains("answers.jsonl: answers without a model"), "\(plan.messages)")
    #expect(plan.messages.contains("2 labels: negative, positive"), "\(plan.messages)")
    let scored = potstill(
      distill(
        "answers.jsonl", "student",
        ["--student-from", world.path("base"), "--validation-file", world.path("named.tsv")]))
    #expect(scored.code == 1 && scored.messages.contains("named.tsv"))
    let named = try world.text("data/dev.tsv").replacing("\t1", with: "\tpositive").replacing(
      "\t0", with: "\tnegative")
    try write(named, to: "named.tsv")
    let run = potstill(
      distill(
        "answers.jsonl", "student",
        [
          "--student-from", world.path("base"), "--validation-file", world.path("named.tsv"),
          "--num-train-epochs",
          "60", "--learning-rate", "5e-3",
        ]))
    try #require(run.code == 0, "\(run.messages)")
    let all = try JSONValue(parsing: try world.text("student/all_results.json"))
    #expect(all["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
  }

  @Test func somebodyElsesAnswers() throws {
    // A language model's, with log-probabilities, to some rows; the others keep their labels.
    let texts = try rows("data/train.tsv")
    let lines = texts.prefix(20).map { text in
      let isGood = TinyWorld.goodWords.contains { text.contains($0) }
      return
        "{\"text\": \"\(text)\", \"logprobs\": [{\"token\": \" \(isGood ? "positive" : "negative")\", \"logprob\": -0.1}]}"
    }
    try write(lines.joined(separator: "\n") + "\n", to: "llm.jsonl")
    let run = potstill(
      distill("llm.jsonl", "student", task + ["--student-from", world.path("base")]))
    try #require(run.code == 0, "\(run.messages)")
    #expect(run.messages.contains("12 training rows without an answer keep their label"))
    // Answers that turn every label round are no better than guessing.
    try write(
      lines.joined(separator: "\n").replacing("positive", with: "?").replacing("negative", with: "positive")
        .replacing("?", with: "negative") + "\n", to: "wrong.jsonl")
    let wrong = potstill(
      distill("wrong.jsonl", "wrong", task + ["--student-from", world.path("base"), "--dry-run"]))
    #expect(
      wrong.code == 0
        && (wrong.output + wrong.messages).contains("on 20 training rows is 0.0, no better than"))
  }

  @Test func aStudentNeedsAModelToBeMadeOf() throws {
    try write("{\"text\": \"a\", \"label\": \"positive\"}\n", to: "a.jsonl")
    func refusal(_ options: [String]) -> String {
      let run = potstill(["distill", "--teacher", world.path("a.jsonl"), "--dry-run"] + task + options)
      #expect(run.code == 1)
      return run.messages
    }
    #expect(refusal(["--student", "T1"]).contains("name the model with --student-from"))
    #expect(refusal(["--student", "T4-tiny"]).contains("name the model with --student-from"))
    let both = refusal(["--student", world.path("base"), "--student-from", world.path("base")])
    #expect(both.contains("leave one of the two out"))
    let augmented = refusal([
      "--student", "T1", "--student-from", world.path("base"), "--augment", "standard",
    ])
    #expect(augmented.contains("--augment makes texts that a file of answers has no answers to"))
    let matched = refusal(["--student", "T1", "--student-from", world.path("base"), "--match", "uniform"])
    #expect(matched.contains("a.jsonl"))
    for student in [
      ["--student", world.path("base")], ["--student", "T4-tiny", "--student-tokenizer", world.path("base")],
      ["--student", "BiGRU", "--student-from", world.path("base")],
    ] {
      let run = potstill(["distill", "--teacher", world.path("a.jsonl"), "--dry-run"] + task + student)
      #expect(run.code == 0, "\(student): \(run.messages)")
    }
  }

  /// The bar of a distillation shows what moves, the last score, and the time that the whole run has left.
  @Test func theBarShowsWhatMoves() throws {
    let lines = try rows("data/train.tsv").map { "{\"sentence\": \"\($0)\", \"probabilities\": [0.3, 0.7]}" }
    try write(lines.joined(separator: "\n") + "\n", to: "a.jsonl")
    let run = potstill(
      distill(
        "a.jsonl", "student",
        task + ["--student-from", world.path("base"), "--num-train-epochs", "2", "--logging-steps", "1"]),
      environment: ["COLUMNS": "120"], onTerminal: true)
    try #require(run.code == 0, "\(run.messages)")
    let bars = run.messages.split(separator: "\r").filter { $0.hasPrefix("Epoch 2/2") }
    let last = try #require(bars.last)
    #expect(
      last.contains(", kl=") && last.contains(", accuracy=") && last.contains(", run=00:00 left"), "\(last)")
    #expect(!last.contains("loss="))
  }

  @Test func aFileAndAModelTeachTogether() throws {
    try answers(to: try rows("data/train.tsv"), as: "answers.jsonl")
    for teachers in [["teacher", "answers.jsonl"], ["answers.jsonl", "teacher"]] {
      let run = potstill(
        [
          "distill", "--teacher", world.path(teachers[0]), "--teacher", world.path(teachers[1]), "--student",
          "T1",
        ]
          + task + ["--output", world.path("of-\(teachers[0])"), "--num-train-epochs", "2"])
      try #require(run.code == 0, "\(run.messages)")
    }
    // Both say the same, so their order changes nothing but last bits.
    let pair = try [weights("of-teacher"), weights("of-answers.jsonl")]
    #expect(zip(pair[0], pair[1]).allSatisfy { abs($0 - $1) < 5e-3 })
  }

  @Test func aRunIsNotGoneOnWithOtherAnswers() throws {
    try answers(to: try rows("data/train.tsv"), as: "answers.jsonl")
    let settings =
      task + ["--student-from", world.path("base"), "--save-strategy", "epoch", "--num-train-epochs", "2"]
    let run = potstill(distill("answers.jsonl", "student", settings))
    try #require(run.code == 0, "\(run.messages)")
    let lines = try world.text("answers.jsonl").split(separator: "\n").map { line in
      line.hasPrefix("{\"sentence\": \"the film was good .\"")
        ? "{\"sentence\": \"the film was good .\", \"label\": \"positive\", \"confidence\": 0.7}"
        : String(line)
    }
    try write(lines.joined(separator: "\n") + "\n", to: "other.jsonl")
    let resumed = potstill(
      distill("other.jsonl", "student", settings + ["--resume-from-checkpoint", "last"]))
    #expect(resumed.code == 1 && resumed.messages.contains("teacher"), "\(resumed.messages)")
  }
}
