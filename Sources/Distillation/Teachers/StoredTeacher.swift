import Cluster
public import Datasets
public import Encoders
public import Foundation
import Kernels
import ModelFormats
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

  /// True: the answers are in a file.
  public var keepsAnswers: Bool { true }

  /// The answers to a batch, read from the file.
  public func answers(to batch: Batch, wanting request: AnswerRequest) throws -> Answers {
    let scored = (0..<config.layerCount).compactMap { layer in
      description.attention(inLayer: layer).flatMap {
        request.taps.contains($0.scores) ? (heads: config.heads(inLayer: layer), names: $0) : nil
      }
    }
    let names = request.taps.union(scored.flatMap { [$0.names.queries, $0.names.keys] })
    var answers = try file.answers(to: batch.indices, starts: batch.starts) { part in
      part.kind == .logits ? request.logits : part.tap(in: config).map(names.contains) ?? false
    }
    for (heads, layer) in scored {
      guard let queries = answers.values[layer.queries], let keys = answers.values[layer.keys] else {
        continue
      }
      answers.maps[layer.scores] =
        Tensor.attention(
          query: queries, key: keys, value: keys, heads: heads, starts: batch.tokens.starts,
          capturingScores: true, in: .inference
        ).scores
    }
    return answers
  }

  /// Checks that the answers are to these examples.
  public func prepare(
    for examples: EncodedExamples, config: DistillationConfig, batches: @escaping () -> [[Int]]
  ) throws(DistillationError) {
    guard config.usesTeacherLogits || !config.matches.isEmpty else { return }
    try file.check(data: CacheKey.fingerprint(of: examples))
  }
}

extension TeacherCacheFile {
  /// Runs a teacher once over a data set and keeps its answers; goes on where an interrupted run has stopped.
  ///
  /// A file of that name is replaced when everything is written. Examples are always answered in the same batches, so a file
  /// that was written in several runs equals one that was written at once.
  ///
  /// - Parameters:
  ///   - url: The file.
  ///   - description: What to keep, and of whom.
  ///   - examples: The data set of the description.
  ///   - teacher: The teacher of the description.
  ///   - budget: How much disk it may take.
  ///   - tokensPerBatch: The tokens that the teacher reads at once.
  ///   - beforeCommit: Runs when all answers are written, before the file gets its name; what belongs beside it is written
  ///     here, so that a file that is there has it.
  ///   - progress: Told of the examples done after each batch.
  /// - Throws: `DistillationError.cache` when it would be too large, cannot be written, or another process builds it;
  ///   `.adaptor` when features do not fit half precision; what `progress` throws.
  public static func build(
    _ url: URL, description: TeacherCacheDescription, examples: some ExampleRows, teacher: TaskModel,
    budget: CacheBudget, tokensPerBatch: Int = 4096, beforeCommit: () throws -> Void = {},
    progress: (_ done: Int) throws -> Void = { _ in }
  ) throws -> TeacherCacheFile {
    try write(
      url, description: description, examples: examples, teacher: teacher, budget: budget,
      tokensPerBatch: tokensPerBatch, over: SoleRank(), beforeCommit: beforeCommit, progress: progress)
    return try TeacherCacheFile(url)
  }

