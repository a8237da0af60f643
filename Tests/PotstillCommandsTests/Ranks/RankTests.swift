import Foundation
import ModelFormats
import TestSupport
import Testing

/// Runs on several ranks against one process, under each MPI that is installed here.
@Suite(
  .serialized,
  .enabled(
    if: !RankLauncher.usable.isEmpty, "neither mpirun.openmpi nor mpirun.mpich is installed and starts ranks")
)
struct RankTests {
  private let world: TinyWorld
  private let tool: ToolProcess

  init() throws {
    world = try TinyWorld(hidden: 32)
    tool = try #require(ToolProcess(), "the program potstill is not beside the tests; build it first")
    try write("tags/train.bio", Self.sentences(0..<24))
    try write("tags/dev.bio", Self.sentences(24..<32))
    try write(
      "tags.yaml",
      "name: tags\nkind: token_classification\nformat: conll\ntrain_file: train.bio\n"
        + "validation_file: dev.bio\nlabels: [THING]\nmetrics: [overall_f1]\nmax_seq_length: 24\n")
    try write("answers/train.json", Self.questions(0..<24))
    try write("answers/dev.json", Self.questions(24..<32))
    try write(
      "answers.yaml",
      "name: answers\nkind: question_answering\nformat: squad\ntrain_file: train.json\n"
        + "validation_file: dev.json\nmetrics: [f1, exact_match]\nmax_seq_length: 30\ndoc_stride: 8\n"
        + "max_query_length: 12\nmax_answer_length: 4\n")
  }

