public import Datasets
import Encoders
import Foundation
import Kernels
public import Tasks
import Tensors
import Tokenization

/// Teacher that reads other tokens than the student: its answers are brought to the student's.
///
/// - Logits of sequences stay as they are.
/// - Logits of tokens are compared word by word, at the first token that each side has of it.
/// - Start and end scores: the probability of a teacher's token goes to the student's token that holds its first (start) or
///   last (end) character, z'_s = τ log Σ exp(z_t / τ) over the teacher's tokens t that go to s.
/// - Hidden states: the mean of the teacher's tokens over each of the student's; tokens that have none are not matched.
public struct AlignedTeacher: TeacherWrapper {
  let wrapped: any Teacher
  private let examples: AlignedExamples
  /// Values that have a row for each token, by name.
  private let tokenValues: Set<String>

  /// Score of a student's token that no teacher's token goes to, in units of τ below the least of its sequence.
  private static let absent: Float = 30

  /// A teacher of other tokens.
  ///
  /// - Parameters:
  ///   - teacher: The teacher.
  ///   - examples: The training examples as it reads them.
  public init(_ teacher: any Teacher, examples: AlignedExamples) {
    (wrapped, self.examples) = (teacher, examples)
    let values = teacher.description.intermediates.filter { $0.rows != .sequences }
    tokenValues = Set(values.map(\.name))
  }

  /// The examples as the teacher reads them.
  public var alignment: AlignedExamples? { examples }

  func around(_ other: any Teacher) -> any Teacher { AlignedTeacher(other, examples: examples) }

  /// Makes the teacher ready for its own form of the examples.
  public func prepare(
    for examples: EncodedExamples, config: DistillationConfig, batches: @escaping () -> [[Int]]
  ) throws(DistillationError) {
    precondition(
      self.examples.teacher.count == examples.count,
      "The teacher reads \(self.examples.teacher.count) examples, the student \(examples.count); align the ones to train on."
    )
    try wrapped.prepare(for: self.examples.teacher, config: config, batches: batches)
  }

  /// The teacher's answers to the same texts, for the student's tokens.
  ///
  /// - Throws: `DistillationError.adaptor` when an adaptor chose rows of its own, and what the teacher throws.
  public func answers(to batch: Batch, wanting request: AnswerRequest) throws -> Answers {
    var whole = request
    whole.rows = nil
    let other = try examples.teacher.batch(at: batch.indices)
    return try aligned(
      try wrapped.answers(to: other, wanting: whole), of: batch, other, temperature: request.temperature)
  }

  /// A teacher's answers to its own form of a batch, for the student's tokens.
  ///
  /// - Parameters:
  ///   - answers: The answers to `other`.
  ///   - batch: The batch as the student reads it.
  ///   - other: The batch as the teacher reads it.
  ///   - temperature: τ, at which start and end scores become probabilities.
  package func aligned(
    _ answers: Answers, of batch: Batch, _ other: Batch, temperature: Double
  ) throws(DistillationError) -> Answers {
    try answers.refuseRows(side: "teacher")
    var result = answers
    var counterparts = Answers.Counterparts()
    let alignments = batch.indices.map { examples.alignments[$0] }
    do { try examples.alignments.check() } catch {
      throw .adaptor(side: "teacher", field: "alignment", message: "\(error)")
    }
    let (starts, otherStarts) = (batch.starts, other.starts)
    let family = wrapped.description.family
    if family.form == .positions {
      result.logits = answers.logits.enumerated().map { index, scores in
        moved(scores, alignments, isEnd: index == 1, temperature: temperature, starts, otherStarts)
      }
    } else if family.rows == .tokens {
      var (studentRows, teacherRows): ([Int32], [Int32]) = ([], [])
      for (place, alignment) in alignments.enumerated() {
        studentRows += alignment.words.map { starts[place] + $0.student }
        teacherRows += alignment.words.map { otherStarts[place] + $0.teacher }
      }
      (counterparts.logits, result.logitRows) = (studentRows, [teacherRows])
    }
    if answers.values.keys.contains(where: tokenValues.contains) {
      var (rows, ranges): ([Int32], [Range<Int>]) = ([], [])
      for (place, alignment) in alignments.enumerated() {
        let base = Int(otherStarts[place])
        for (token, range) in alignment.teacherTokens.enumerated() where !range.isEmpty {
          rows.append(starts[place] + Int32(token))
          ranges.append(base + Int(range.lowerBound)..<base + Int(range.upperBound))
        }
      }
      if rows.count < Int(starts[starts.count - 1]) { counterparts.tokens = rows }
      for name in answers.values.keys where tokenValues.contains(name) {
        result.values[name] = answers.values[name].map { Self.means(of: $0, ranges) }
      }
    }
    result.counterparts = counterparts
    return result
  }

  /// Scores of the teacher's tokens, [its tokens], as scores of the student's, [its tokens].
  private func moved(
    _ scores: Tensor, _ alignments: [TokenAlignment], isEnd: Bool, temperature: Double, _ starts: [Int32],
    _ otherStarts: [Int32]
  ) -> Tensor {
    let tau = Float(temperature)
    let values = scores.values
    var result = [Float](repeating: 0, count: Int(starts[starts.count - 1]))
    for (place, alignment) in alignments.enumerated() {
      let (base, otherBase) = (Int(starts[place]), Int(otherStarts[place]))
      let own = values[otherBase..<Int(otherStarts[place + 1])]
      let (highest, lowest) = (own.max() ?? 0, own.min() ?? 0)
      var sums = [Float](repeating: 0, count: Int(starts[place + 1]) - base)
      for (token, range) in alignment.studentTokens.enumerated() where !range.isEmpty {
        let target = isEnd ? range.upperBound - 1 : range.lowerBound
        sums[Int(target)] += exp((values[otherBase + token] - highest) / tau)
      }
      for (token, sum) in sums.enumerated() {
        result[base + token] = sum > 0 ? highest + tau * log(sum) : lowest - tau * Self.absent
      }
    }
    return Tensor(result)
  }

  /// The means of ranges of rows, [ranges, hidden].
  private static func means(of x: Tensor, _ ranges: [Range<Int>]) -> Tensor {
    let width = x.shape.lastDimension
    let storage = Storage(uninitialized: ranges.count * width)
    RowKernels.means(of: x.storage, ranges: ranges, columns: width, into: storage)
    return Tensor(storage: storage, shape: [ranges.count, width])
  }
}
