import Encoders
public import Foundation
import ModelFormats

/// Location of a model: a folder, or the name of one on the Hugging Face hub that is in the local cache already.
///
/// Nothing is downloaded. The cache is where `huggingface_hub` has it: `HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE`, else
/// `HF_HOME/hub`, else `XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`.
public struct ModelLocation: Sendable {
  /// The folder with the model's files.
  public let folder: URL
  /// The id on the hub, such as `org/name`; nil of a folder outside the cache.
  public let repository: String?

  /// Finds the model of a name.
  ///
  /// - Parameters:
  ///   - name: A folder, or `org/name`, `name` or `org/name@revision` of the hub; a folder goes first.
  ///   - environment: The variables that say where the cache is.
  /// - Throws: `TaskError` when there is no such folder and nothing in the cache, or the folder holds something else than a
  ///   model that can be read, which it then names.
  public init(
    _ name: String, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws {
    let url = URL(filePath: name, directoryHint: .isDirectory)
    if let kind = FolderKind(of: url) {
      (folder, repository) = (url, Self.repository(ofSnapshot: url))
      if let fault = kind.fault { throw TaskError("\(name): \(fault)") }
      return
    }
    if FileManager.default.fileExists(atPath: url.path) {
      throw TaskError("\(name) is a file, expected the folder of a model")
    }
    guard let hub = HubName(name) else {
      throw TaskError(
        "\(name): there is no such folder; expected the folder of a model, with config.json and its tokenizer"
      )
    }
    let cache = Self.cache(environment)
    guard let snapshot = hub.snapshot(in: cache) else {
      throw TaskError(
        "\(name): there is no such folder, and the Hugging Face cache (\(cache.path)) has no such model; nothing is downloaded "
          + "here. Fetch it with 'hf download \(hub.command)', after which this name works, or give a folder")
    }
    (folder, repository) = (snapshot, hub.repository)
    if let fault = FolderKind(of: snapshot)?.fault {
      throw TaskError(
        "\(name), in the Hugging Face cache: \(fault). If its download was broken off: 'hf download \(hub.command)'"
      )
    }
  }

  /// The id of the model whose snapshot in the cache a folder is; nil of any other folder.
  private static func repository(ofSnapshot url: URL) -> String? {
    let parts = url.absoluteURL.standardizedFileURL.pathComponents.suffix(3)
    guard parts.count == 3, let name = parts.first, name.hasPrefix("models--"),
      parts.dropFirst().first == "snapshots"
    else { return nil }
    return String(name.dropFirst("models--".count)).replacing("--", with: "/")
  }

  /// The cache of `huggingface_hub`.
  static func cache(_ environment: [String: String]) -> URL {
    func folder(_ variable: String) -> URL? {
      guard let path = environment[variable], !path.isEmpty else { return nil }
      return URL(filePath: (path as NSString).expandingTildeInPath, directoryHint: .isDirectory)
    }
    if let given = folder("HF_HUB_CACHE") ?? folder("HUGGINGFACE_HUB_CACHE") { return given }
    if let home = folder("HF_HOME") { return home.appending(path: "hub") }
    let root =
      folder("XDG_CACHE_HOME")
      ?? folder("HOME").map { $0.appending(path: ".cache") } ?? URL.homeDirectory.appending(path: ".cache")
    return root.appending(path: "huggingface/hub")
  }
}

/// Name of a model on the hub: `org/name`, or `name` of the first models, with a revision behind `@`.
private struct HubName {
  let repository: String
  let revision: String

  /// The parts of a name; nil of one that can be a path only.
  init?(_ name: String) {
    guard let match = name.wholeMatch(of: /([A-Za-z0-9][\w.\-]*(?:\/[A-Za-z0-9][\w.\-]*)?)(?:@([\w.\/\-]+))?/)
    else {
      return nil
    }
    repository = String(match.1)
    revision = match.2.map(String.init) ?? "main"
  }

  /// The arguments of `hf download`.
  var command: String { repository + (revision == "main" ? "" : " --revision \(revision)") }

