import Foundation
import ModelFormats
import Tasks
import TestSupport
import Testing

/// Models by their names on the Hugging Face hub, from a hub on this machine.
@Suite struct HubJourneyTests {
  private let world: TinyWorld
  private let hub: HubServer
  private let files: [String: [UInt8]]

  init() throws {
    world = try TinyWorld()
    hub = try HubServer()
    let base = world.folder.appending(path: "base")
    var files: [String: [UInt8]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: base.path) {
      files[name] = try Array(Data(contentsOf: base.appending(path: name)))
    }
    self.files = files
  }

  private func environment(_ cache: String = "cache", _ more: [String: String] = [:]) -> [String: String] {
    [
      "HF_HOME": world.path("home"), "HF_HUB_CACHE": world.path(cache), "HF_ENDPOINT": hub.endpoint,
      "HF_HUB_OFFLINE": "0", "no_proxy": "localhost,127.0.0.1",
    ].merging(more) { $1 }
  }

  private func asked(for file: String) -> Bool {
    hub.log.contains { $0.method == "GET" && $0.path.hasSuffix("/\(file)") }
  }

  /// What a user types works as a folder does, and the second time without the network.
  @Test func aNameIsDownloadedOnce() throws {
    let others: [String: [UInt8]] = [
      "tf_model.h5": [1], "onnx/model.onnx": [2], "README.md": Array("# A".utf8),
    ]
    hub.add("google/tiny", files.merging(others) { $1 })
    hub.move("tiny", to: "google/tiny")
    let tool = try #require(ToolProcess())
    func run(_ arguments: [String], _ more: [String: String] = [:]) -> ChildRun {
      tool.run(arguments, scratch: world.folder, environment: environment("cache", more))
    }
    // A tokenizer needs no weights.
    let tokens = run(["tokenize", "--model", "tiny", "the film"])
    #expect(
      tokens.code == 0 && tokens.messages.contains("downloading tiny from \(hub.endpoint)"),
      "\(tokens.messages)")
    #expect(asked(for: "config.json") && !hub.log.contains { $0.path.hasSuffix("model.safetensors") })
    let answer = run(["predict", "--model", "tiny", "the film"])
    #expect(answer.code == 0, "\(answer.messages)")
    #expect(hub.log.contains { $0.path.hasSuffix("model.safetensors") } && asked(for: "README.md"))
    #expect(!asked(for: "tf_model.h5") && !asked(for: "onnx/model.onnx"))
    hub.clearLog()
    let train = run([
      "train", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--model", "tiny",
      "--max-steps", "1",
      "--output", world.path("run"),
    ])
    #expect(train.code == 0 && hub.log.isEmpty, "\(train.messages)")
    #expect(run(["inspect", "tiny"], ["HF_HUB_OFFLINE": "1"]).code == 0)
    #expect(try world.text("run/README.md").contains("base_model: tiny"))
  }

  @Test func studentsAndTeachersAreNamesToo() throws {
    hub.add("org/teacher", files)
    hub.add("org/student", files)
    let tool = try #require(ToolProcess())
    let run = tool.run(
      [
        "distill", "--task", world.path("tiny.yaml"), "--data", world.path("data"), "--teacher",
        "org/teacher",
        "--student", "org/student@main", "--max-steps", "1", "--output", world.path("run"),
      ], scratch: world.folder, environment: environment())
    #expect(run.code == 0, "\(run.messages)")
    #expect(
      run.messages.contains("downloading org/teacher") && run.messages.contains("downloading org/student"))
  }

  @Test func shardsAreFollowed() throws {
    let model = try CheckpointReader(directory: world.folder.appending(path: "base"))
    let names = model.names.sorted()
    var sharded = files
    sharded["model.safetensors"] = nil
    var map = JSONObject()
    for (index, part) in [names[..<3], names[3...]].enumerated() {
      let shard = "model-0000\(index + 1)-of-00002.safetensors"
      for name in part { map[name] = .string(shard) }
      sharded[shard] = files["model.safetensors"]
    }
    sharded["model.safetensors.index.json"] = Array(
      (["weight_map": .object(map)] as JSONValue).compactText.utf8)
    hub.add("org/shards", sharded)
    let folder = try ModelLocation("org/shards", environment: environment()).folder
    #expect(
      FileManager.default.fileExists(atPath: folder.appending(path: "model-00002-of-00002.safetensors").path))
    // A shard that is missing is downloaded again, the others are not.
    try FileManager.default.removeItem(at: folder.appending(path: "model-00001-of-00002.safetensors"))
    hub.clearLog()
    _ = try ModelLocation("org/shards", environment: environment())
    #expect(!asked(for: "config.json"))
    #expect(
      FileManager.default.fileExists(atPath: folder.appending(path: "model-00001-of-00002.safetensors").path))
  }

  @Test func whatCannotBeReadIsSaidBeforeItsWeightsCome() throws {
    func fault(_ name: String, _ more: [String: String] = [:]) -> String {
      do {
        return "found \(try ModelLocation(name, environment: environment("cache", more)).folder)"
      } catch { return "\(error)" }
    }
    var other = files
    other["config.json"] = Array(#"{"model_type": "gpt2"}"#.utf8)
    hub.add("org/gpt2", other)
    #expect(fault("org/gpt2").contains("which generates text"))
    hub.add("org/gguf", ["model.gguf": [1], "README.md": [2]])
    #expect(
      fault("org/gguf").contains("org/gguf, on \(hub.endpoint): found model.gguf, a model of llama.cpp"))
    hub.add("org/tf", ["config.json": files["config.json"] ?? [], "tf_model.h5": [1]])
    #expect(fault("org/tf").contains("found no weights that are read here (config.json, tf_model.h5)"))
    #expect(!hub.log.contains { $0.path.hasSuffix("model.safetensors") || $0.path.hasSuffix("h5") })
    let nowhere = fault("org/nosuch")
    #expect(nowhere.contains("org/nosuch: there is no such folder, and the Hugging Face cache"), "\(nowhere)")
    #expect(nowhere.contains("has no such model; there is no model org/nosuch on 127.0.0.1"), "\(nowhere)")
    #expect(
      fault("org/gpt2", ["HF_HUB_OFFLINE": "1"]).contains(
        "has only a part of this model; HF_HUB_OFFLINE is set"))
  }

  @Test func aModelIsPushedAndComesBack() throws {
    let base = world.path("base")
    try Data("a: 1\n".utf8).write(to: world.folder.appending(path: "base/recipe.yaml"))
    let token = environment("cache", ["HF_TOKEN": HubServer.token])
    let run = potstill(["push", base, "me/tiny", "--private", "--json"], environment: token)
    #expect(run.code == 0, "\(run.messages)")
    let result = try JSONValue(parsing: run.output)
    #expect(result["commit_url"]?.stringValue?.hasPrefix("\(hub.endpoint)/me/tiny/commit/") == true)
    let stored = try #require(hub.files(of: "me/tiny"))
    #expect(stored["recipe.yaml"] == nil && stored["model.safetensors"] == files["model.safetensors"])
    #expect(
      result["files"]?.arrayValue?.compactMap(\.stringValue)
        == stored.keys.filter { $0 != ".gitattributes" }.sorted())
    let folder = try ModelLocation("me/tiny", environment: token).folder
    #expect(
      try Data(contentsOf: folder.appending(path: "model.safetensors"))
        == Data(files["model.safetensors"] ?? []))
    let again = potstill(["push", base, "me/tiny"], environment: token)
    #expect(again.code == 0 && again.output.contains("holds these files already"), "\(again.messages)")
    let more = potstill(
      ["push", base, "me/tiny", "--include", "re?ipe.*", "--create-pr"], environment: token)
    #expect(more.code == 0 && more.output == "\(hub.endpoint)/me/tiny/discussions/1\n", "\(more.messages)")
    #expect(hub.files(of: "me/tiny", branch: "refs/pr/1")?["recipe.yaml"] == Array("a: 1\n".utf8))
  }

  @Test func whatIsPushedIsAModel() throws {
    let token = environment("cache", ["HF_TOKEN": HubServer.token])
    func fault(_ arguments: String..., environment: [String: String]) -> String {
      let run = potstill(["push"] + arguments, environment: environment)
      #expect(run.code != 0 && run.output.isEmpty)
      return run.messages
    }
    let base = world.path("base")
    #expect(
      fault(base, "me/tiny", environment: environment()).contains("an upload needs a token that may write"))
    #expect(fault(world.path("nosuch"), "me/tiny", environment: token).contains("there is no such folder"))
    #expect(fault(world.path("data"), "me/tiny", environment: token).contains("found no model in the folder"))
    #expect(fault(base, "tiny", environment: token).contains("expected owner/name"))
    #expect(fault(base, "me/tiny", "--revision", "a b", environment: token).contains("--revision is \"a b\""))
    #expect(
      fault(base, "me/tiny", "--include", "*.gguf", environment: token).contains("no file is called *.gguf"))
    let offline = token.merging(["HF_HUB_OFFLINE": "1"]) { $1 }
    #expect(fault(base, "me/tiny", environment: offline).contains("HF_HUB_OFFLINE is set"))
    #expect(hub.log.isEmpty)
    try FileManager.default.removeItem(atPath: base + "/model.safetensors")
    #expect(fault(base, "me/tiny", environment: token).contains("expected config.json and whole weights"))
  }
}
