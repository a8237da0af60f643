import Foundation
import ModelFormats
import TestSupport
import Testing

/// `provenance.json` in the folders of commands, and what `potstill verify` says of them.
@Suite struct ProvenanceTests {
  let world: TinyWorld
  let task: [String]

  init() throws {
    world = try TinyWorld()
    task = ["--task", world.path("tiny.yaml"), "--data", world.path("data")]
  }

  private func ran(_ arguments: [String]) throws {
    let run = potstill(arguments)
    try #require(run.code == 0, "\(run.messages)")
  }

  private func train(_ output: String, _ more: [String] = []) throws {
    try ran(
      [
        "train", "--model", world.path("base"), "--output", world.path(output), "--max-steps", "4", "--seed",
        "7",
      ]
        + task + more)
  }

  private func provenance(_ folder: String) throws -> JSONValue {
    try JSONValue(parsing: world.text(folder + "/provenance.json"))
  }

  private func roles(_ work: JSONValue?) -> [String] {
    work?["inputs"]?.arrayValue?.compactMap { $0["role"]?.stringValue } ?? []
  }

  /// Verdicts of `verify --json` that are not ok, as `verdict role path`, without the beginning of the world's own paths.
  private func verdicts(_ folder: String, code: Int32) throws -> [String] {
    let run = potstill(["verify", world.path(folder), "--json"])
    #expect(run.code == code, "\(run.messages) \(run.output)")
    let json = try JSONValue(parsing: run.output)
    #expect(json["ok"]?.boolValue == (code == 0))
    return (json["findings"]?.arrayValue ?? []).compactMap { finding in
      let parts = ["verdict", "role", "path"].compactMap { finding[$0]?.stringValue }
      return parts.first == "ok"
        ? nil
        : parts.joined(separator: " ").replacing(world.path("") + "/", with: "").replacing(
          world.path(""), with: "")
    }.sorted()
  }

  private func change(_ name: String, _ body: (inout Data) -> Void) throws {
    let url = world.folder.appending(path: name)
    var data = try Data(contentsOf: url)
    body(&data)
    try data.write(to: url)
  }