  /// Asks a teacher on several ranks, of which each answers every W-th batch, and writes the answers on rank 0.
  ///
  /// The batches do not depend on the ranks, and so neither does the file. Parameters and errors are those of `build`.
  package static func write(
    _ url: URL, description: TeacherCacheDescription, examples: some ExampleRows, teacher: TaskModel,
    budget: CacheBudget, tokensPerBatch: Int = 4096, over ranks: any Communicator,
    beforeCommit: () throws -> Void = {}, progress: (_ done: Int) throws -> Void = { _ in }
  ) throws {
    let examples = examples.encodedExamples
    precondition(
      description.lengths == examples.lengths, "A cache is built over the examples it describes.")
    if let fault = budget.fault(of: description.parts, lengths: description.lengths) {
      throw DistillationError.cache(file: url.path, message: fault)
    }
    let (live, config) = (LiveTeacher(teacher), teacher.config)
    let request = AnswerRequest(taps: Set(description.parts.compactMap { $0.tap(in: config) }))
    var writer: CacheWriter?
    let flags = try ranks.exchange {
      guard ranks.isFirst else { return [] }
      let own = try CacheWriter(description, target: url)
      writer = own
      var flags = [UInt8](repeating: 0, count: examples.count)
      for example in try own.missingExamples() { flags[example] = 1 }
      return flags
    }[0]
    var done = flags.count { $0 == 0 }
    let sampler = BatchSampler(lengths: description.lengths, size: .tokens(max(1, tokensPerBatch)))
    let batches =
      done == examples.count
      ? [] : sampler.evaluationBatches().filter { places in places.contains { flags[$0] != 0 } }
    // Rank 0 writes the answers of a round while the others ask for those of the next.
    var (round, answered) = ([[Int]](), [[UInt8]]())
    func writeRound() throws {
      for (places, bytes) in zip(round, answered) {
        var start = 0
        for place in places {
          let end =
            start + TeacherCacheDescription.recordBytes(description.parts, length: description.lengths[place])
          try writer?.write(RecordBytes(Array(bytes[start..<end])), of: place)
          start = end
        }
        done += places.count { flags[$0] != 0 }
        try progress(done)
      }
    }
    for first in stride(from: 0, to: batches.count, by: ranks.size) {
      let next = Array(batches[first..<min(first + ranks.size, batches.count)])
      var own: [UInt8] = []
      _ = try ranks.exchange {
        try writeRound()
        guard ranks.rank < next.count else { return [] }
        let batch = try examples.batch(at: next[ranks.rank])
        let record = try CacheRecord(
          try live.answers(to: batch, wanting: request), of: batch, parts: description.parts, config)
        own = try batch.indices.indices.flatMap { try record.bytes(of: $0).bytes }
        return []
      }
      (round, answered) = (next, ranks.collect(own))
    }
    _ = try ranks.exchange {
      try writeRound()
      if ranks.isFirst {
        try beforeCommit()
        try writer?.commit()
      }
      return []
    }
  }
}

/// The answers to a batch on their way to a file.
private struct CacheRecord {
  private let parts: [CachedPart]
  private let tensors: [Tensor]
  private let starts: [Int32]

  /// - Throws: `DistillationError.adaptor` when the answers are not of the described form.
  init(
    _ answers: Answers, of batch: Batch, parts: [CachedPart], _ config: EncoderConfig
  ) throws(DistillationError) {
    self.parts = parts
    starts = batch.starts
    guard answers.logitRows == nil, answers.rows == nil else {
      throw .adaptor(
        side: "teacher", field: "rows", message: "a cache keeps all rows; use the standard adaptor")
    }
    var tensors: [Tensor] = []
    for part in parts {
      let tensor =
        if let tap = part.tap(in: config) { answers.values[tap] } else {
          part.index < answers.logits.count ? answers.logits[part.index] : nil
        }
      let rows = part.kind == .logits && part.hasOneRow ? batch.count : batch.tokens.tokenCount
      let shape: Shape = part.isVector ? [rows] : [rows, part.width]
      guard let tensor, tensor.shape == shape else {
        let found = tensor.map { "\($0.shape)" } ?? "nothing"
        throw .adaptor(
          side: "teacher", field: part.kind.rawValue,
          message: "\(part.name): found \(found), expected \(shape); a cache needs the standard adaptor")
      }
      tensors.append(tensor)
    }
    self.tensors = tensors
  }

  /// The bytes of the sequence at a place in the batch.
  ///
  /// - Throws: `DistillationError.adaptor` when they do not fit half precision.
  func bytes(of place: Int) throws(DistillationError) -> RecordBytes {
    let length = Int(starts[place + 1] - starts[place])
    var record = RecordBytes(byteCount: TeacherCacheDescription.recordBytes(parts, length: length))
    for (part, tensor) in zip(parts, tensors) {
      let isLogits = part.kind == .logits
      let first = (isLogits && part.hasOneRow ? place : Int(starts[place])) * part.width
      let values = first..<first + part.rows(of: length) * part.width
      let misfits = record.append(tensor.storage, values, as: part.form)
      guard misfits == 0 || values.allSatisfy({ tensor.storage[$0].isFinite }) else {
        throw .adaptor(
          side: "teacher", field: part.kind.rawValue,
          message:
            "\(part.name) are not finite for one sequence: the teacher's weights are broken, or its answers overflow. "
            + "Look at it with 'potstill evaluate', and take another teacher")
      }
      guard misfits == 0 else {
        throw .adaptor(
          side: "teacher", field: part.kind.rawValue,
          message:
            "\(part.name) have \(misfits) values in one sequence that half precision cannot hold "
            + "(65520 and more); train without a cache of it (--no-cache-teacher-logits)")
      }
    }
    return record
  }
}
