import ArgumentParser
import CommandOptions
import Distillation
import Foundation
import ModelFormats
import PotstillCommands
import Tasks
import TestSupport
import Testing
import Training

/// Runs that go on with other settings, and what runs leave behind.
@Suite struct ContinuedRunTests {
  let world: TinyWorld
  let data: [String]

  init() throws {
    world = try TinyWorld()
    data = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  private static let saving = [
    "--max-steps", "8", "--save-strategy", "steps", "--save-steps", "4", "--eval-strategy", "no",
    "--logging-steps", "1",
  ]

  private func distill(_ more: [String], output: String = "run") -> [String] {
    ["distill", "--teacher", world.path("base"), "--student", "T1", "--output", world.path(output)] + data
      + Self.saving + more
  }

  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: world.path(name)) }

  @Test func whatDiffersIsSaidLineByLine() throws {
    let run = distill(["--temperature", "8"])
    try #require(potstill(run).code == 0)
    let same = potstill(run + ["--resume-from-checkpoint", "last"])
    #expect(same.code == 0 && !same.messages.contains("other settings"), "\(same.messages)")
    // What changes no number of the steps is said, and the run goes on.
    let reports = potstill(
      run + [
        "--resume-from-checkpoint", world.path("run/checkpoint-4"), "--logging-steps", "2",
        "--save-total-limit", "5",
      ])
    #expect(reports.code == 0, "\(reports.messages)")
    #expect(reports.messages.contains("going on with other settings than those of "), "\(reports.messages)")
    for line in ["\n  logging_steps: 1 before, 2 now\n", "\n  save_total_limit: 2 before, 5 now\n"] {
      #expect(reports.messages.contains(line), "\(reports.messages)")
    }
    // What does is refused as before; the recipe of the run stays.
    let recipe = try world.text("run/recipe.yaml")
    for (option, value, line) in [
      ("--temperature", "2", "temperature: 8 before, 2 now"),
      ("--max-train-samples", "16", "max_train_samples: not set before, 16 now"),
      ("--learning-rate", "0.25", "learning_rate: 0.005 before, 0.25 now"),
      ("--class-weights", "balanced", "class_weights: not set before, balanced now"),
    ] {
      let other = potstill(run + ["--resume-from-checkpoint", "last", option, value])
      #expect(other.code == 1 && other.messages.contains("\n  \(line)\n"), "\(other.messages)")
      let anyway = potstill(
        run.map { $0 == world.path("run") ? world.path("run-\(option)") : $0 }
          + ["--resume-from-checkpoint", world.path("run/checkpoint-4"), "--resume-anyway", option, value])
      #expect(anyway.code == 0 && anyway.messages.contains("\n  \(line)\n"), "\(anyway.messages)")
    }
    #expect(try world.text("run/recipe.yaml") == recipe)
  }

  /// A new option is a setting of a table, one of a group that is recorded whole, or has to be recorded by its command.
  @Test func everyOptionOfARunIsInItsRecipe() throws {
    let training = Set(try TrainingOptions.parse([]).recipeKeys)
    let notSettings: Set = [
      "max_train_samples", "max_eval_samples", "resume_from_checkpoint", "resume_anyway",
    ]
    #expect(training.subtracting(TrainingConfig.settings.keys) == notSettings)
    let learnt = Set(
      try DistillationOptions.parse([]).recipeKeys.map { $0 == "match" ? "intermediate_matches" : $0 })
    #expect(learnt.isSubset(of: DistillationConfig.settings.keys))
    let groups: [any ParsableArguments.Type] = [
      TrainingOptions.self, DistillationOptions.self, TaskOptions.self, TeacherOptions.self,
      CachingOptions.self, RowStorageOption.self,
      StudentOptions.self, FeatureStageOptions.self, AugmentationOptions.self, TheseusOptions.self,
    ]
    let recorded = Set(try groups.flatMap { try $0.parse([]).recipeKeys })
    let aside = Set(try OutputOptions.parse([]).recipeKeys + GeneralOptions.parse([]).recipeKeys)
    func own(_ command: String) -> Set<String> {
      Set(OptionCatalogue(of: command).recipeKeys).subtracting(recorded).subtracting(aside)
    }
    #expect(own("train") == ["model", "dry_run", "json"])
    #expect(own("distill") == ["unlabelled_file", "baseline", "dry_run", "json"])
  }

  @Test func aRunThatIsOverAsksNobody() throws {
    try FixedThreads.run {
      for more in [["--match", "uniform"], ["--match", "uniform", "--cache-teacher-logits"], []] {
        let run = distill(more, output: "over")
        let whole = potstill(run + ["--overwrite-output-dir"])
        try #require(whole.code == 0, "\(whole.messages)")
        #expect(whole.messages.contains("runs once over the data; its answers") == !more.isEmpty)
        let model = URL(filePath: world.path("over/model.safetensors"))
        let expected = try Data(contentsOf: model)
        try FileManager.default.removeItem(at: model)
        let again = potstill(run + ["--resume-from-checkpoint", "last"])
        try #require(again.code == 0, "\(again.messages)")
        #expect(!again.messages.contains("runs once over the data"), "\(again.messages)")
        #expect(again.messages.contains("checkpoint-8 after step 8"), "\(again.messages)")
        #expect(try Data(contentsOf: model) == expected)
      }
    }
  }

  // MARK: What a run leaves behind

  /// Breaks a run off after a step; 0 is before the first, while the teacher is asked.
  private final class Breaker: TrainingObserver {
    private let last: Int
    private(set) var isInterrupted: Bool
    init(after last: Int) { (self.last, isInterrupted) = (last, last == 0) }
    func stepDone(_ progress: TrainingProgress) { isInterrupted = progress.step == last }
  }

  private func job(_ output: String) throws -> DistillationJob {
    var task = JobTask(
      try TaskDefinition(contentsOf: URL(filePath: world.path("tiny.yaml"))), data: world.path("data"))
    task.teachers = [JobTeacher(world.path("base"))]
    task.distillation = DistillationConfig(matches: [
      .map(.uniform, loss: .hiddenMSE, weight: 1, projection: nil)
    ])
    task.keepsAnswers = true
    var job = try DistillationJob(task, student: JobStudent("T1"), output: world.path(output))
    (job.training.maxSteps, job.training.evalStrategy, job.training.loadBestModelAtEnd) = (12, .never, false)
    return job
  }

  private static let names = ["teacher.cache", "teacher.cache.partial"]

  private func left(in folder: String) -> [String] { Self.names.filter { exists("\(folder)/\($0)") } }

  @Test(arguments: [0, 3])
  func aBrokenRunsCacheIsGoneOnWithOrRemoved(_ step: Int) throws {
    try FixedThreads.run {
      try job("straight").prepare().run()
      #expect(left(in: "straight").isEmpty)
      for folder in ["resumed", "anew", "labels"] {
        let prepared = try job(folder).prepare()
        #expect(throws: (any Error).self) { try prepared.run(observers: [Breaker(after: step)]) }
        #expect(left(in: folder) == [Self.names[step == 0 ? 1 : 0]], "\(folder)")
      }
      // The resumed run goes on with it and removes it; so does one that starts again.
      var resumed = try job("resumed")
      if step > 0 { resumed.resumption = JobResumption() } else { resumed.overwritesOutput = true }
      try resumed.prepare().run()
      var anew = try job("anew")
      anew.overwritesOutput = true
      try anew.prepare().run()
      let model = { (folder: String) in
        try Data(contentsOf: URL(filePath: self.world.path(folder + "/model.safetensors")))
      }
      for folder in ["resumed", "anew"] {
        #expect(left(in: folder).isEmpty, "\(folder)")
        #expect(try model(folder) == model("straight"), "\(folder)")
      }
      // A run that asks no teacher ahead removes it when it begins.
      let train = potstill(
        [
          "train", "--model", world.path("base"), "--output", world.path("labels"), "--max-steps", "2",
          "--overwrite-output-dir",
        ] + data)
      #expect(train.code == 0 && left(in: "labels").isEmpty, "\(train.messages)")
    }
  }

  @Test func aCacheThatTheUserBuiltStays() throws {
    let cache =
      [
        "cache", "--teacher", world.path("base"), "--hidden-states", "0,1,2", "--output",
        world.path("answers"),
      ] + data
    try #require(potstill(cache).code == 0)
    let file = URL(filePath: world.path("answers/teacher.cache"))
    let bytes = try Data(contentsOf: file)
    for more in [["--teacher-cache", world.path("answers"), "--match", "uniform"], []] {
      let run = potstill(distill(more + ["--overwrite-output-dir"], output: "answers"))
      #expect(run.code == 0, "\(run.messages)")
      #expect(try Data(contentsOf: file) == bytes)
    }
    let elsewhere = potstill(distill(["--teacher-cache", world.path("answers"), "--match", "uniform"]))
    #expect(elsewhere.code == 0 && left(in: "answers") == ["teacher.cache"], "\(elsewhere.messages)")
  }

  // MARK: Rare labels

  private func write(_ counts: [(String, Int)]) throws -> String {
    var text = "text,label\n"
    for (label, count) in counts {
      for index in 0..<count { text += "the \(TinyWorld.things[index % 5]) was \(label) \(index),\(label)\n" }
    }
    try Data(text.utf8).write(to: world.folder.appending(path: "uneven.csv"))
    return world.path("uneven.csv")
  }

  @Test(arguments: [
    ([("good", 80), ("bad", 15), ("weak", 5)], "some labels are rare: good 80.0 %, bad 15.0 %, weak 5.0 %;"),
    ([("good", 60), ("bad", 30), ("weak", 10)], ""), ([("good", 90), ("bad", 10)], ""),
    ([("good", 91), ("bad", 9)], "some labels are rare: good 91.0 %, bad 9.0 %;"),
  ])
  func rareLabelsAreSaid(_ counts: [(String, Int)], _ expected: String) throws {
    let file = try write(counts)
    let train = [
      "train", "--model", world.path("base"), "--train-file", file, "--validation-file", file, "--dry-run",
    ]
    let run = potstill(train)
    #expect(run.code == 0, "\(run.messages)")
    let isSaid = run.messages.contains("labels are rare")
    #expect(isSaid == !expected.isEmpty, "\(run.messages)")
    if expected.isEmpty { return }
    #expect(run.messages.contains(expected), "\(run.messages)")
    #expect(
      run.messages.contains("try --class-weights balanced and --metric-for-best-model f1_macro"),
      "\(run.messages)")
    let weighed = potstill(train + ["--class-weights", "balanced"])
    #expect(weighed.code == 0 && !weighed.messages.contains("labels are rare"), "\(weighed.messages)")
  }
}