  @Test func aRunSaysWhatMadeIt() throws {
    try train("run")
    let json = try provenance("run")
    let work = json["made_by"]
    #expect(work?["command_line"]?.arrayValue?.prefix(2) == ["potstill", "train"])
    #expect(work?["command_line"]?.arrayValue?.contains(.string(world.path("run"))) == true)
    #expect(work?["potstill"]?.stringValue?.isEmpty == false && work?["seeds"]?["seed"] == 7)
    #expect(work?["machine"]?["threads"]?.intValue ?? 0 > 0 && work?["machine"]?["blas"]?.stringValue != nil)
    #expect(work?["started"]?.stringValue ?? "z" <= work?["finished"]?.stringValue ?? "")
    #expect(roles(work) == ["student", "train_file", "validation_file", "input"])
    let model = work?["inputs"]?.arrayValue?.first
    #expect(model?["path"]?.stringValue == world.path("base"))
    let weights = try #require(model?["files"]?.arrayValue?.first { $0["path"] == "model.safetensors" })
    #expect(
      weights["sha256"]?.stringValue
        == (try Digest.text(ofFile: world.path("base/model.safetensors"), by: .sha256)))
    let names = json["files"]?.arrayValue?.compactMap { $0["path"]?.stringValue } ?? []
    #expect(
      Set(names).isSuperset(of: ["model.safetensors", "recipe.yaml", "all_results.json", "report.html"]))
    #expect(!names.contains("provenance.json") && !names.contains { $0.hasPrefix(".") })
    // Nothing of the environment is in it.
    let text = try world.text("run/provenance.json")
    #expect(!text.contains("PATH") && !text.contains("HOME"))
  }

  @Test func inputsAreNamedAsTheUserNamedThem() throws {
    let named = world.path("data") + "/./train.tsv"
    try train("run", ["--train-file", named])
    let inputs = try provenance("run")["made_by"]?["inputs"]?.arrayValue ?? []
    #expect(inputs.filter { $0["path"]?.stringValue == named }.count == 1, "\(inputs)")
    #expect(inputs.first { $0["role"] == "train_file" }?["path"]?.stringValue == named)
    #expect(try verdicts("run", code: 0) == [])
  }

  @Test func everyChangeIsFound() throws {
    try train("run", ["--save-strategy", "steps", "--save-steps", "2"])
    #expect(try verdicts("run", code: 0) == [])
    let shown = potstill(["verify", world.path("run")])
    #expect(shown.code == 0 && shown.output.contains("ok") && shown.messages.contains("is what it was"))
    // What came later is no fault, nor is data that is not there any more.
    try Data("x".utf8).write(to: world.folder.appending(path: "run/notes.txt"))
    try FileManager.default.moveItem(
      atPath: world.path("data/train.tsv"), toPath: world.path("data/moved.tsv"))
    #expect(try verdicts("run", code: 0) == ["extra file notes.txt", "gone train_file data/train.tsv"])
    try FileManager.default.moveItem(
      atPath: world.path("data/moved.tsv"), toPath: world.path("data/train.tsv"))
    // Everything else is.
    try change("run/recipe.yaml") { $0.append(10) }
    try change("run/model.safetensors") { $0[$0.count - 1] ^= 1 }
    try change("run/checkpoint-2/optimizer.safetensors") { $0[$0.count - 1] ^= 1 }
    try change("data/dev.tsv") { $0.append(contentsOf: Data("the tea was good .\t1\n".utf8)) }
    try change("base/vocab.txt") { $0[$0.count - 2] ^= 1 }
    try FileManager.default.removeItem(atPath: world.path("run/all_results.json"))
    #expect(
      try verdicts("run", code: 1) == [
        "changed file model.safetensors", "changed file recipe.yaml", "changed student base",
        "changed validation_file data/dev.tsv", "damaged checkpoint checkpoint-2", "extra file notes.txt",
        "missing file all_results.json",
      ])
  }

  @Test func weightsThatAreNotFiniteAreDamage() throws {
    try train("run")
    try change("run/model.safetensors") {
      $0.replaceSubrange($0.count - 4..<$0.count, with: [0, 0, 0xC0, 0x7F])
    }
    let run = potstill(["verify", world.path("run")])
    #expect(run.code == 1 && run.output.contains("NaN or infinite"), "\(run.output)")
    try change("run/model.safetensors") { $0.removeLast(100) }
    #expect(
      try verdicts("run", code: 1) == ["changed file model.safetensors", "damaged model model.safetensors"])
  }

  @Test func distillationsCachesAndTasksSayWhatTheyReadToo() throws {
    try train("teacher")
    let teacher = ["--teacher", world.path("teacher")]
    try ran(["cache", "--output", world.path("answers")] + teacher + task)
    #expect(roles(try provenance("answers")["made_by"]) == ["teacher", "train_file"])
    #expect(try verdicts("answers", code: 0) == [])
    let distil = ["--student", "T1", "--max-steps", "2", "--teacher-cache", world.path("answers")]
    try ran(["distill", "--output", world.path("student"), "--baseline"] + teacher + distil + task)
    #expect(
      roles(try provenance("student")["made_by"]) == [
        "train_file", "validation_file", "teacher", "teacher_cache", "input",
      ])
    #expect(try verdicts("student", code: 0) == [])
    try change("answers/teacher.cache") { $0[$0.count - 1] ^= 1 }
    #expect(try verdicts("answers", code: 1) == ["changed file teacher.cache"])
    #expect(try verdicts("student", code: 1) == ["changed teacher_cache answers"])
    let entry = "{task: \(world.path("tiny.yaml")), data: \(world.path("data"))}"
    try Data("tasks: [\(entry)]\n".utf8).write(to: world.folder.appending(path: "tasks.yaml"))
    try ran([
      "multitask", world.path("tasks.yaml"), "--student", world.path("base"), "--max-steps", "2", "--output",
      world.path("several"),
    ])
    #expect(try verdicts("several", code: 0) == [])
    let part = potstill(["verify", world.path("several/tiny")])
    #expect(part.code == 0 && part.output.contains("the folder above has one"), "\(part.output)")
    try Data(TinyWorld.plainLines.joined(separator: "\n").utf8).write(
      to: world.folder.appending(path: "text.txt"))
    try ran([
      "pretrain", "--input", world.path("text.txt"), "--model", world.path("base"), "--max-seq-length", "16",
      "--max-steps", "2", "--output", world.path("pretrained"),
    ])
    #expect(roles(try provenance("pretrained")["made_by"]) == ["model", "train_file"])
    #expect(try verdicts("pretrained", code: 0) == [])
  }

  @Test func anEvaluationIsNotedBesideTheRun() throws {
    try train("run")
    let evaluate = ["evaluate", "--model", world.path("run")] + task
    try ran(evaluate + ["--output", world.path("scores")])
    #expect(roles(try provenance("scores")["made_by"]) == ["model", "validation_file", "input"])
    #expect(try verdicts("scores", code: 0) == [])
    let twice = evaluate + ["--output", world.path("run"), "--overwrite-output-dir"]
    for _ in 0..<2 { try ran(twice) }
    let json = try provenance("run")
    #expect(json["made_by"]?["command_line"]?.arrayValue?[1] == "train")
    #expect(json["further"]?.arrayValue?.count == 1)
    // The model that the evaluation read is the one that is there.
    #expect(try verdicts("run", code: 0) == [])
  }

  @Test func aReportThatIsMadeAgainIsNoChange() throws {
    try train("run")
    try change("run/report.html") { $0.append(10) }
    #expect(try verdicts("run", code: 1) == ["changed file report.html"])
    try ran(["report", world.path("run"), "--row-graph", "8"])
    #expect(try verdicts("run", code: 0) == [])
  }

  @Test func aResumedRunKnowsWhatItWentOnFrom() throws {
    try train("run", ["--save-strategy", "steps", "--save-steps", "2"])
    try ran(
      [
        "train", "--model", world.path("base"), "--output", world.path("run"), "--max-steps", "6", "--seed",
        "7",
        "--save-strategy", "steps", "--save-steps", "2", "--resume-from-checkpoint", "last",
        "--resume-anyway",
      ] + task)
    let json = try provenance("run")
    #expect(json["earlier"]?.arrayValue?.count == 1)
    #expect(json["made_by"]?["command_line"]?.arrayValue?.contains("--resume-from-checkpoint") == true)
    #expect(try verdicts("run", code: 0) == [])
  }

  @Test func compressionsSayWhatTheyMade() throws {
    try train("run")
    try ran(
      [
        "compress", "--model", world.path("run"), "--methods", "ffn=50%,int8", "--distill", "none",
        "--keep-models",
        "--output", world.path("small"),
      ] + task)
    #expect(try verdicts("small", code: 0) == [])
    #expect(roles(try provenance("small")["made_by"]).contains("model"))
  }

  @Test func whatCannotBeCheckedIsSaid() throws {
    let nothing = potstill(["verify", world.path("data")])
    #expect(nothing.code == 1 && nothing.messages.contains("nothing can be checked"), "\(nothing.messages)")
    let nowhere = potstill(["verify", world.path("nowhere")])
    #expect(nowhere.code == 1 && nowhere.messages.contains("no such folder"), "\(nowhere.messages)")
    #expect(potstill(["verify", ""]).code == 64)
    let plain = potstill(["verify", world.path("base")])
    #expect(plain.code == 0 && plain.output.contains("older version"), "\(plain.output) \(plain.messages)")
    try train("run")
    try Data("{\"provenance\": 2}".utf8).write(to: world.folder.appending(path: "run/provenance.json"))
    let newer = potstill(["verify", world.path("run")])
    #expect(newer.code == 1 && newer.messages.contains("found 2, expected 1"), "\(newer.messages)")
    try Data("{\"provenance\": 1}".utf8).write(to: world.folder.appending(path: "run/provenance.json"))
    let broken = potstill(["verify", world.path("run")])
    #expect(broken.code == 1 && broken.messages.contains("made_by is missing"), "\(broken.messages)")
  }
}