  private func write(_ name: String, _ text: String) throws {
    let url = world.folder.appending(path: name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// Sentences of different lengths, so that ranks have shares of different numbers of rows.
  private static func words(_ index: Int) -> [String] {
    let thing = TinyWorld.things[index % 5]
    let tail = (0..<index % 4).flatMap { ["not", TinyWorld.goodWords[$0]] }
    return ["the", thing, "was", TinyWorld.badWords[index % 4]] + tail + ["."]
  }

  private static func sentences(_ range: Range<Int>) -> String {
    range.map { index in
      words(index).map { "\($0) \(TinyWorld.things.contains($0) ? "B-THING" : "O")" }.joined(separator: "\n")
    }.joined(separator: "\n\n") + "\n"
  }

  private static func questions(_ range: Range<Int>) -> String {
    let paragraphs = range.map { index in
      let words = words(index)
      let context = words.joined(separator: " ")
      return
        "{\"context\": \"\(context)\", \"qas\": [{\"id\": \"q\(index)\", \"question\": \"was the \(words[3])\", "
        + "\"answers\": [{\"text\": \"\(words[1])\", \"answer_start\": 4}]}]}"
    }
    return
      "{\"version\": \"1.1\", \"data\": [{\"title\": \"t\", \"paragraphs\": [\(paragraphs.joined(separator: ", "))]}]}"
  }

  /// Runs a training of 8 rows an update, or of the steps of a whole run; a rank has its part of them.
  private func train(
    _ arguments: [String], into output: String, on launcher: (RankLauncher, ranks: Int)?, threads: Int = 1,
    before: String = ""
  ) -> ChildRun {
    tool.run(
      arguments + [
        "--output", world.path(output), "--per-device-train-batch-size", "\(8 / (launcher?.ranks ?? 1))",
        "--logging-steps", "1", "--overwrite-output-dir",
      ], on: launcher, threads: threads, scratch: world.folder, before: before)
  }

  private func task(_ name: String, data: String) -> [String] {
    ["--task", world.path("\(name).yaml"), "--data", world.path(data)]
  }

  /// One update without momentum and decay: what it changes is the gradient.
  private static let oneStep = [
    "--max-steps", "1", "--optim", "sgd", "--learning-rate", "1", "--max-grad-norm", "0", "--warmup-ratio",
    "0",
    "--lr-scheduler-type", "constant", "--eval-strategy", "no",
  ]

  private func line(_ output: String) throws -> JSONValue {
    let text = try world.text(output + "/metrics.jsonl")
    return try JSONValue(parsing: String(try #require(text.split(separator: "\n").first)))
  }

  /// Compares the first step of ranks with that of one process.
  private func expectOneStep(
    _ arguments: [String], model: String = "", from start: String = "base", by launcher: RankLauncher
  ) throws {
    let alone = train(arguments + Self.oneStep, into: "alone", on: nil)
    try #require(alone.code == 0, "\(alone.summary)")
    let (loss, after) = (
      try line("alone")["loss"]?.doubleValue, try SavedWeights(world.path("alone" + model))
    )
    for ranks in [2, 4] {
      let run = train(arguments + Self.oneStep, into: "ranks", on: (launcher, ranks))
      try #require(run.code == 0, "\(run.summary)")
      let found = try line("ranks")["loss"]?.doubleValue
      // Sums of 8 rows' losses in Float32, in another order.
      #expect(abs((found ?? 0) - (loss ?? 1)) <= 1e-5 * abs(loss ?? 0), "\(found ?? 0) for \(loss ?? 0)")
      let norms = try ["alone", "ranks"].map { try #require(line($0)["grad_norm"]?.doubleValue) }
      // A difference of one part in 10^5 of the largest gradient, which is at least the norm by the root of the count.
      let distance = try SavedWeights(world.path("ranks" + model)).distance(to: after)
      #expect(distance <= 1e-5 * norms[0], "\(ranks) ranks: \(distance) of \(norms[0])")
      #expect(abs(norms[1] - norms[0]) <= 1e-5 * norms[0] && norms[0] > 0, "\(norms)")
    }
  }

  /// With dropout, whose draws must not depend on who computes a row.
  @Test(arguments: RankLauncher.usable)
  func theFirstStepIsThatOfOneProcess(launcher: RankLauncher) throws {
    let wet = try TinyWorld(hidden: 32, dropout: 0.1)
    let model = ["--model", wet.path("base")]
    try expectOneStep(["train"] + task("tiny", data: "data") + model, by: launcher)
    try expectOneStep(["train"] + task("tags", data: "tags") + model, by: launcher)
    try expectOneStep(["train"] + task("answers", data: "answers") + model, by: launcher)
  }

  /// Two tasks, one of them with a cache that two ranks have written; the cache is that of one process to the bit.
  @Test(arguments: RankLauncher.usable)
  func severalTasksLearnFromACache(launcher: RankLauncher) throws {
    let cache =
      ["cache", "--teacher", world.path("base"), "--hidden-states", "0,2"] + task("tiny", data: "data")
    for (output, place) in [("one", nil), ("two", (launcher, ranks: 2))]
      as [(String, (RankLauncher, ranks: Int)?)]
    {
      let run = tool.run(cache + ["--output", world.path(output)], on: place, scratch: world.folder)
      try #require(run.code == 0, "\(run.summary)")
    }
    #expect(
      FileManager.default.contentsEqual(
        atPath: world.path("one/teacher.cache"), andPath: world.path("two/teacher.cache")))
    let entries = [
      "{task: \(world.path("tiny.yaml")), name: a, data: \(world.path("data")), teacher_cache: \(world.path("two"))}",
      "{task: \(world.path("tags.yaml")), name: b, data: \(world.path("tags"))}",
    ]
    try write("tasks.yaml", "tasks: [\(entries.joined(separator: ", "))]\n")
    try expectOneStep(
      ["multitask", world.path("tasks.yaml"), "--student", world.path("base")], model: "/a", by: launcher)
  }

  /// Whole runs with evaluations; teachers' logits in memory, their layers in a file of the run folder.
  @Test(arguments: RankLauncher.usable)
  func wholeRunsAreThoseOfOneProcess(launcher: RankLauncher) throws {
    let settings = [
      "--num-train-epochs", "2", "--learning-rate", "1e-1", "--optim", "sgd", "--eval-strategy", "epoch",
    ]
    let distill =
      ["distill", "--teacher", world.path("base"), "--student", "T1"] + task("tiny", data: "data") + settings
    for arguments in [distill, distill + ["--match", "uniform:hidden_mse"]] {
      let runs = [
        train(arguments, into: "one", on: nil), train(arguments, into: "threads", on: nil, threads: 2),
        train(arguments, into: "two", on: (launcher, 2)), train(arguments, into: "four", on: (launcher, 4)),
      ]
      for run in runs { try #require(run.code == 0, "\(run.summary)") }
      let one = try SavedWeights(world.path("one"))
      let threads = try SavedWeights(world.path("threads")).distance(to: one)
      for output in ["two", "four"] {
        let distance = try SavedWeights(world.path(output)).distance(to: one)
        // Twice what threads change, or the last bits of weights up to 1 after 8 updates, which threads may leave alone.
        #expect(distance <= max(2 * threads, 8 * 0x1p-23), "\(output): \(distance), threads \(threads)")
        let names = try FileManager.default.contentsOfDirectory(atPath: world.path(output))
        #expect(Set(names) == Set(try FileManager.default.contentsOfDirectory(atPath: world.path("one"))))
        let lines = { (name: String) in try world.text(name + "/metrics.jsonl").split(separator: "\n").count }
        #expect(try lines(output) == lines("one"))
      }
    }
  }

  @Test(arguments: RankLauncher.usable)
  func twoRunsAreEqualToTheBit(launcher: RankLauncher) throws {
    let wet = try TinyWorld(hidden: 32, dropout: 0.1)
    let arguments =
      ["train", "--model", wet.path("base"), "--num-train-epochs", "2"] + task("tiny", data: "data")
    for ranks in [2, 4] {
      for output in ["first", "second"] {
        let run = train(arguments, into: output, on: (launcher, ranks))
        try #require(run.code == 0, "\(run.summary)")
      }
      let files = try ["first", "second"].map {
        try Data(contentsOf: world.folder.appending(path: $0 + "/model.safetensors"))
      }
      #expect(files[0] == files[1], "\(ranks) ranks")
    }
  }

  /// Shared states of the optimizer change nothing but memory: model, checkpoint and what follows it are those without, to the bit.
  @Test(arguments: RankLauncher.usable)
  func sharedStatesAreThoseOfEachRank(launcher: RankLauncher) throws {
    for optimizer in ["adamw_torch", "lamb", "adafactor"] {
      let arguments =
        ["train", "--model", world.path("base"), "--num-train-epochs", "2", "--optim", optimizer]
        + ["--save-strategy", "steps", "--save-steps", "2"] + task("tiny", data: "data")
      for ranks in optimizer == "adamw_torch" ? [2, 4] : [2] {
        for (output, more) in [("whole", []), ("shared", ["--zero-stage", "1"])] {
          let run = train(arguments + more, into: output, on: (launcher, ranks))
          try #require(run.code == 0, "\(run.summary)")
        }
        // What was saved from shares goes on without them, and the other way round.
        for (output, start, more) in [
          ("resumed", "shared", []), ("shared-again", "whole", ["--zero-stage", "1"]),
        ] {
          let resumed = train(
            arguments + more + ["--resume-from-checkpoint", world.path("\(start)/checkpoint-6")],
            into: output, on: (launcher, ranks))
          try #require(resumed.code == 0, "\(resumed.summary)")
        }
        for name in ["checkpoint-6/optimizer.safetensors", "model.safetensors"] {
          let whole = try Data(contentsOf: world.folder.appending(path: "whole/\(name)"))
          for output in ["shared", "resumed", "shared-again"] {
            if name.hasPrefix("checkpoint"), output != "shared" { continue }
            let found = try Data(contentsOf: world.folder.appending(path: "\(output)/\(name)"))
            #expect(found == whole, "\(optimizer), \(ranks) ranks, \(output)/\(name)")
          }
        }
      }
    }
  }

  /// A rank that is killed takes the others with it; the run goes on from its checkpoint, on another number of ranks.
  @Test(arguments: RankLauncher.usable)
  func aKilledRankEndsAllAndAnotherNumberGoesOn(launcher: RankLauncher) throws {
    let settings = [
      "--optim", "sgd", "--learning-rate", "1e-1", "--save-strategy", "steps", "--save-steps", "2",
    ]
    let arguments = ["train", "--model", world.path("base")] + task("tiny", data: "data") + settings
    let waiting = "until [ -e \(world.path("killed/checkpoint-4")) ]; do sleep 0.02; done"
    let killed = train(
      arguments + ["--num-train-epochs", "100000"], into: "killed", on: (launcher, 2),
      before: "if [ $RANK = 1 ]; then (\(waiting); kill -9 $$) & fi;")
    #expect(killed.code != 0 && killed.seconds < ChildRun.patience, "\(killed.summary)")
    let whole = train(arguments + ["--num-train-epochs", "2"], into: "whole", on: (launcher, 2))
    try #require(whole.code == 0, "\(whole.summary)")
    for place in [(launcher, ranks: 4), nil] as [(RankLauncher, ranks: Int)?] {
      let resumed = train(
        arguments + [
          "--num-train-epochs", "2", "--resume-from-checkpoint", world.path("whole/checkpoint-6"),
        ], into: "resumed", on: place)
      try #require(resumed.code == 0, "\(resumed.summary)")
      let distance = try SavedWeights(world.path("resumed")).distance(to: SavedWeights(world.path("whole")))
      // The last bits of weights up to 1 after 2 updates whose sums have another order.
      #expect(distance <= 4 * 0x1p-23, "\(distance)")
    }
    let newest = try FileManager.default.contentsOfDirectory(atPath: world.path("killed"))
      .compactMap { $0.hasPrefix("checkpoint-") ? Int($0.dropFirst(11)) : nil }.max()
    // What the kill has left is whole.
    #expect(try SavedWeights(world.path("killed/checkpoint-\(newest ?? 0)")).values.isEmpty == false)
  }

  /// Evaluation and predictions on ranks are those of one process to the bit; a grid of runs is shared run by run.
  @Test(arguments: RankLauncher.usable)
  func whatIsMeasuredIsThatOfOneProcess(launcher: RankLauncher) throws {
    try write("rows.txt", TinyWorld.plainLines.joined(separator: "\n") + "\n")
    let model = ["--model", world.path("base")]
    for (name, place) in [("one", nil), ("many", (launcher, ranks: 3))]
      as [(String, (RankLauncher, ranks: Int)?)]
    {
      let commands = [
        ["evaluate", "--output", world.path("\(name)-scores")] + model + task("tiny", data: "data"),
        ["predict", "--input", world.path("rows.txt"), "--output", world.path("\(name).jsonl")] + model,
      ]
      for arguments in commands {
        let run = tool.run(arguments, on: place, scratch: world.folder)
        try #require(run.code == 0, "\(run.summary)")
      }
    }
    for pair in [
      ("one.jsonl", "many.jsonl"), ("one-scores/predictions.jsonl", "many-scores/predictions.jsonl"),
    ] {
      let (one, many) = (try world.text(pair.0), try world.text(pair.1))
      #expect(one == many && !one.isEmpty, "\(pair.1)")
    }
    let loss = try ["one", "many"].map { name in
      try JSONValue(parsing: world.text("\(name)-scores/all_results.json"))["eval_loss"]?.doubleValue
    }
    #expect(loss[0] == loss[1] && loss[0] != nil)
    let streamed = tool.run(["predict"] + model, on: (launcher, 2), scratch: world.folder)
    #expect(streamed.code != 0 && streamed.messages.contains("--input"), "\(streamed.summary)")

    try write(
      "grid.yaml",
      "model: \(world.path("base"))\ntask: \(world.path("tiny.yaml"))\ndata: \(world.path("data"))\n"
        + "max_steps: 2\nper_device_train_batch_size: 4\n")
    let grid = [
      "ablate", world.path("grid.yaml"), "--vary", "learning_rate=1e-3,1e-2", "--output", world.path("grid"),
    ]
    for _ in 0..<2 {
      // The second time everything is finished.
      let run = tool.run(grid, on: (launcher, 2), scratch: world.folder)
      try #require(run.code == 0, "\(run.summary)")
    }
    let rows = try JSONValue(parsing: world.text("grid/ablation.json"))
    #expect(rows.compactText.contains("eval_loss"), "\(rows.compactText)")
  }

  /// Ranks that are told different things find it out, and none hangs.
  @Test(arguments: RankLauncher.usable)
  func ranksThatDifferAreRefused(launcher: RankLauncher) throws {
    let arguments =
      ["train", "--model", world.path("base"), "--num-train-epochs", "1"] + task("tiny", data: "data")
    let other = train(
      arguments, into: "differ", on: (launcher, 2),
      before: "if [ $RANK = 1 ]; then set -- \"$@\" --max-train-samples 9; fi;")
    #expect(other.code != 0 && other.messages.contains("rank 1: its "), "\(other.summary)")
    let missing = train(
      arguments, into: "missing", on: (launcher, 2),
      before: "if [ $RANK = 1 ]; then set -- \"$@\" --task /nowhere.yaml; fi;")
    #expect(
      missing.code != 0 && missing.messages.contains("rank 1 of 2") && missing.messages.contains("nowhere"),
      "\(missing.summary)")
    let relating = train(
      ["distill", "--teacher", world.path("base"), "--student", "T1", "--kd-loss-type", "dist"]
        + task("tiny", data: "data"), into: "dist", on: (launcher, 2))
    #expect(
      relating.code != 0 && relating.messages.contains("2 ranks share each batch"), "\(relating.summary)")
  }

  @Test(arguments: RankLauncher.usable)
  func masksArePredictedOnRanks(launcher: RankLauncher) throws {
    try write("text.txt", TinyWorld.plainLines.joined(separator: "\n") + "\n")
    try expectOneStep(
      [
        "pretrain", "--input", world.path("text.txt"), "--model", world.path("base"), "--max-seq-length",
        "16",
      ], by: launcher)
  }
}

@Suite struct MissingMPITests {
  /// Two ranks without a library are no two runs of one folder.
  @Test func ranksWithoutMPIAreRefused() throws {
    let world = try TinyWorld()
    let run = potstill(
      [
        "train", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--model",
        world.path("base"),
        "--output", world.path("run"),
      ], environment: ["PMI_RANK": "0", "PMI_SIZE": "2", "POTSTILL_MPI": "/nowhere/libmpi.so"])
    #expect(
      run.code == 1 && run.messages.contains("PMI_SIZE says that 2 ranks were started"), "\(run.messages)")
    #expect(!FileManager.default.fileExists(atPath: world.path("run")))
  }
}
