import Encoders
import Foundation
import ModelFormats
public import TaskData
import Tensors
import Tokenization

/// Teacher whose answers to the training examples are in a file; the model need not be there.
public final class StoredTeacher: Teacher {
  /// File of its answers.
  public let file: TeacherCacheFile
  /// Model whose answers they are, where it is there.
  public let model: TaskModel?
  /// Sizes, head and labels of the model that has answered.
  public let description: ModelDescription
  /// Configuration of that model.
  let config: EncoderConfig

  /// A teacher that has answered before.
  ///
  /// - Parameters:
  ///   - file: Its answers; `prepare` checks that they are to the training examples.
  ///   - model: The model, if it is there: the answers must be its own.
  ///   - description: The name that messages use and the like; by default what the file says.
  /// - Throws: `DistillationError.cache` when the file does not say whose answers it holds, or they are another model's.
  public convenience init(
    _ file: TeacherCacheFile, of model: TaskModel? = nil, description: ModelDescription? = nil
  ) throws(DistillationError) {
    try self.init(file, answersOf: model.map { LiveTeacher($0) }, description: description)
  }

  /// A teacher that has answered before.
  ///
  /// - Parameter live: The teacher itself, if it is there: the answers must be its own.
  package init(
    _ file: TeacherCacheFile, answersOf live: LiveTeacher?, description: ModelDescription? = nil
  ) throws(DistillationError) {
    try file.check(teacher: live?.fingerprint)
    let stored = file.description
    do { config = try stored.config() } catch {
      throw .cache(file: file.url.path, message: "\(error)")
    }
    (self.file, model) = (file, live?.model)
    self.description =
      description ?? live?.description
      ?? ModelDescription(config, name: stored.teacherName, parameterCount: stored.parameterCount)
  }

  /// Its answers are in a file.
  public var keepsAnswers: Bool { true }

  /// The answers to a batch, read from the file.
  public func answers(to batch: LabeledBatch, wanting request: AnswerRequest) throws -> Answers {
    let starts = batch.tokens.starts
    let scored = (0..<config.layerCount).compactMap { layer in
      description.attention(inLayer: layer).flatMap { request.taps.contains($0.scores) ? $0 : nil }
    }
    let names = request.taps.union(scored.flatMap { [$0.queries, $0.keys] })
    var answers = try file.answers(to: batch.indices, starts: starts) { part in
      part.kind == .logits ? request.logits : part.tap(in: config).map(names.contains) ?? false
    }
    for layer in scored {
      guard let queries = answers.values[layer.queries], let keys = answers.values[layer.keys] else {
        continue
      }
      answers.maps[layer.scores] =
        Tensor.attention(
          query: queries, key: keys, value: keys, heads: config.attentionHeads, starts: starts,
          capturingScores: true, in: .inference
        ).scores
    }
    return answers
  }

  /// Checks that the answers are to these examples.
  public func prepare(
    for examples: [EncodedExample], config: DistillationConfig, batches: @escaping () -> [[Int]]
  ) throws(DistillationError) {
    guard config.usesTeacherLogits || !config.matches.isEmpty else { return }
    try file.check(data: CacheKey.fingerprint(of: examples))
  }
}
