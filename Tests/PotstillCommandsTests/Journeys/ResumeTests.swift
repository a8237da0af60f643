import Foundation
import ModelFormats
import TestSupport
import Testing

/// `--resume-from-checkpoint` in the run's own folder, which holds files, as that of a killed run does.
@Suite struct ResumeTests {
  let world: TinyWorld
  let data: [String]

  init() throws {
    world = try TinyWorld(hidden: 64, dropout: 0.1)
    data = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  private static let saving = [
    "--max-steps", "12", "--save-strategy", "steps", "--save-steps", "4", "--save-total-limit", "9",
    "--logging-steps", "1", "--eval-strategy", "no",
  ]

  /// Runs a command, and goes on from step 8 as if it had been killed soon after that: the same weights come out.
  ///
  /// - Parameters:
  ///   - model: The weights in the run folder.
  ///   - checkpoints: What `--resume-from-checkpoint` is given, one after the other.
  private func expectResumption(
    _ command: [String], model: String = "model.safetensors", by checkpoints: [String] = ["last"]
  ) throws {
    try FixedThreads.run {
      let run = command + Self.saving + ["--output", world.path("run")]
      let whole = potstill(run)
      try #require(whole.code == 0, "\(whole.messages)")
      let file = URL(filePath: world.path("run/" + model))
      let expected = try Data(contentsOf: file)
      let metrics = try world.text("run/metrics.jsonl").split(separator: "\n").count
      for checkpoint in checkpoints {
        for item in ["checkpoint-12", model, "all_results.json"] {
          try FileManager.default.removeItem(atPath: world.path("run/" + item))
        }
        let resumed = potstill(run + ["--resume-from-checkpoint", checkpoint])
        try #require(resumed.code == 0, "\(checkpoint): \(resumed.messages)")
        #expect(resumed.messages.contains("after step 8"), "\(checkpoint): \(resumed.messages)")
        #expect(try Data(contentsOf: file) == expected, "\(checkpoint)")
        #expect(try world.text("run/metrics.jsonl").split(separator: "\n").count == metrics)
        #expect(FileManager.default.fileExists(atPath: world.path("run/checkpoint-4")))
      }
    }
  }

  @Test func trainingGoesOnInItsFolder() throws {
    try expectResumption(
      ["train", "--model", world.path("base")] + data,
      by: ["last", world.path("run/checkpoint-8"), world.path("data/../run/checkpoint-8/")])
  }

  /// Answers kept in memory are gone with the process, and are made anew in the company in which they were made first.
  @Test(arguments: [
    [], ["--no-cache-teacher-logits"], ["--match", "uniform"],
    ["--match", "uniform", "--cache-teacher-logits"],
    ["--theseus"],
  ])
  func distillationGoesOnInItsFolder(options: [String]) throws {
    try expectResumption(
      ["distill", "--teacher", world.path("base"), "--student", "T1"] + data + options)
  }

  @Test(arguments: ["logits", "losses"])
  func severalTeachersGoOnInTheirFolder(average: String) throws {
    let other = potstill(
      ["train", "--model", world.path("base"), "--output", world.path("other"), "--max-steps", "3"] + data)
    try #require(other.code == 0, "\(other.messages)")
    try expectResumption(
      [
        "distill", "--teacher", world.path("base"), "--teacher", world.path("other"), "--teacher-average",
        average,
        "--student", "T1",
      ] + data)
  }

  @Test func twoStagesGoOnInEither() throws {
    try FixedThreads.run {
      let run =
        [
          "distill", "--teacher", world.path("base"), "--student", "T1", "--match", "uniform",
          "--feature-epochs",
          "2", "--output", world.path("run"),
        ] + data + Self.saving
      let whole = potstill(run)
      try #require(whole.code == 0, "\(whole.messages)")
      let file = URL(filePath: world.path("run/model.safetensors"))
      let expected = try Data(contentsOf: file)
      for (gone, message) in [
        (["run/checkpoint-12", "run/checkpoint-8"], "run/checkpoint-4 after step 4"),
        (
          ["run/checkpoint-12", "run/checkpoint-8", "run/checkpoint-4", "run/features/checkpoint-8"],
          "features/checkpoint-4 after step 4"
        ),
      ] {
        for item in gone { try FileManager.default.removeItem(atPath: world.path(item)) }
        try FileManager.default.removeItem(at: file)
        let resumed = potstill(run + ["--resume-from-checkpoint", "last"])
        try #require(resumed.code == 0, "\(resumed.messages)")
        #expect(resumed.messages.contains(message), "\(resumed.messages)")
        #expect(try Data(contentsOf: file) == expected)
      }
    }
  }

  @Test(arguments: [nil, "base"])
  func severalTasksGoOnInTheirFolder(teacher: String?) throws {
    let entry = { (name: String) in
      "{task: \(self.world.path("tiny.yaml")), name: \(name), data: \(self.world.path("data"))"
        + (teacher.map { ", teacher: \(self.world.path($0))" } ?? "") + "}"
    }
    try Data("tasks: [\(entry("one")), \(entry("two"))]\n".utf8)
      .write(to: world.folder.appending(path: "tasks.yaml"))
    try expectResumption(
      ["multitask", world.path("tasks.yaml"), "--student", teacher == nil ? world.path("base") : "T1"],
      model: "two/model.safetensors")
  }

  /// As a kill leaves it: some answers missing, and the file under its unfinished name.
  @Test func aCacheIsGoneOnWith() throws {
    try FixedThreads.run {
      let cache =
        [
          "cache", "--teacher", world.path("base"), "--hidden-states", "0,2", "--output",
          world.path("answers"),
        ]
        + data
      let whole = potstill(cache)
      try #require(whole.code == 0, "\(whole.messages)")
      let files = try FileManager.default.contentsOfDirectory(atPath: world.path("answers")).sorted()
      let file = URL(filePath: world.path("answers/teacher.cache"))
      let expected = try Data(contentsOf: file)
      for holes in [1, 7, 20] {
        var partial = expected
        // The rows of the last examples, each of which then fails its checksum.
        for byte in partial.indices.suffix(holes * 700) { partial[byte] = 0 }
        try partial.write(to: URL(filePath: file.path + ".partial"))
        try FileManager.default.removeItem(at: file)
        let again = potstill(cache)
        try #require(again.code == 0, "\(again.messages)")
        #expect(try Data(contentsOf: file) == expected)
      }
      // A kill between the answers and what stands beside them, as older versions wrote them.
      for name in files where name != "teacher.cache" {
        try FileManager.default.removeItem(atPath: world.path("answers/" + name))
      }
      let completed = potstill(cache)
      #expect(completed.code == 0 && completed.messages.contains("holds these answers already"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: world.path("answers")).sorted() == files)
    }
  }

  @Test func anotherRunIsRefusedByName() throws {
    let run = ["train", "--model", world.path("base"), "--output", world.path("run")] + data + Self.saving
    let first = potstill(run)
    try #require(first.code == 0, "\(first.messages)")
    let files = ["model.safetensors", "recipe.yaml", "all_results.json", "metrics.jsonl"]
    let kept = try files.map { try Data(contentsOf: URL(filePath: world.path("run/" + $0))) }
    let rows = URL(filePath: world.path("data/train.tsv"))
    let text = try String(contentsOf: rows, encoding: .utf8)
    var lines = text.split(separator: "\n")
    lines.swapAt(1, 2)
    try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: rows)
    for checkpoint in ["last", world.path("run/checkpoint-8")] {
      let other = potstill(run + ["--resume-from-checkpoint", checkpoint])
      #expect(other.code == 1 && other.messages.contains("the training rows differ"), "\(other.messages)")
    }
    // What is refused changes nothing.
    #expect(try files.map { try Data(contentsOf: URL(filePath: world.path("run/" + $0))) } == kept)
    let anyway = potstill(run + ["--resume-from-checkpoint", "last", "--resume-anyway"])
    #expect(anyway.code == 0 && anyway.messages.contains("warning: the run differs"), "\(anyway.messages)")
    try Data(text.utf8).write(to: rows)
    let other = potstill(run + ["--resume-from-checkpoint", "last", "--learning-rate", "0.25"])
    #expect(other.code == 1 && other.messages.contains("before, 0.25 now"), "\(other.messages)")
  }

