import Foundation
import Tasks
import TestSupport
import Testing

/// Names of models: folders, the local Hugging Face cache, and what a folder holds that is no model.
@Suite struct ModelLocationTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  private func write(_ path: String, _ text: String = "{}") throws {
    let url = folder.url.appending(path: path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  /// A model in a cache at a path, as huggingface_hub lays it out.
  private func cached(_ cache: String, _ name: String, commit: String, reference: String? = "main") throws {
    let model = "\(cache)/models--\(name.replacing("/", with: "--"))"
    try write("\(model)/snapshots/\(commit)/config.json")
    try write("\(model)/snapshots/\(commit)/model.safetensors")
    try write("\(model)/snapshots/\(commit)/vocab.txt", "[PAD]\n")
    if let reference { try write("\(model)/refs/\(reference)", commit) }
  }

  private func find(_ name: String, _ environment: [String: String]) throws -> String {
    let found = try ModelLocation(name, environment: environment).folder.standardizedFileURL.path
    return String(found.dropFirst(folder.url.standardizedFileURL.path.count + 1))
  }

  /// The fault of a name where nothing can be downloaded.
  private func fault(_ name: String, _ environment: [String: String] = ["HOME": "/nowhere"]) -> String {
    let environment = environment.merging(["HF_HUB_OFFLINE": "1"]) { $1 }
    do {
      return "found \(try ModelLocation(name, environment: environment).folder)"
    } catch { return "\(error)" }
  }

  @Test func eachVariableSaysWhereTheCacheIs() throws {
    let root = folder.url.path
    for (place, environment) in [
      ("a", ["HF_HUB_CACHE": "\(root)/a", "HF_HOME": "\(root)/none"]),
      ("b", ["HUGGINGFACE_HUB_CACHE": "\(root)/b", "HF_HOME": "\(root)/none"]),
      ("c/hub", ["HF_HOME": "\(root)/c", "XDG_CACHE_HOME": "\(root)/none"]),
      ("d/huggingface/hub", ["XDG_CACHE_HOME": "\(root)/d", "HOME": "\(root)/none"]),
      ("e/.cache/huggingface/hub", ["HOME": "\(root)/e", "HF_HOME": ""]),
    ] {
      try cached(place, "org/name", commit: "0123")
      #expect(try find("org/name", environment) == "\(place)/models--org--name/snapshots/0123", "\(place)")
    }
  }

  @Test func revisionsAndPlainNamesAreFound() throws {
    let environment = ["HF_HUB_CACHE": folder.url.appending(path: "hub").path]
    try cached("hub", "org/name", commit: "aaaa")
    try cached("hub", "org/name", commit: "bbbb", reference: "v1.0")
    try cached("hub", "google-bert/bert-base-uncased", commit: "cccc")
    #expect(try find("org/name", environment).hasSuffix("snapshots/aaaa"))
    #expect(try find("org/name@v1.0", environment).hasSuffix("snapshots/bbbb"))
    #expect(try find("org/name@bbbb", environment).hasSuffix("snapshots/bbbb"))
    // The hub's first models have an organisation by now.
    #expect(
      try find("bert-base-uncased", environment).hasSuffix(
        "models--google-bert--bert-base-uncased/snapshots/cccc"))
    try cached("hub", "bert-base-uncased", commit: "dddd")
    #expect(try find("bert-base-uncased", environment).hasSuffix("models--bert-base-uncased/snapshots/dddd"))
    #expect(fault("org/name@v2", environment).contains("no such model; HF_HUB_OFFLINE is set"))
    #expect(fault("org/name@../../aaaa", environment).contains("expected the folder of a model"))
    #expect(
      fault("org/other", environment).contains(
        "(\(folder.url.appending(path: "hub").path)) has no such model"))
    #expect(fault("./nosuch/").contains("there is no such folder; expected the folder of a model"))
  }

  @Test func whatIsNoModelIsNamed() throws {
    let root = folder.url.path
    try write("lora/adapter_config.json")
    try write("lora/adapter_model.safetensors")
    #expect(
      fault("\(root)/lora").contains("found a LoRA adapter (adapter_config.json) without its base model"))
    try write("gguf/model-q4.gguf")
    #expect(fault("\(root)/gguf").contains("found model-q4.gguf, a model of llama.cpp"))
    try write("onnx/config.json")
    try write("onnx/model.onnx")
    #expect(fault("\(root)/onnx").contains("found model.onnx, a model of ONNX Runtime"))
    try write("flax/config.json")
    try write("flax/flax_model.msgpack")
    #expect(fault("\(root)/flax").contains("a model of Flax"))
    try write("run/metrics.jsonl")
    try write("run/checkpoint-20/model.safetensors")
    try write("run/checkpoint-100/model.safetensors")
    #expect(
      fault("\(root)/run").contains("a run that has not ended")
        && fault("\(root)/run").contains("or give its checkpoint-100"))
    try write("other/notes.txt")
    #expect(fault("\(root)/other").contains("found no model in the folder (notes.txt)"))
    #expect(fault("\(root)/other/notes.txt").contains("is a file, expected the folder of a model"))
    try write("whole/config.json")
    try write("whole/model.safetensors")
    #expect(fault("\(root)/whole").hasPrefix("found "))
  }

  /// A family that cannot be read is said before its tokenizer, which is not there, is looked for.
  @Test func aFamilyThatIsNotSupportedIsNamedFirst() throws {
    let root = folder.url.path
    func refusal(_ type: String) throws -> String {
      try write("\(type)/config.json", "{\"model_type\": \"\(type)\"}")
      try write("\(type)/model.safetensors")
      do {
        _ = try TokenizedModel("\(root)/\(type)")
        return ""
      } catch { return "\(error)" }
    }
    let generator = try refusal("gpt2")
    #expect(generator.contains("found \"gpt2\", which generates text, expected one of bert,"), "\(generator)")
    let other = try refusal("modernbert")
    #expect(
      other.contains("found \"modernbert\", expected one of bert,") && !other.contains("tokenizer"),
      "\(other)")
  }
}