  /// The folder of the revision in a cache; nil where it has none.
  func snapshot(in cache: URL) -> URL? {
    let manager = FileManager.default
    var folders = ["models--" + repository.replacing("/", with: "--")]
    if !repository.contains("/") {
      // The first models have moved to organisations since, such as google-bert.
      let moved = (try? manager.contentsOfDirectory(atPath: cache.path))?.filter {
        $0.hasPrefix("models--") && $0.hasSuffix("--" + repository)
      }
      if let moved, moved.count == 1 { folders += moved }
    }
    for name in folders {
      let model = cache.appending(path: name)
      let reference = model.appending(path: "refs/\(revision)")
      let commit = (try? String(contentsOf: reference, encoding: .utf8))?.trimmingCharacters(
        in: .whitespacesAndNewlines)
      let snapshot = model.appending(path: "snapshots/\(commit ?? revision)", directoryHint: .isDirectory)
      if manager.fileExists(atPath: snapshot.path) { return snapshot }
    }
    return nil
  }
}

/// Kind of what a folder holds, told by its files before any of them is read.
private enum FolderKind {
  /// A model, or something whose files say themselves what is wrong with them.
  case model
  /// A low-rank adapter of PEFT without its base model.
  case adapter
  /// A model of another program, by the name of its file.
  case foreign(file: String, program: String, remedy: String)
  /// A run that has not ended, with the checkpoints that it left.
  case unfinishedRun(checkpoints: [String])
  /// Nothing of a model.
  case empty([String])

  /// The kind of a folder; nil where there is none.
  init?(of url: URL) {
    guard let names = try? FileManager.default.contentsOfDirectory(atPath: url.path) else { return nil }
    let files = Set(names)
    func first(_ ending: String) -> String? { names.sorted().first { $0.hasSuffix(ending) } }
    if files.contains("adapter_config.json"), !files.contains("config.json") {
      self = .adapter
    } else if files.contains("config.json") {
      let weights = names.contains {
        $0.hasSuffix(".safetensors") || $0.hasSuffix(".bin") || $0.hasSuffix(".index.json")
      }
      if !weights, let file = first(".onnx") {
        self = .foreign(
          file: file, program: "ONNX Runtime", remedy: "take the PyTorch model that it was made of")
      } else if !weights, let file = first(".msgpack") {
        self = .foreign(
          file: file, program: "Flax",
          remedy: "load it in Python with from_flax=True (transformers 4) and save it with save_pretrained")
      } else {
        self = .model
      }
    } else if let file = first(".gguf") {
      self = .foreign(
        file: file, program: "llama.cpp", remedy: "take the checkpoint that it was converted from")
    } else if let file = first(".onnx") {
      self = .foreign(
        file: file, program: "ONNX Runtime", remedy: "take the PyTorch model that it was made of")
    } else if files.contains("metrics.jsonl") || names.contains(where: { $0.hasPrefix("checkpoint-") }) {
      let checkpoints = names.filter { $0.wholeMatch(of: /checkpoint-\d+/) != nil }
      self = .unfinishedRun(checkpoints: checkpoints.sorted { ($0.count, $0) < ($1.count, $1) })
    } else if names.contains(where: {
      $0.hasSuffix(".safetensors") || $0.hasSuffix(".bin") || $0.hasSuffix(".h5")
    })
      || !files.isDisjoint(with: ["tokenizer.json", "vocab.txt", "vocab.json", "tokenizer_config.json"])
    {
      self = .model
    } else {
      self = .empty(names.sorted())
    }
  }

  /// Fault of the folder with its remedy; nil of a model.
  var fault: String? {
    switch self {
    case .model: nil
    case .adapter:
      "found a LoRA adapter (adapter_config.json) without its base model; merge it in Python: "
        + "PeftModel.from_pretrained(base, adapter).merge_and_unload().save_pretrained(folder), and give that folder"
    case .foreign(let file, let program, let remedy):
      "found \(file), a model of \(program), which is not read here; \(remedy)"
    case .unfinishedRun(let checkpoints):
      "found a run that has not ended, which has no model yet; go on with it by --resume-from-checkpoint"
        + (checkpoints.last.map { ", or give its \($0)" } ?? ", or run it again")
    case .empty(let names):
      "found no model in the folder (\(names.isEmpty ? "it is empty" : names.prefix(8).joined(separator: ", "))); "
        + "expected config.json, weights and a tokenizer"
    }
  }
}
