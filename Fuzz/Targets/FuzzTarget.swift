import Foundation

/// Format of foreign bytes, with the readers that are given them.
///
/// `make fuzz` gives each millions of mutated files, and `make test` those of its folder in `Fuzz/Corpora`. A new format is
/// a case here, a folder there and rows in the catalogue of broken inputs.
package enum FuzzTarget: String, CaseIterable, Sendable {
  // Models.
  case safetensors, pytorch
  case shardIndex = "shard-index"
  case config
  // Tokenizers.
  case tokenizer
  case tokenizerConfig = "tokenizer-config"
  case vocabulary
  case bytePairFiles = "byte-pair-files"
  case sentencePiece = "sentencepiece"
  // Rows.
  case tsv, csv, jsonl, json, conll, squad, text
  // Settings.
  case recipe, task
  // What runs leave behind.
  case teacherCache = "teacher-cache"
  case tokenizedCorpus = "tokenized-corpus"
  case trainerState = "trainer-state"
  case checkpointManifest = "checkpoint-manifest"
  case optimizer
  // Predictions and gold values.
  case score

  /// Reads bytes as the program would read a file of them, and uses what comes out.
  ///
  /// - Parameter folder: A folder for the file and for those that stand beside it.
  /// - Throws: The error that a user would see.
  package func read(_ bytes: [UInt8], in folder: FuzzFolder) throws {
    switch self {
    case .safetensors: try ModelTargets.weights(bytes, "model.safetensors", folder)
    case .pytorch: try ModelTargets.weights(bytes, "pytorch_model.bin", folder)
    case .shardIndex: try ModelTargets.shards(bytes, folder)
    case .config: try ModelTargets.config(bytes, folder)
    case .tokenizer: try TokenizerTargets.file(bytes, "tokenizer.json", folder)
    case .tokenizerConfig: try TokenizerTargets.configuration(bytes, folder)
    case .vocabulary: try TokenizerTargets.file(bytes, "vocab.txt", folder)
    case .bytePairFiles: try TokenizerTargets.bytePairs(bytes, folder)
    case .sentencePiece: try TokenizerTargets.file(bytes, "tokenizer.model", folder)
    case .tsv, .csv, .jsonl, .json, .conll, .squad, .text: try RowTargets.rows(bytes, self, folder)
    case .recipe: try SettingTargets.recipe(bytes, folder)
    case .task: try SettingTargets.task(bytes, folder)
    case .teacherCache: try RunTargets.teacherCache(bytes, folder)
    case .tokenizedCorpus: try RunTargets.corpus(bytes, folder)
    case .trainerState: try RunTargets.trainerState(bytes, folder)
    case .checkpointManifest: try RunTargets.manifest(bytes, folder)
    case .optimizer: try RunTargets.optimizer(bytes, folder)
    case .score: try RunTargets.score(bytes, folder)
    }
  }
}

/// Folder that a target reads from, with the files that stand beside the one that is broken.
package final class FuzzFolder {
  /// The folder.
  package let url: URL
  private var fixed: Set<String> = []

  /// A new folder for temporary files.
  package init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "potstill-fuzz-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Writes a file of this name and returns its place.
  package func write(_ bytes: some Sequence<UInt8>, _ name: String) throws -> URL {
    let file = url.appending(path: name)
    try Data(bytes).write(to: file)
    return file
  }

  /// Writes a file that never changes once, by `make`, and returns its place.
  package func fix(_ name: String, _ make: (URL) throws -> Void) rethrows -> URL {
    let file = url.appending(path: name)
    if fixed.insert(name).inserted { try make(file) }
    return file
  }
}

/// Reader of one target, input after input, with what must hold of every answer.
package final class FuzzSession {
  /// The target.
  package let target: FuzzTarget
  private let folder: FuzzFolder

  /// A session of a target.
  package init(_ target: FuzzTarget) throws {
    self.target = target
    folder = try FuzzFolder()
  }

  /// The longest message about an input; what is wrong is said, not repeated.
  package static let messageLimit = 20_000

  /// Reads an input; nil where it is accepted, else the message that a user would see.
  package func fault(of bytes: [UInt8]) -> String? {
    do {
      try target.read(bytes, in: folder)
      return nil
    } catch {
      let message = "\(error)"
      precondition(!message.isEmpty, "A refusal says why.")
      precondition(
        message.utf8.count <= Self.messageLimit, "A message of \(message.utf8.count) bytes helps nobody.")
      return message
    }
  }
}
