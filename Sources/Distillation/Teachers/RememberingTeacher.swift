import Cluster
public import Datasets
import Tensors
import Tokenization

/// Teacher whose logits are kept in memory, so that it is asked once about each example and not once an epoch.
///
/// Inner values are not kept: each request for them runs the teacher.
public final class RememberingTeacher: TeacherWrapper {
  let wrapped: any Teacher
  /// Logits seen so far.
  public let cache = TeacherCache()
  /// Batches in which examples are answered; nil takes the batches as they come.
  private var order: AnswerOrder?

  /// A teacher with an empty memory.
  public init(_ teacher: any Teacher) { wrapped = teacher }

  /// True: the logits are kept.
  public var keepsAnswers: Bool { true }

  /// The other teacher itself, without the memory, which is of the wrapped one's logits.
  func around(_ other: any Teacher) -> any Teacher { other }

  /// Notes the batches of the first epoch, in which examples are answered always, so that the last bits of an answer do not
  /// depend on where a run was resumed.
  public func prepare(
    for examples: EncodedExamples, config: DistillationConfig, batches: @escaping () -> [[Int]]
  ) throws(DistillationError) {
    try wrapped.prepare(for: examples, config: config, batches: batches)
    order = AnswerOrder(batches: batches) { Batch(examples, at: $0) }
  }

  /// The logits from memory, or the teacher's answers.
  public func answers(to batch: Batch, wanting request: AnswerRequest) throws -> Answers {
    guard request.taps.isEmpty else { return try wrapped.answers(to: batch, wanting: request) }
    if let order {
      var wholeRequest = request
      wholeRequest.rows = nil
      for index in batch.indices where !cache.holds(index) {
        guard let whole = order.batch(of: index) else { continue }
        try cache.store(
          try wrapped.answers(to: whole, wanting: wholeRequest), of: whole.indices, starts: whole.starts
        )
      }
    }
    if let logits = cache.logits(of: batch.indices) { return Answers(logits: logits) }
    let answers = try wrapped.answers(to: batch, wanting: request)
    try cache.store(answers, of: batch.indices, starts: batch.starts)
    return answers
  }
}

extension RememberingTeacher {
  /// Asks about all examples ahead, each rank in every W-th batch of the first epoch, and keeps all answers on every rank.
  ///
  /// Every rank calls it. The batches are those in which one process asks, so the answers are the same to the bit.
  func ask(over ranks: any Communicator) throws {
    guard let batches = order?.all else { return }
    for first in stride(from: 0, to: batches.count, by: ranks.size) {
      let round = batches[first..<min(first + ranks.size, batches.count)]
      let all = try ranks.exchange {
        guard ranks.rank < round.count else { return [] }
        let answers = try wrapped.answers(to: round[first + ranks.rank], wanting: AnswerRequest())
        guard answers.logitRows == nil, answers.logits.allSatisfy({ (1...2).contains($0.shape.rank) }) else {
          throw DistillationError.adaptor(
            side: "teacher", field: "logits",
            message: "cache_teacher_logits needs one row of logits per sequence or per token; set it to false"
          )
        }
        return Self.bytes(of: answers.logits)
      }
      for (batch, bytes) in zip(round, all) {
        try cache.store(Answers(logits: Self.tensors(in: bytes)), of: batch.indices, starts: batch.starts)
      }
    }
  }

  /// Each tensor as its number of values in a row, 0 of a vector, its number of rows and its values.
  private static func bytes(of tensors: [Tensor]) -> [UInt8] {
    var words = RankWords()
    for tensor in tensors {
      let shape = tensor.shape
      words.append([UInt32(shape.rank == 1 ? 0 : shape[1]), UInt32(shape[0])])
      words.append(tensor.values.map(\.bitPattern))
    }
    return words.bytes
  }

  private static func tensors(in bytes: [UInt8]) -> [Tensor] {
    var words = RankWords(bytes)
    var tensors: [Tensor] = []
    while !words.isAtEnd {
      let (width, rows) = (Int(words.read()), Int(words.read()))
      let values = words.readFloats(rows * max(1, width))
      tensors.append(Tensor(values, shape: width == 0 ? [rows] : [rows, width]))
    }
    return tensors
  }
}

extension Teacher {
  /// The memories of answers in it.
  var memories: [RememberingTeacher] {
    if let memory = self as? RememberingTeacher { return [memory] }
    if let ensemble = self as? TeacherEnsemble { return ensemble.members.flatMap(\.memories) }
    return (self as? any TeacherWrapper)?.wrapped.memories ?? []
  }
}

/// Order in which a teacher answers examples whose answers are kept in memory: always in the batches of the first epoch.
///
/// The last bits of an answer depend on the other texts of its batch. A resumed run begins with empty memory in another epoch;
/// there the batches of the uninterrupted run give the same bits.
private final class AnswerOrder {
  private let makeBatches: () -> [[Int]]
  private let makeBatch: ([Int]) -> Batch
  private var batches: [[Int]] = []
  /// Batch of each example; -1 where none has it.
  private var places: [Int] = []

  /// The order of a run.
  ///
  /// - Parameters:
  ///   - batches: The batches of the first epoch, as positions in the data set.
  ///   - batch: Packs the examples at some positions as the teacher reads them.
  init(batches: @escaping () -> [[Int]], batch: @escaping ([Int]) -> Batch) {
    (makeBatches, makeBatch) = (batches, batch)
  }

  /// All batches.
  var all: [Batch] { makeBatches().map(makeBatch) }

  /// The batch in which the example at a position is answered; nil when no batch has it.
  func batch(of index: Int) -> Batch? {
    if batches.isEmpty {
      batches = makeBatches()
      places = Array(repeating: -1, count: (batches.joined().max() ?? -1) + 1)
      for (place, batch) in batches.enumerated() { for index in batch { places[index] = place } }
    }
    guard places.indices.contains(index), places[index] >= 0 else { return nil }
    return makeBatch(batches[places[index]])
  }
}
