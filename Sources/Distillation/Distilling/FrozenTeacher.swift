import Encoders
import TaskData
import Tensors
import Tokenization

/// A teacher as a distiller asks it: without dropout and without a tape, and not twice where its answers are kept.
final class FrozenTeacher {
  /// The teacher; nil where only its kept answers are at hand.
  let model: TaskModel?
  /// Its answers on disk, which are used instead of the teacher.
  var file: TeacherCacheFile?
  private let adaptor: Adaptor
  private let capture: Capture
  private let intermediates: [String]
  private var cache: TeacherCache?
  /// In which company examples are answered whose answers are kept in memory; nil takes the batches as they come.
  var order: AnswerOrder?
  /// What is read of the answers on disk, which may hold more.
  private let parts: [CachedPart]

  init(
    _ model: TaskModel?, adaptor: @escaping Adaptor, capture: Capture, intermediates: [String] = [],
    cache: TeacherCache?, parts: [CachedPart] = []
  ) {
    self.model = model
    self.adaptor = adaptor
    self.capture = capture
    self.intermediates = intermediates
    self.cache = cache
    self.parts = parts
  }

  /// Keeps logits in memory from now on, where nothing keeps them yet.
  func keepAnswers() {
    if file == nil, cache == nil { cache = TeacherCache() }
  }

  /// What the adaptor makes of the teacher's output for a batch.
  ///
  /// - Parameters:
  ///   - batch: The batch.
  ///   - rows: The tokens that a head that reads tokens answers; nil: all.
  func result(of batch: LabeledBatch, rows: [Int32]?) throws -> AdaptorResult {
    if let file {
      var answers = try file.answers(to: batch.indices, starts: batch.tokens.starts, parts: parts)
      if capture.isSuperset(of: .attentionScores) {
        answers.attention = file.attentionScores(of: answers.selfAttention, starts: batch.tokens.starts)
      }
      return answers
    }
    if let cache, let order {
      for index in batch.indices where !cache.holds(index) {
        guard let company = order.company(of: index) else { continue }
        try cache.store(try ask(company, rows: nil), of: company.indices, starts: company.tokens.starts)
      }
    }
    if let logits = cache?.logits(of: batch.indices) { return AdaptorResult(logits: logits) }
    let result = try ask(batch, rows: rows)
    try cache?.store(result, of: batch.indices, starts: batch.tokens.starts)
    return result
  }

  private func ask(_ batch: LabeledBatch, rows: [Int32]?) throws -> AdaptorResult {
    guard let model else { preconditionFailure("A teacher is a model, or answers in a file.") }
    let context = Context.inference
    let output = model(
      batch.tokens, rows: model.head.readsTokens ? rows : nil, capture: capture, intermediates: intermediates,
      in: context)
    var result = try adaptor(batch, output, context)
    result.intermediates.merge(output.intermediates) { given, _ in given }
    return result
  }
}
