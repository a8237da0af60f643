import Datasets
import Distillation
import Encoders
import Foundation
import Tensors
import TestSupport
import Tokenization
import Training

/// A teacher, data and a folder for caches, gone when this is.
final class CacheWorld {
  let folder: URL
  let teacher: TaskModel
  let examples: [EncodedExample]

  /// - Parameter head: `nil` for sequences; `token` or `answer` for the models of Tests/Fixtures/heads.
  init(head: String? = nil, count: Int = 30, teacherSeed: UInt64 = 1) throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "cache-\(UUID().uuidString)")
    teacher =
      try head.map { try TaskModel(directory: Fixtures.url("heads/bert/" + $0)) }
      ?? tinyModel(layers: 3, hidden: 12, heads: 3, seed: teacherSeed)
    examples = Self.examples(count)
  }

  deinit { try? FileManager.default.removeItem(at: folder) }

  var file: URL { folder.appending(path: "teacher.cache") }
  var partial: URL { folder.appending(path: "teacher.cache.partial") }

  static func examples(_ count: Int, seed: UInt64 = 9) -> [EncodedExample] {
    let random = RandomSource(seed: seed)
    return (0..<count).map { index in
      let length = 1 + index * 7 % 5
      let ids = (0..<length).map { Int32(5 + random.bits(at: UInt64(index * 8 + $0)) % 30) }
      return EncodedExample(ids: [2] + ids + [3], segments: [Int32](repeating: 0, count: length + 2))
    }
  }

  /// A student for the teacher.
  func student(_ head: String? = nil, seed: UInt64 = 2) throws -> TaskModel {
    try head.map { try TaskModel(directory: Fixtures.url("heads/electra/" + $0)) } ?? tinyModel(seed: seed)
  }

  func description(_ parts: [CachedPart], name: String = "teacher") -> TeacherCacheDescription {
    TeacherCacheDescription(teacher: teacher, name: name, examples: examples, parts: parts)
  }

  /// A cache of logits and some layers.
  @discardableResult
  func build(hidden: [Int] = [], tokensPerBatch: Int = 40) throws -> TeacherCacheFile {
    let parts = CachedPart.logits(of: teacher.config) + hidden.map { .hidden($0, of: teacher.config) }
    return try TeacherCacheFile.build(
      file, description: description(parts), examples: examples, teacher: teacher,
      budget: CacheBudget(bytes: 1 << 30), tokensPerBatch: tokensPerBatch)
  }

  /// Settings of a short run.
  static func training(epochs: Double = 2, seed: UInt64 = 42) -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 5e-3
    config.perDeviceTrainBatchSize = 8
    config.numTrainEpochs = epochs
    config.seed = seed
    config.saveStrategy = .never
    return config
  }
}
