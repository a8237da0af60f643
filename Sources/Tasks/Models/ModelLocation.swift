import Encoders
public import Foundation
import Hub
import ModelFormats

/// Part of a model's files that is needed.
public enum FolderPart: Sendable {
  /// Configuration, weights and tokenizer.
  case whole
  /// Configuration and tokenizer.
  case tokenizer
}

/// Location of a model: a folder, or the name of one on the Hugging Face hub, which is looked up in the local cache and
/// downloaded into it where it is not there.
///
/// A model in the cache is taken as it is, and the hub is not asked whether there is a newer one. Cache, address, token and
/// offline switches are those of `huggingface_hub`, as `HubSettings` reads them.
public struct ModelLocation: Sendable {
  /// The folder with the model's files.
  public let folder: URL
  /// The id on the hub, such as `org/name`; nil of a folder outside the cache.
  public let repository: String?

  /// Finds the model of a name, and downloads it if need be.
  ///
  /// - Parameters:
  ///   - name: A folder, or `org/name`, `name` or `org/name@revision` of the hub; a folder goes first.
  ///   - part: The part of its files that is needed.
  ///   - environment: The variables that `HubSettings` reads.
  ///   - listener: Hears how far a download has come.
  /// - Throws: `TaskError` when there is no such folder and no such model on the hub, or it cannot be downloaded, or the folder
  ///   holds something else than a model that can be read, which it then names.
  public init(
    _ name: String, part: FolderPart = .whole,
    environment: [String: String] = ProcessInfo.processInfo.environment,
    listener: any WorkListener = SilentListener()
  ) throws {
    let url = URL(filePath: name, directoryHint: .isDirectory)
    if let kind = FolderKind(of: url) {
      (folder, repository) = (url, HubCache.repository(ofSnapshot: url))
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
    repository = hub.repository
    folder = try HubModel(hub, environment: environment).folder(with: part, listener: listener)
    if let fault = FolderKind(of: folder)?.fault {
      throw TaskError("\(name), in the Hugging Face cache: \(fault)")
    }
  }

  private init(folder: URL, repository: String?) { (self.folder, self.repository) = (folder, repository) }

  /// The location of a model that is there; nil where it is not, and nothing is downloaded.
  package static func present(_ name: String, environment: [String: String]) -> ModelLocation? {
    let url = URL(filePath: name, directoryHint: .isDirectory)
    if let kind = FolderKind(of: url) {
      return kind.fault == nil
        ? ModelLocation(folder: url, repository: HubCache.repository(ofSnapshot: url)) : nil
    }
    guard let hub = HubName(name),
      let folder = HubCache(HubSettings.cache(environment)).snapshot(of: hub),
      FolderKind(of: folder)?.fault == nil
    else { return nil }
    return ModelLocation(folder: folder, repository: hub.repository)
  }

  /// Downloads the model of a name of the hub unless it is there; leaves folders and other names alone.
  ///
  /// - Throws: As the initializer.
  package static func fetch(
    _ name: String, part: FolderPart = .whole, listener: any WorkListener
  ) throws {
    if isNameOnHub(name) { _ = try ModelLocation(name, part: part, listener: listener) }
  }

  /// Whether a text can be the name of a model on the hub and is no path that leads somewhere.
  package static func isNameOnHub(_ text: String) -> Bool {
    HubName(text) != nil && !FileManager.default.fileExists(atPath: text)
  }
}

/// Kind of what a folder holds, told by its files before any of them is read.
enum FolderKind {
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
    self.init(names: names)
  }

  /// The kind of a folder with files of some names.
  init(names: [String]) {
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
