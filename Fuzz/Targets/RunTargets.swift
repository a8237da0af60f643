import Datasets
import Distillation
import Foundation
import ModelFormats
import Tasks
import Tensors
import Training

/// Targets of what runs leave behind and read again, and of predictions that are scored.
enum RunTargets {
  /// The longest example whose answers are read.
  private static let lengthLimit = 1 << 16
  /// The most values of an example that are read; where one row stands for all, they are more than the file has.
  private static let valueLimit = 1 << 22

  /// A teacher cache, whose description gets the fingerprint that it should have, so that damage behind it is seen.
  static func teacherCache(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    let cache = try TeacherCacheFile(folder.write(withFingerprint(bytes), TeacherCacheFile.fileName))
    let description = cache.description
    _ = (description.byteCount, CachedPart.names(of: description.parts))
    let width = description.parts.map(\.width).max() ?? 0
    for (index, length) in description.lengths.enumerated().prefix(4)
    where length < lengthLimit && length * width < valueLimit {
      _ = try cache.answers(to: [index], starts: [0, Int32(length)])
    }
  }

  /// A cache's bytes with the fingerprint of its description and lengths in its place.
  private static func withFingerprint(_ bytes: [UInt8]) -> [UInt8] {
    func word(_ place: Int) -> UInt64 {
      bytes[8 * place..<8 * place + 8].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    guard bytes.count >= 32, let size = Int(exactly: word(2)), size <= bytes.count - 32,
      let json = try? JSONValue(parsing: Array(bytes[32..<32 + size]), file: ""),
      let count = json["examples"]?.intValue, count >= 0, count <= bytes.count
    else { return bytes }
    let end = 32 + size + (4 * count + 7) & ~7
    guard end <= bytes.count else { return bytes }
    var fingerprint = Fingerprint()
    fingerprint.add(Array(bytes[32..<32 + size]))
    fingerprint.add(Array(bytes[32 + size..<end]))
    var result = bytes
    for place in 0..<8 {
      result[24 + place] = UInt8(truncatingIfNeeded: fingerprint.value >> UInt64(8 * place))
    }
    return result
  }

  /// A corpus as tokens, which `pretrain` keeps.
  static func corpus(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    let corpus = try TokenizedCorpus(contentsOf: folder.write(bytes, "train.tokens"), idLimit: 100)
    _ = try corpus.contentFingerprint()
    for index in 0..<min(corpus.count, 64) { _ = try corpus[index] }
  }

  /// State of a run.
  static func trainerState(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    let state = try TrainerState(
      contentsOf: folder.write(bytes, TrainerState.fileName), totalSteps: 100)
    _ = try state.json(config: TrainingConfig(), maxSteps: 100).compactText
  }

  /// The manifest of a checkpoint whose other files are good.
  static func manifest(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    _ = try folder.write(bytes, CheckpointManifest.fileName)
    for name in [TrainerState.fileName, CheckpointFolder.optimizerFile] {
      _ = try folder.fix(name) { try Data("{}".utf8).write(to: $0) }
    }
    guard let manifest = try CheckpointManifest(readFrom: folder.url) else { return }
    _ = manifest.identity.differences(from: manifest.identity)
    try manifest.verify(folder.url)
  }

  /// The optimizer's state of two parameters.
  static func optimizer(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    let parameters = [
      Parameter(name: "w", value: Tensor([1, 2, 3, 4], shape: [2, 2])),
      Parameter(name: "b", value: Tensor([0, 0])),
    ]
    let optimizer = try Optimizer(
      .adamW(), groups: [ParameterGroup(name: "all", parameters: parameters)], learningRate: 0.1)
    try optimizer.load(from: folder.write(bytes, CheckpointFolder.optimizerFile))
    optimizer.step()
    try optimizer.save(to: folder.url.appending(path: "saved.safetensors"))
  }

  /// Metrics by the first byte of an input.
  private static let metrics: [(names: [String], multiLabel: Bool, ending: String)] = [
    (["squad"], false, "json"), (["squad_v2"], false, "json"), (["cmrc2018"], false, "json"),
    (["seqeval"], false, "txt"), (["accuracy", "f1_macro"], false, "tsv"), (["accuracy"], false, "csv"),
    (["accuracy"], false, "jsonl"), (["f1_micro"], true, "jsonl"), (["f1_micro"], true, "tsv"),
    (["mse", "pearson"], false, "txt"),
  ]

  /// A metric's number as a digit, predictions, a NUL, gold values.
  static func score(_ bytes: [UInt8], _ folder: FuzzFolder) throws {
    guard let first = bytes.first else { return }
    let metric = metrics[Int(first &- UInt8(ascii: "0")) % metrics.count]
    let parts = bytes.dropFirst().split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    let predictions = try folder.write(parts[0], "predictions." + metric.ending)
    let gold = try folder.write(parts.count > 1 ? parts[1] : [], "gold." + metric.ending)
    var scoring = FileScoring(predictions.path, gold: gold.path)
    scoring.isStrict = first > UInt8(ascii: "9")
    _ = try scoring.scores(ScoreMetric(metric.names, multiLabel: metric.multiLabel))
  }
}
