import Encoders
import Foundation
import Hub
import ModelFormats

/// Model on the Hugging Face hub: its files that are read here, in the cache or downloaded into it.
struct HubModel {
  private let name: HubName
  private let environment: [String: String]

  /// A model of the hub.
  init(_ name: HubName, environment: [String: String]) {
    (self.name, self.environment) = (name, environment)
  }

  /// The folder in the cache with a part of its files, which are downloaded where they are not there.
  ///
  /// - Throws: `TaskError` when they cannot be had.
  func folder(with part: FolderPart, listener: any WorkListener) throws -> URL {
    let cache = HubSettings.cache(environment)
    let present = HubCache(cache).snapshot(of: name)
    if let present, ModelFiles(in: present).isWhole(part) { return present }
    do {
      return try download(part, listener)
    } catch let error as HubError {
      // A model whose tokenizer nobody has asked for yet may still be of use.
      if let present, part == .whole, ModelFiles(in: present).hasWeights { return present }
      let state = present == nil ? "no such model" : "only a part of this model"
      throw TaskError(
        "\(name): there is no such folder, and the Hugging Face cache (\(cache.path)) has \(state); \(error)")
    }
  }

  private func download(_ part: FolderPart, _ listener: any WorkListener) throws -> URL {
    let settings = try HubSettings(environment: environment)
    let repository = try HubRepository(name, settings: settings)
    let listing = try repository.listing()
    if let fault = FolderKind(names: listing.files).fault {
      throw TaskError("\(name), on \(settings.endpoint): \(fault)")
    }
    let files = ModelFiles(names: listing.files)
    listener.note("downloading \(name) from \(settings.endpoint) into \(settings.cache.path)")
    defer { listener.progressEnded() }
    func fetch(_ names: [String]) throws -> URL {
      try repository.download(
        names, of: listing,
        progress: { done, total in
          // Small files come in no time.
          if total > 1 << 20 {
            listener.progress("Downloading \(name) (kB)", done: done >> 10, total: max(1, total >> 10))
          }
        },
        waiting: { listener.note("another program is downloading \($0) of \(name); waiting for it") })
    }
    let folder = try fetch(files.texts(part))
    if part == .tokenizer { return folder }
    // What cannot be read is said before its weights have come.
    _ = try EncoderConfig(directory: folder)
    guard let weights = files.weights else {
      throw TaskError(
        "\(name), on \(settings.endpoint): found no weights that are read here "
          + "(\(listing.files.prefix(12).joined(separator: ", "))); expected \(ModelFiles.weightNames.joined(separator: ", "))"
      )
    }
    _ = try fetch([weights])
    return weights.hasSuffix(ModelFiles.indexEnding)
      ? try fetch(ModelFiles.shards(of: folder.appending(path: weights))) : folder
  }
}

/// Names of the files of a model that are read here.
struct ModelFiles {
  private let names: Set<String>
  private let folder: URL?

  /// Files of weights, the first that is there counts.
  static let weightNames = ["model.safetensors", "pytorch_model.bin"].flatMap { [$0, $0 + indexEnding] }
  /// Ending of the file that says which tensor is in which shard.
  static let indexEnding = ".index.json"
  private static let texts = [
    "config.json", "tokenizer_config.json", "tokenizer.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt",
  ]
  /// Tokenizers of SentencePiece, which are read where there is no other file of one.
  private static let pieces = ["sentencepiece.bpe.model", "spiece.model", "spm.model", "tokenizer.model"]

  /// Files of some names, such as those of a repository.
  init(names: [String]) { (self.names, folder) = (Set(names), nil) }

  /// The files of a folder; a link that leads nowhere is none.
  init(in folder: URL) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    self.names = Set(
      names.filter { FileManager.default.fileExists(atPath: folder.appending(path: $0).path) })
    self.folder = folder
  }

  /// The small files of a part.
  func texts(_ part: FolderPart) -> [String] {
    var texts = Self.texts.filter(names.contains)
    if !hasOtherTokenizer { texts += Self.pieces.filter(names.contains) }
    // As Google and older models name it, which is told on reading.
    if !names.contains("config.json"), names.contains("bert_config.json") { texts.append("bert_config.json") }
    // The card says whose licence it is.
    if part == .whole, names.contains("README.md") { texts.append("README.md") }
    return texts
  }

  /// The file of the weights, or of the index of their shards; nil where there is none that is read here.
  var weights: String? { Self.weightNames.first(where: names.contains) }

  /// Whether configuration and weights are there, all shards included.
  var hasWeights: Bool {
    guard let folder, let weights, names.contains("config.json") else { return false }
    guard weights.hasSuffix(Self.indexEnding) else { return true }
    return (try? Self.shards(of: folder.appending(path: weights)))?.allSatisfy(names.contains) ?? false
  }

  private var hasOtherTokenizer: Bool {
    names.contains("tokenizer.json") || names.contains("vocab.txt")
      || names.isSuperset(of: ["vocab.json", "merges.txt"])
  }

  /// Whether a part is there.
  func isWhole(_ part: FolderPart) -> Bool {
    let hasTokens = hasOtherTokenizer || !names.isDisjoint(with: Self.pieces)
    return switch part {
    case .whole: hasWeights && hasTokens
    case .tokenizer: names.contains("config.json") && hasTokens
    }
  }

  /// The shards that an index names, in order.
  static func shards(of index: URL) throws -> [String] {
    guard let map = try JSONValue(contentsOf: index)["weight_map"]?.objectValue else {
      throw TaskError("\(index.path): found no weight_map, expected the index of a model in shards")
    }
    return Set(map.values.compactMap(\.stringValue)).sorted()
  }
}