  /// Whether answers are kept is decided by the disk, which may have filled since: what is refused names the option.
  @Test func anotherWayToAskTheTeacherIsRefusedWithItsOption() throws {
    let run = ["distill", "--student", "T1", "--match", "uniform", "--output", world.path("run")] + data
    let teacher = ["--teacher", world.path("base")]
    let first = potstill(run + teacher + Self.saving)
    try #require(first.code == 0 && first.messages.contains("the teacher runs once"), "\(first.messages)")
    let tooLittle = Self.saving + ["--resume-from-checkpoint", "last", "--max-cache-gb", "0.000001"]
    let other = potstill(run + teacher + tooLittle)
    #expect(
      other.code == 1 && other.messages.contains("teacher_answers: file (--cache-teacher-logits) before")
        && other.messages.contains("asked in every step (--no-cache-teacher-logits) now"),
      "\(other.messages)")
  }

  /// Results, checkpoints and baseline of the first run are not the second's; a note of the user's stays.
  @Test func anOverwrittenFolderHoldsNothingOfAnOlderRun() throws {
    let run = ["distill", "--student", "T1", "--output", world.path("run")] + data
    let teacher = ["--teacher", world.path("base")]
    let first = potstill(
      run + teacher + Self.saving.dropLast(2)
        + ["--baseline", "--match", "uniform", "--feature-epochs", "1", "--early-stopping-patience", "1"])
    try #require(first.code == 0, "\(first.messages)")
    try Data("mine".utf8).write(to: URL(filePath: world.path("run/notes.txt")))
    // What would be removed with the older run cannot be read by the new one.
    let checkpoint = try #require(
      FileManager.default.contentsOfDirectory(atPath: world.path("run")).first { $0.hasPrefix("checkpoint-") }
    )
    for input in ["run/" + checkpoint, "run/baseline"] {
      let inner = potstill(run + ["--teacher", world.path(input), "--overwrite-output-dir"])
      #expect(inner.code == 1 && inner.messages.contains("of an older run"), "\(inner.messages)")
    }
    let second = potstill(
      run + teacher + ["--max-steps", "2", "--overwrite-output-dir", "--eval-strategy", "no"])
    try #require(second.code == 0, "\(second.messages)")
    let fresh = potstill(
      [
        "distill", "--student", "T1", "--output", world.path("fresh"), "--max-steps", "2", "--eval-strategy",
        "no",
      ]
        + teacher + data)
    try #require(fresh.code == 0, "\(fresh.messages)")
    let names = { (folder: String) in
      Set(try FileManager.default.contentsOfDirectory(atPath: self.world.path(folder)))
    }
    #expect(try names("run") == names("fresh").union(["notes.txt"]))
    let keys = { (folder: String) in
      try JSONValue(parsing: self.world.text(folder + "/all_results.json")).objectValue?.keys
    }
    #expect(try keys("run") == keys("fresh"))
  }

  /// The student is finished and no checkpoint of it was kept; it is trained again, and the baseline goes on.
  @Test func aBaselineGoesOn() throws {
    try FixedThreads.run {
      let run =
        [
          "distill", "--teacher", world.path("base"), "--student", "T1", "--baseline", "--output",
          world.path("run"),
        ] + data + Self.saving
      let whole = potstill(run)
      try #require(whole.code == 0, "\(whole.messages)")
      let names = ["model.safetensors", "baseline/model.safetensors"]
      let expected = try names.map { try Data(contentsOf: URL(filePath: world.path("run/" + $0))) }
      for gone in ["checkpoint-4", "checkpoint-8", "checkpoint-12", "baseline/checkpoint-12"] {
        try FileManager.default.removeItem(atPath: world.path("run/" + gone))
      }
      let resumed = potstill(run + ["--resume-from-checkpoint", "last"])
      try #require(resumed.code == 0, "\(resumed.messages)")
      #expect(resumed.messages.contains("baseline/checkpoint-8 after step 8"), "\(resumed.messages)")
      #expect(try names.map { try Data(contentsOf: URL(filePath: world.path("run/" + $0))) } == expected)
    }
  }

  @Test func aFolderInUseIsRefused() throws {
    let folder = world.folder.appending(path: "run")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let lock = try FolderLock(folder)
    let run = ["train", "--model", world.path("base"), "--output", folder.path, "--max-steps", "2"] + data
    let refused = potstill(run)
    #expect(refused.code == 1 && refused.messages.contains("another run"), "\(refused.messages)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [FolderLock.fileName])
    lock.release()
    let free = potstill(run)
    #expect(free.code == 0, "\(free.messages)")
    #expect(!FileManager.default.fileExists(atPath: folder.appending(path: FolderLock.fileName).path))
  }

  @Test func preTrainingGoesOnInItsFolder() throws {
    try FileManager.default.copyItem(atPath: world.path("data/train.tsv"), toPath: world.path("text.txt"))
    try expectResumption(
      [
        "pretrain", "--model", world.path("base"), "--input", world.path("text.txt"), "--max-seq-length",
        "16",
        "--per-device-train-batch-size", "2",
      ], by: ["last"])
  }

  @Test func otherFoldersStayRefused() throws {
    let run = ["train", "--model", world.path("base")] + data + Self.saving
    let first = potstill(run + ["--output", world.path("run")])
    try #require(first.code == 0, "\(first.messages)")
    // A folder without a checkpoint is not written into, whatever else it holds.
    let files = try FileManager.default.contentsOfDirectory(atPath: world.path("data")).sorted()
    let last = potstill(run + ["--output", world.path("data"), "--resume-from-checkpoint", "last"])
    #expect(last.code == 1 && last.messages.contains("holds no checkpoint"), "\(last.messages)")
    for checkpoint in [world.path("run/checkpoint-8"), world.path("data/checkpoint-8")] {
      let other = potstill(run + ["--output", world.path("data"), "--resume-from-checkpoint", checkpoint])
      #expect(other.code == 1 && other.messages.contains("is not empty"), "\(other.messages)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: world.path("data")).sorted() == files)
    // Without resuming, a run's own folder is refused as before.
    let again = potstill(run + ["--output", world.path("run")])
    #expect(again.code == 1 && again.messages.contains("is not empty"), "\(again.messages)")
  }
}
