import Compression
import CompressionSearch
import Distillation
import Encoders
import Foundation
import Kernels
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// `potstill compress` and what stands behind it, on a tiny model.
@Suite struct CompressTests {
  let world: TinyWorld
  let data: [String]

  init() throws {
    world = try TinyWorld()
    data = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
    let recipe = "num_train_epochs: 2\nlearning_rate: 0.001\noutput: elsewhere\nstudent: T1\n"
    try Data(recipe.utf8).write(to: world.folder.appending(path: "recipe.yaml"))
    let teacher = potstill(
      ["train", "--model", world.path("base"), "--output", world.path("teacher"), "--num-train-epochs", "6"]
        + data)
    try #require(teacher.code == 0, "\(teacher.messages)")
  }

  private func compress(_ more: [String], output: String? = "out") -> [String] {
    ["compress", "--model", world.path("teacher")] + (output.map { ["--output", world.path($0)] } ?? [])
      + data + more
  }

  private static let methods = ["--methods", "vocab,hidden=50%,ffn=50%,int8"]

  private func report(_ folder: String = "out") throws -> JSONValue {
    try JSONValue(contentsOf: world.folder.appending(path: "\(folder)/compression.json"))
  }

  private func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: world.path(name)) }

  @Test("every step is distilled and measured, the front stays, and the same command again does nothing")
  func wholeRun() throws {
    let run = potstill(compress(Self.methods + ["--distill", world.path("recipe.yaml"), "--keep-models"]))
    #expect(run.code == 0, "\(run.messages)")
    #expect(run.messages.contains("student is the compression's own"), "\(run.messages)")
    let points = try #require(try report()["points"]?.arrayValue)
    let names = points.compactMap { $0["name"]?.stringValue }
    #expect(
      names == [
        "0-model", "0-model-int8", "1-vocab", "1-vocab-int8", "2-hidden", "2-hidden-int8", "3-ffn",
        "3-ffn-int8",
      ])
    #expect(
      points.last?["steps"]
        == ["vocab", "hidden=50%", "ffn=50%", "int8"], "\(points.last?["steps"]?.compactText ?? "")")
    for (point, name) in zip(points, names).dropFirst() {
      let folder = world.folder.appending(path: "out/\(name)")
      let model = try TaskModel(directory: folder)
      #expect(
        model.parameterCount == point["parameters"]?.intValue && model.byteCount == point["bytes"]?.intValue)
      #expect(model.isQuantized == name.hasSuffix("int8"))
      let scored = potstill(["evaluate", "--model", folder.path, "--json"] + data)
      let accuracy = try JSONValue(parsing: scored.output)["eval_accuracy"]
      #expect(accuracy == point["eval_accuracy"], "\(name): \(scored.output)")
      #expect(run.output.contains(name))
      let card = try world.text("out/\(name)/README.md")
      #expect(card.contains("is `teacher`, made smaller with Potstill for the task tiny: "), "\(card)")
      #expect(card.contains("does not load it: its weights are 8-bit integers") == name.hasSuffix("int8"))
      #expect(card.contains("After each cut it was distilled from `teacher`.") == (name != "0-model-int8"))
    }
    let last = try TaskModel(directory: world.folder.appending(path: "out/3-ffn"))
    #expect(last.config.hiddenSize == 8 && last.config.intermediateSize == 16)
    #expect(last.config.reasonAgainstTransformers == nil && !exists("out/work"))
    let again = potstill(compress(Self.methods + ["--distill", world.path("recipe.yaml")]))
    #expect(again.code == 0 && again.messages.contains("3-ffn: finished before"), "\(again.messages)")
    let after = try #require(try report()["points"]?.arrayValue)
    for (point, name) in zip(after, names) {
      // Without --keep-models what another one beats goes, and is said to.
      let stays = point["on_front"] == true || name == "0-model"
      #expect(
        (point["folder"] != nil) == stays && (name == "0-model" || exists("out/\(name)") == stays), "\(name)")
      #expect(point["eval_accuracy"] == points[names.firstIndex(of: name) ?? 0]["eval_accuracy"])
    }
  }

  @Test("without distillation models are only cut, in the form that the methods need")
  func cutting() throws {
    let run = potstill(
      compress(["--methods", "heads=1,layers=1", "--distill", "none", "--keep-models", "--json"]))
    #expect(run.code == 0, "\(run.messages)")
    let json = try JSONValue(parsing: run.output)
    #expect(json["points"]?.arrayValue?.map { $0["name"] } == ["0-model", "1-heads", "2-layers"])
    let model = try TaskModel(directory: world.folder.appending(path: "out/2-layers"))
    #expect(model.config.layerCount == 1 && model.config.headCounts == [1])
    #expect(!exists("out/2-layers/metrics.jsonl"))
  }

  @Test("a compression that is broken off goes on, and ends as one that was not")
  func brokenOff() throws {
    func job(_ output: String) throws -> CompressionJob {
      var task = JobTask(
        try TaskDefinition(contentsOf: URL(filePath: world.path("tiny.yaml"))), data: world.path("data"))
      task.teachers = [JobTeacher(world.path("teacher"))]
      var distillation = try DistillationJob(task, student: JobStudent("T1"))
      distillation.training.numTrainEpochs = 2
      var job = CompressionJob(
        world.path("teacher"), steps: try CompressionStep.list("hidden=50%,ffn,int8"),
        distilling: distillation,
        output: world.path(output))
      (job.target, job.iterations, job.keepsAll) = (.share(0.4), 2, true)
      return job
    }
    struct Broken: Error {}
    try FixedThreads.run {
      let whole = try job("whole").prepare().run()
      // Broken off before the first distillation, and then after each.
      for allowed in 0..<4 {
        var runs = 0
        #expect(throws: Broken.self) {
          try job("broken").prepare().run { prepared in
            runs += 1
            if runs > 1 || allowed == 0 { throw Broken() }
            return try prepared.run()
          }
        }
      }
      let end = try job("broken").prepare().run()
      #expect(end.points.map(\.name) == whole.points.map(\.name))
      #expect(end.points.map(\.scores) == whole.points.map(\.scores))
      #expect(end.points.map(\.steps) == whole.points.map(\.steps))
      for point in end.points.dropFirst() {
        let files = try ["broken", "whole"].map {
          try Data(contentsOf: world.folder.appending(path: "\($0)/\(point.name)/model.safetensors"))
        }
        let areSame = files[0] == files[1]
        #expect(areSame, "\(point.name)")
      }
    }
  }

  @Test("the plan is printed, and nothing written")
  func dryRun() throws {
    let run = potstill(
      compress(["--methods", "layers,ffn,int8", "--target", "2x", "--dry-run"], output: nil))
    #expect(run.code == 0, "\(run.messages)")
    #expect(run.output.contains("1-layers: layers=1") && run.output.contains("2-ffn: ffn="), "\(run.output)")
    #expect(run.output.contains("on disk") && run.output.contains("int8"))
    let json = potstill(
      compress(["--methods", "ffn", "--target", "50%", "--dry-run", "--json"], output: nil))
    let plan = try JSONValue(parsing: json.output)
    #expect(plan["steps"]?.arrayValue?.count == 1 && plan["disk_bytes"]?.intValue ?? 0 > 0)
    let short = potstill(
      compress(["--methods", "ffn=50%", "--hours", "0.000000001", "--dry-run"], output: nil))
    #expect(short.output.contains("--hours 1e-09 shortens the distillations"), "\(short.output)")
  }

  @Test("hours shorten the distillations, and the share is kept")
  func hours() throws {
    let run = potstill(
      compress(["--methods", "ffn=50%", "--hours", "0.000000001", "--distill", world.path("recipe.yaml")]))
    #expect(run.code == 0 && run.messages.contains("--hours leaves 1 % of the epochs"), "\(run.messages)")
    #expect(try report()["shares"]?["1-ffn"] == 0.01)
  }

  @Test(
    "what cannot be done is said before anything is done",
    arguments: [
      (["--methods", "fnn=50%"], "did you mean ffn?"),
      (["--methods", "int8,ffn=50%"], "write it last"),
      (["--methods", "ffn"], "The compression has 1 fault:\n  - target: is missing"),
      (["--methods", "ffn=50%", "--target", "4x"], "decides nothing"),
      (["--methods", "ffn", "--target", "tiny"], "found \"tiny\""),
      (["--methods", "ffn", "--target", "900MB"], "already"),
      (["--methods", "ffn=50%", "--max-drop", "2"], "max_drop"),
      (["--methods", "ffn=50%", "--keep", "embeddings"], "int8 is not among the methods"),
      (["--methods", "ffn=50%", "--hours", "0"], "hours"),
      (["--methods", "int8", "--keep", "nothing"], "keeps nothing"),
      (["--methods", "layers=7"], "num_hidden_layers"),
    ])
  func faults(options: [String], expected: String) throws {
    let run = potstill(compress(options + ["--distill", "none"]))
    #expect(run.code != 0 && run.messages.contains(expected), "\(run.messages)")
    #expect(!exists("out"), "what was refused leaves a folder")
  }

  @Test("a folder that another process has written into since the plan was made is not gone on with")
  func writtenMeanwhile() throws {
    var task = JobTask(
      try TaskDefinition(contentsOf: URL(filePath: world.path("tiny.yaml"))), data: world.path("data"))
    task.teachers = [JobTeacher(world.path("teacher"))]
    var job = CompressionJob(
      world.path("teacher"), steps: try CompressionStep.list("ffn=50%"),
      distilling: try DistillationJob(task, student: JobStudent("T1")), output: world.path("out"))
    job.distils = false
    let planned = try job.prepare()
    _ = try job.prepare().run()
    let before = try world.text("out/compression.json")
    do {
      _ = try planned.run()
      Issue.record("nothing was thrown")
    } catch {
      #expect("\(error)".contains("another process has written"), "\(error)")
    }
    #expect(try world.text("out/compression.json") == before)
    #expect(try job.prepare().run().points.count == 2, "the lock was not given back")
  }

  @Test("a folder of another compression is left alone, unless it may be overwritten")
  func otherSettings() throws {
    let first = potstill(compress(["--methods", "ffn=50%", "--distill", "none", "--keep-models"]))
    try #require(first.code == 0, "\(first.messages)")
    let before = try world.text("out/compression.json")
    let other = ["--methods", "layers=1", "--distill", "none", "--keep-models"]
    let refused = potstill(compress(other))
    #expect(
      refused.code == 1 && refused.messages.contains("methods was [\"ffn=50%\"]"), "\(refused.messages)")
    #expect(try world.text("out/compression.json") == before && exists("out/1-ffn"))
    let anew = potstill(compress(other + ["--overwrite-output-dir"]))
    #expect(anew.code == 0 && !exists("out/1-ffn") && exists("out/1-layers"), "\(anew.messages)")
    let foreign = potstill(compress(other, output: "data"))
    #expect(foreign.code == 1 && foreign.messages.contains("is not empty"), "\(foreign.messages)")
  }

  @Test("a student is named by what is left of its teacher")
  func student() throws {
    let distill = [
      "distill", "--teacher", world.path("teacher"), "--output", world.path("student"), "--num-train-epochs",
      "1",
    ]
    let run = potstill(distill + ["--student", "layers=1,ffn=50%,vocab=1"] + data)
    #expect(run.code == 0, "\(run.messages)")
    let model = try TaskModel(directory: world.folder.appending(path: "student"))
    let teacher = try TaskModel(directory: world.folder.appending(path: "teacher"))
    #expect(model.config.layerCount == 1 && model.config.intermediateSize == 16)
    #expect(model.config.vocabularySize < teacher.config.vocabularySize)
    #expect(try world.text("student/README.md").contains("cut to layers=1, ffn=50%, vocab=1"))
    let words = potstill(distill + ["--student", "vocab", "--dry-run"] + data)
    #expect(words.code == 0, "\(words.messages)")
    for (student, expected) in [
      ("ffn=50%,int8", "8-bit integers are not trained"), ("ffn=50%,layers", "needs how much stays"),
      ("ffn=50%,fnn=2", "did you mean ffn?"), ("layers=9", "num_hidden_layers"),
      ("ffn", "ffn needs how much stays, such as ffn=50%"),
    ] {
      let refused = potstill(distill + ["--student", student, "--overwrite-output-dir"] + data)
      #expect(refused.code != 0 && refused.messages.contains(expected), "\(student): \(refused.messages)")
    }
    let sized = potstill(
      distill + ["--student", "ffn=50%", "--hidden-size", "8", "--overwrite-output-dir"] + data)
    #expect(sized.code != 0 && sized.messages.contains("says itself how large it is"), "\(sized.messages)")
  }

  @Test("the vocabulary of a model without a head is cut to languages without a task")
  func vocabularyAlone() throws {
    let base = try TokenizedModel(world.path("base"))
    let bare = try TaskModel(directory: URL(filePath: world.path("base")), head: .sentenceSimilarity)
    let folder = world.folder.appending(path: "bare")
    try bare.save(to: folder, tokenizer: base.tokenizer)
    // As a folder that was not made here: it names the encoder and says nothing of vectors.
    var config = try #require(try JSONValue(contentsOf: folder.appending(path: "config.json")).objectValue)
    config["pooling"] = nil
    try JSONValue.object(config).write(to: folder.appending(path: "config.json"))
    let modules: JSONValue = [["idx": 0, "path": "1_Pooling"]]
    try modules.write(to: folder.appending(path: "modules.json"))

    let command = [
      "compress", "--model", folder.path, "--methods", "vocab=zh", "--output", world.path("cut"),
    ]
    let run = potstill(command)
    #expect(run.code == 0 && run.output.contains("vocabulary"), "\(run.messages)")
    let cut = try TokenizedModel(world.path("cut"))
    let (before, after) = (base.tokenizer.idLimit, cut.tokenizer.idLimit)
    #expect(after < before && cut.model.config.vocabularySize == after)

    let names = Set(
      try TaskModel(directory: world.folder.appending(path: "cut"), head: .sentenceSimilarity).parameters.map(
        \.name))
    #expect(names == Set(bare.parameters.map(\.name)))
    #expect(try world.text("cut/modules.json") == world.text("bare/modules.json"))
    let again = potstill(command)
    #expect(again.code == 1 && again.messages.contains("is not empty"), "\(again.messages)")
    let json = potstill(command + ["--overwrite-output-dir", "--json"])
    let sizes = try JSONValue(parsing: json.output)
    #expect(
      sizes["before"]?["vocab_size"] == .integer(before) && sizes["after"]?["vocab_size"] == .integer(after))
    // Everything else needs rows.
    for methods in ["vocab", "vocab=zh,ffn=50%"] {
      let refused = potstill([
        "compress", "--model", folder.path, "--methods", methods, "--output", world.path("no"),
      ])
      #expect(refused.code != 0 && refused.messages.contains("--task"), "\(refused.messages)")
    }
  }
}
