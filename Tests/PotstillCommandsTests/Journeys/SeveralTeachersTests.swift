import Encoders
import Foundation
import ModelFormats
import PotstillCommands
import TestSupport
import Testing

/// Several teachers of one student, and several tasks of one student, from the command line to folders that load.
@Suite struct SeveralTeachersTests {
  let world: TinyWorld
  let task: [String]

  init() throws {
    world = try TinyWorld()
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  private func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: text) }

  private func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: world.folder.appending(path: name))
  }

  private func weights(_ folder: String) throws -> Data {
    try Data(contentsOf: URL(filePath: world.path(folder + "/model.safetensors")))
  }

  private func train(_ output: String, _ options: [String]) throws {
    let run = potstill(
      ["train", "--model", world.path("base"), "--output", world.path(output), "--quiet"] + options)
    try #require(run.code == 0, "\(run.messages)")
  }

  @Test func twoTeachersTeachOneStudent() throws {
    // The second teacher has its labels the other way round.
    let reversed = try world.text("tiny.yaml").replacing("[negative, positive]", with: "[positive, negative]")
    try write(reversed, to: "reversed.yaml")
    try train("one", task)
    try train("two", ["--task", world.path("reversed.yaml"), "--data", world.path("data"), "--seed", "5"])
    let distill =
      ["distill", "--teacher", world.path("one"), "--teacher", world.path("two"), "--student", "T1"] + task
    let settings = ["--teacher-weights", "2,1", "--teacher-average", "probabilities"]
    let dry = potstill(distill + settings + ["--dry-run"])
    #expect(dry.code == 0, "\(dry.messages)")
    #expect(dry.output.components(separatedBy: "teacher  ").count == 3)
    #expect(dry.output.contains("mean     of 2 teachers' probabilities, shares 0.67, 0.33"))
    let plan = try json(potstill(distill + settings + ["--dry-run", "--json"]).output)
    #expect(plan["other_teachers"]?.arrayValue?.count == 1 && plan["teacher_average"] == "probabilities")

    let run = potstill(distill + settings + ["--output", world.path("student"), "--num_train_epochs", "40"])
    try #require(run.code == 0, "\(run.messages)")
    #expect(run.output.contains("/one") && run.output.contains("/two"))
    let all = try json(world.text("student/all_results.json"))
    #expect(all["teacher_eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
    #expect(all["teacher_2_eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
    #expect(all["eval_accuracy"]?.doubleValue ?? 0 >= 0.8)
    let again = potstill(["distill", world.path("student/recipe.yaml"), "--output", world.path("again")])
    #expect(again.code == 0, "\(again.messages)")
    #expect(try weights("student") == weights("again"))

    // Averages of two that agree in what they say differ in what they teach.
    let other = potstill(
      distill + ["--output", world.path("losses"), "--teacher-average", "losses", "--max-steps", "3"])
    #expect(other.code == 0, "\(other.messages)")

    for (options, words) in [
      (["--teacher-weights", "2"], "expected a number above 0 for each of the 2 teachers"),
      (["--teacher-weights", "2,0"], "expected a number above 0"),
      (["--teacher-average", "probabilities", "--kd-loss-type", "mse"], "teacher_average: kd_loss_type mse"),
    ] {
      let refused = potstill(distill + options + ["--output", world.path("refused")])
      #expect(refused.code == 1 && refused.messages.contains(words), "\(refused.messages)")
    }
    // Their answers stand for them, with or without the models.
    for name in ["one", "two"] {
      let built = potstill(
        ["cache", "--teacher", world.path(name), "--output", world.path(name + "-answers"), "--quiet"] + task)
      try #require(built.code == 0, "\(built.messages)")
    }
    let caches = ["--teacher-cache", world.path("one-answers"), "--teacher-cache", world.path("two-answers")]
    let with = potstill(
      distill + caches + settings + ["--student", world.path("base"), "--output", world.path("with")])
    try #require(with.code == 0, "\(with.messages)")
    let without = potstill(
      ["distill", "--student", world.path("base"), "--output", world.path("without")] + caches + settings
        + task)
    try #require(without.code == 0, "\(without.messages)")
    #expect(try weights("with") == weights("without"))
    #expect(without.output.contains("/one ") && without.output.contains("/two "), "\(without.output)")
    let own = try json(world.text("without/all_results.json"))
    #expect(own["teacher_eval_accuracy"] == all["teacher_eval_accuracy"])
    #expect(own["teacher_2_eval_accuracy"] == all["teacher_2_eval_accuracy"])
    #expect(try world.text("without/recipe.yaml").contains("teacher_cache: ["))
    let rerun = potstill(["distill", world.path("without/recipe.yaml"), "--output", world.path("rerun")])
    #expect(rerun.code == 0, "\(rerun.messages)")
    #expect(try weights("rerun") == weights("without"))
    let uneven = potstill(distill + caches.prefix(2) + ["--output", world.path("refused")])
    #expect(uneven.code == 64 && uneven.messages.contains("found 2 --teacher and 1 --teacher-cache"))

    let single = potstill(
      ["distill", "--teacher", world.path("one"), "--student", "T1", "--teacher-weights", "1", "--dry-run"]
        + task)
    #expect(single.code == 1 && single.messages.contains("found one"))
    #expect(!FileManager.default.fileExists(atPath: world.path("refused")))
  }

  @Test func patienceStopsARun() throws {
    let run = potstill(
      [
        "train", "--model", world.path("base"), "--output", world.path("patient"),
        "--early_stopping_patience", "1", "--early_stopping_threshold", "2", "--json",
      ] + task)
    try #require(run.code == 0, "\(run.messages)")
    #expect(run.messages.contains("eval_accuracy did not improve in 1 evaluations"))
    let results = try json(run.output)
    // The second epoch cannot gain two points of one.
    #expect(results["epoch"]?.doubleValue == 2 && results["stopped_early"] == true)
    #expect(try world.text("patient/recipe.yaml").contains("early_stopping_patience: 1\n"))
  }

  /// A task whose answers are numbers: how good a thing was.
  private func makeScores() throws {
    var rows: [String] = []
    for thing in TinyWorld.things {
      for (score, words) in [(4.0, TinyWorld.goodWords), (1.0, TinyWorld.badWords)] {
        for (index, word) in words.enumerated() {
          rows.append("the \(thing) was \(word) .\t\(score + Double(index) / 4)")
        }
      }
    }
    let held = rows.enumerated().filter { $0.offset % 5 == 3 }.map(\.element)
    try write("sentence\tscore\n" + rows.joined(separator: "\n") + "\n", to: "data/scores.tsv")
    try write("sentence\tscore\n" + held.joined(separator: "\n") + "\n", to: "data/scores-dev.tsv")
    try write(
      """
      name: scores
      kind: regression
      train_file: scores.tsv
      validation_file: scores-dev.tsv
      text_column: sentence
      label_column: score
      metrics: [pearson]
      max_seq_length: 24
      defaults: {learning_rate: 5.0e-3, num_train_epochs: 30, per_device_train_batch_size: 8}

      """, to: "scores.yaml")
  }

  @Test func oneStudentLearnsThreeTasks() throws {
    // Scores and weights of several runs are compared to the bit.
    try FixedThreads.run { try learnThreeTasks() }
  }

  private func learnThreeTasks() throws {
    try makeScores()
    try train("mood", task)
    let scores = ["--task", world.path("scores.yaml"), "--data", world.path("data")]
    try train("numbers", scores)
    let recipe = """
      student: T1
      num_train_epochs: 25
      per_device_train_batch_size: 8
      learning_rate: 5e-3
      tau: 0.5
      tasks:
        - {task: \(world.path("tiny.yaml")), data: \(world.path("data")), teacher: \(world.path("mood"))}
        - task: \(world.path("scores.yaml"))
          data: \(world.path("data"))
          teacher: \(world.path("numbers"))
          weight: 2
          distillation: {hard_label_weight: 0.5, temperature: 1}
        - {task: \(world.path("tiny.yaml")), name: labels, data: \(world.path("data"))}

      """
    try write(recipe, to: "tasks.yaml")
    let command = ["multitask", world.path("tasks.yaml")]
    let dry = potstill(command + ["--dry-run"])
    try #require(dry.code == 0, "\(dry.messages)")
    #expect(dry.output.contains("task     tiny: 32 examples") && dry.output.contains("no teacher"))
    let plan = try json(potstill(command + ["--dry-run", "--json"]).output)
    let shares = (plan["tasks"]?.arrayValue ?? []).compactMap { $0["probability"]?.doubleValue }
    // 32, 40 and 32 examples.
    let expected = [Double(32).squareRoot(), 2 * Double(40).squareRoot(), Double(32).squareRoot()]
    for (share, part) in zip(shares, expected) {
      #expect(abs(share - part / expected.reduce(0, +)) < 1e-9)
    }
    #expect(shares.count == 3)
    // 4, 5 and 4 batches of 8 make an epoch.
    #expect(plan["steps"]?.intValue == 325)
    // A student of the last layer is compared with that, whatever its depth says.
    let copied = potstill(command + ["--student", "last:1", "--match", "copied", "--dry-run"])
    #expect(copied.output.contains("copied   teacher layer 2"), "\(copied.messages)")
    #expect(copied.output.contains("teacher layer 2     [T, 16]  student layer 1"), "\(copied.output)")

    let saving = ["--save-strategy", "steps", "--save-steps", "100", "--save-total-limit", "9"]
    let run = potstill(command + saving + ["--output", world.path("student"), "--json"])
    try #require(run.code == 0, "\(run.messages)")
    let results = try json(run.output)
    // The plan of the same run; without its strategy checkpoints come by time.
    #expect(dry.output.contains("saved    checkpoints of about 0.0 MB, at most 1 % of the time, the last 2"))
    for line in potstill(command + saving + ["--dry-run"]).output.split(separator: "\n") {
      #expect(run.messages.contains(line), "\(line) is missing in \(run.messages)")
    }
    #expect(results["eval_tiny/accuracy"]?.doubleValue ?? 0 >= 0.8)
    #expect(results["eval_scores/pearson"]?.doubleValue ?? 0 >= 0.8)
    #expect(results["eval_labels/accuracy"]?.doubleValue ?? 0 >= 0.8)
    #expect(results["eval_average"]?.doubleValue ?? 0 >= 0.8)
    let log = try world.text("student/metrics.jsonl")
    for part in ["tiny/unweighted_kd_loss", "scores/unweighted_hard_label_loss", "labels/loss"] {
      #expect(log.contains("\"\(part)\""), "\(part)")
    }

    // Each task's folder is a model of its own.
    let evaluated = potstill(["evaluate", "--model", world.path("student/tiny"), "--json"] + task)
    #expect(try json(evaluated.output)["eval_accuracy"] == results["eval_tiny/accuracy"])
    let numbers = potstill(["evaluate", "--model", world.path("student/scores"), "--json"] + scores)
    #expect(try json(numbers.output)["eval_pearson"] == results["eval_scores/pearson"])
    let own = try json(world.text("student/tiny/all_results.json"))
    #expect(own["teacher_eval_accuracy"]?.doubleValue ?? 0 >= 0.8)

    // Students of another family take heads of their own.
    for shape in ["BiGRU", "T4-tiny"] {
      let fresh = potstill(
        command + [
          "--student", shape, "--max-steps", "3", "--output", world.path("fresh-" + shape), "--quiet",
        ])
      #expect(fresh.code == 0, "\(fresh.messages)")
      let loaded = potstill(["evaluate", "--model", world.path("fresh-\(shape)/scores"), "--json"] + scores)
      let own = try json(world.text("fresh-\(shape)/scores/all_results.json"))
      #expect(try json(loaded.output)["eval_pearson"] == own["eval_pearson"], "\(loaded.messages)")
    }

    // Resumed in the middle it ends in the same bits, as does the recipe it wrote.
    let resumed = potstill(
      ["multitask", world.path("student/recipe.yaml"), "--output", world.path("resumed"), "--quiet"] + saving
        + ["--resume-from-checkpoint", world.path("student/checkpoint-200")])
    try #require(resumed.code == 0, "\(resumed.messages)")
    for name in ["tiny", "scores", "labels"] {
      #expect(try weights("student/" + name) == weights("resumed/" + name), "\(name)")
    }
  }

  /// Teachers that are not there, and students without any, task by task.
  @Test func tasksLearnFromKeptAnswersBesideABaseline() throws {
    try makeScores()
    let scores = ["--task", world.path("scores.yaml"), "--data", world.path("data")]
    for (name, options) in [("mood", task), ("numbers", scores)] {
      try train(name, options)
      let built = potstill(
        ["cache", "--teacher", world.path(name), "--output", world.path(name + "-answers"), "--quiet"]
          + options)
      try #require(built.code == 0, "\(built.messages)")
    }
    func run(_ output: String, teachers: Bool, caches: Bool, _ more: String...) throws -> ToolRun {
      let entries = [("tiny", "mood"), ("scores", "numbers")].map { file, teacher in
        let keys =
          (teachers ? ", teacher: \(world.path(teacher))" : "")
          + (caches ? ", teacher_cache: \(world.path(teacher))-answers" : "")
        return "  - {task: \(world.path(file)).yaml, data: \(world.path("data"))\(keys)}\n"
      }
      try write("tasks:\n" + entries.joined(), to: "tasks.yaml")
      return potstill(
        [
          "multitask", world.path("tasks.yaml"), "--output", world.path(output), "--student",
          world.path("base"), "--learning-rate", "5e-3", "--num-train-epochs", "12",
          "--per-device-train-batch-size", "8",
        ] + more)
    }
    let with = try run("with", teachers: true, caches: true)
    try #require(with.code == 0, "\(with.messages)")
    #expect(!with.messages.contains("warning"), "\(with.messages)")
    let without = try run("without", teachers: false, caches: true, "--baseline")
    try #require(without.code == 0, "\(without.messages)")
    for name in ["tiny", "scores"] {
      #expect(try weights("with/" + name) == weights("without/" + name), "\(name)")
      // Teacher, student without it, student with it.
      let own = try json(world.text("without/\(name)/all_results.json"))
      let metric = name == "tiny" ? "accuracy" : "pearson"
      let teacher = try json(world.text((name == "tiny" ? "mood" : "numbers") + "/all_results.json"))
      let alone = try json(world.text("without/baseline/\(name)/all_results.json"))
      #expect(own["teacher_eval_" + metric] == teacher["eval_" + metric])
      #expect(own["baseline_eval_" + metric] == alone["eval_" + metric] && alone["eval_" + metric] != nil)
      #expect(without.output.contains("/without/baseline/\(name) "), "\(without.output)")
    }
    // The baseline is a run without teachers.
    let labels = try run("labels", teachers: false, caches: false)
    try #require(labels.code == 0, "\(labels.messages)")
    #expect(try weights("labels/tiny") == weights("without/baseline/tiny"))

    // Layers go to a file of each task's folder until the end.
    let matched = try run(
      "matched", teachers: true, caches: false, "--match",
      #"{"layer_T": 2, "layer_S": 2, "loss": "hidden_mse"}"#)
    try #require(matched.code == 0, "\(matched.messages)")
    #expect(matched.messages.components(separatedBy: "the teacher runs once over the data").count == 3)
    #expect(!FileManager.default.fileExists(atPath: world.path("matched/tiny/teacher.cache")))
    // A teacher that was never trained, a student that starts at random.
    let teacher = world.path("base")
    try write(
      "tasks:\n  - {task: \(world.path("tiny.yaml")), data: \(world.path("data")), teacher: \(teacher)}\n",
      to: "doubtful.yaml")
    let doubtful = potstill(["multitask", world.path("doubtful.yaml"), "--student", "T4-tiny", "--dry-run"])
    try #require(doubtful.code == 0, "\(doubtful.messages)")
    #expect(doubtful.messages.contains("no better than the commonest label"), "\(doubtful.messages)")
    #expect(doubtful.messages.contains("T4-tiny starts at random"), "\(doubtful.messages)")
  }

  /// What a teacher cannot read is cut for both, before the first step too.
  @Test func aTaskMayHaveATeacherOfShorterTexts() throws {
    let base = try TaskModel(directory: URL(filePath: world.path("base")))
    var config = base.config
    config.maxPositions = 5
    try FileManager.default.copyItem(atPath: world.path("base"), toPath: world.path("short"))
    try TaskModel(config: config, seed: 3).save(to: world.folder.appending(path: "short"))
    try write(
      "tasks:\n  - {task: \(world.path("tiny.yaml")), data: \(world.path("data")), teacher: \(world.path("short"))}\n",
      to: "short.yaml")
    let run = potstill([
      "multitask", world.path("short.yaml"), "--student", world.path("base"), "--max-steps", "2", "--output",
      world.path("student"),
    ])
    try #require(run.code == 0, "\(run.messages)")
    #expect(run.messages.contains("the teacher reads 5 tokens at most, the student 24"), "\(run.messages)")
  }

  /// Without any teacher it is plain multi-task training of a directory, which may have neither task's head.
  @Test func tasksWithoutTeachersAreLearntFromLabels() throws {
    try makeScores()
    let tasks = ["tiny", "scores"].map { name in
      #"{"task": "\#(world.path(name + ".yaml"))", "data": "\#(world.path("data"))"}"#
    }
    let list = "[" + tasks.joined(separator: ",") + "]"
    let run = potstill([
      "multitask", "--tasks", list, "--student", world.path("base"), "--output", world.path("student"),
      "--tau", "0", "--num-train-epochs", "20", "--learning-rate", "5e-3",
      "--gradient-accumulation-steps", "2", "--json",
    ])
    try #require(run.code == 0, "\(run.messages)")
    let results = try json(run.output)
    #expect(results["eval_tiny/accuracy"]?.doubleValue ?? 0 >= 0.8)
    #expect(results["eval_scores/pearson"]?.doubleValue ?? 0 >= 0.8)
    let own = try json(world.text("student/scores/all_results.json"))
    #expect(own["eval_pearson"] == results["eval_scores/pearson"] && own["teacher_eval_pearson"] == nil)

    // A second run into the same folder that fails leaves no model of the first, in no task's folder either.
    let failed = potstill([
      "multitask", "--tasks", list, "--student", world.path("base"), "--output", world.path("student"),
      "--overwrite-output-dir", "--learning-rate", "1e38", "--weight-decay", "1e5", "--max-steps", "3",
    ])
    #expect(failed.code == 1, "\(failed.messages)")
    for name in ["", "tiny/", "scores/"] {
      let model = world.path("student/\(name)model.safetensors")
      #expect(!FileManager.default.fileExists(atPath: model), "\(model)")
    }
  }

  @Test func whatIsWrongWithTasksIsSaidTogether() throws {
    let file = world.path("tiny.yaml")
    try write(
      """
      student: T1
      output: \(world.path("out"))
      tasks:
        - {task: \(file), data: \(world.path("data")), techer: here, weight: 0}
        - {task: \(file)}

      """, to: "wrong.yaml")
    let run = potstill(["multitask", world.path("wrong.yaml")])
    #expect(run.code == 1)
    for words in ["did you mean teacher?", "tasks[0].weight", "tasks[1].data: is missing"] {
      #expect(run.messages.contains(words), "\(run.messages)")
    }
    let single = potstill(["distill", world.path("wrong.yaml")])
    #expect(
      single.messages.contains(
        "unknown key tasks; a student of several tasks is made by 'potstill multitask'"))
    let none = potstill(["multitask", "--student", "T1"])
    #expect(none.code == 64 && none.messages.contains("--tasks") && none.messages.contains("--output"))
    try write(
      "{student: T1, output: \(world.path("out")), tasks: [{task: \(file), data: \(world.path("data"))}]}",
      to: "teacherless.yaml")
    let teacherless = potstill(["multitask", world.path("teacherless.yaml")])
    #expect(teacherless.code == 1 && teacherless.messages.contains("no task has a teacher"))
    #expect(!FileManager.default.fileExists(atPath: world.path("out")))
  }
}
