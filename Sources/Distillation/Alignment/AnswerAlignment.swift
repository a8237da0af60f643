import Encoders
import Foundation
import Kernels
import TaskData
import Tasks
import Tensors
import Tokenization

/// Brings a teacher's answers about its own tokens to the tokens of a student that reads others.
///
/// - Logits of sequences stay as they are.
/// - Logits of tokens are compared word by word, at the first token that each side has of it.
/// - Start and end scores: the probability of a teacher's token goes to the student's token that holds its first (start) or
///   last (end) character, z'_s = τ log Σ exp(z_t / τ) over the teacher's tokens t that go to s.
/// - Hidden states: the mean of the teacher's tokens over each of the student's; tokens that have none are not matched.
package struct AnswerAlignment {
  /// The texts as the teacher reads them.
  package let examples: AlignedExamples
  /// What the teacher's logits are of.
  package let family: any TaskFamily
  /// τ, at which start and end scores become probabilities.
  package let temperature: Double

  package init(examples: AlignedExamples, family: any TaskFamily, temperature: Double) {
    (self.examples, self.family, self.temperature) = (examples, family, temperature)
  }

  /// What a student's token gets that no teacher's token goes to, in units of τ below the least of its sequence.
  private static let absent: Float = 30

  /// The batch as the teacher reads it.
  package func teacherBatch(of batch: LabeledBatch) -> LabeledBatch {
    LabeledBatch(examples.teacher, at: batch.indices)
  }

  /// Both sides' results over the same rows.
  ///
  /// - Parameters:
  ///   - teacher: The teacher's result for `other`.
  ///   - student: The student's result for `batch`.
  ///   - batch: The batch as the student reads it.
  ///   - other: The batch as the teacher reads it.
  /// - Throws: `DistillationError.adaptor` when an adaptor chose rows of its own.
  package func aligned(
    teacher: AdaptorResult, student: AdaptorResult, of batch: LabeledBatch, _ other: LabeledBatch
  ) throws(DistillationError) -> (student: AdaptorResult, teacher: AdaptorResult) {
    for (side, result) in [("teacher", teacher), ("student", student)]
    where result.rows != nil || result.logitRows != nil {
      throw .adaptor(
        side: side, field: "rows",
        message:
          "teacher and student read different tokens, whose rows are chosen by alignment; leave them nil")
    }
    var (own, answers) = (student, teacher)
    let alignments = batch.indices.map { examples.alignments[$0] }
    let (starts, otherStarts) = (batch.tokens.starts, other.tokens.starts)
    if family.form == .positions {
      answers.logits = teacher.logits.enumerated().map { index, scores in
        moved(scores, alignments, isEnd: index == 1, starts, otherStarts)
      }
    } else if family.rows == .tokens {
      alignWords(&own, &answers, alignments, starts, otherStarts)
    }
    if !teacher.hidden.isEmpty { alignHidden(&own, &answers, alignments, starts, otherStarts) }
    return (own, answers)
  }

  private func alignWords(
    _ own: inout AdaptorResult, _ answers: inout AdaptorResult, _ alignments: [TokenAlignment],
    _ starts: [Int32], _ otherStarts: [Int32]
  ) {
    var (rows, others): ([Int32], [Int32]) = ([], [])
    for (place, alignment) in alignments.enumerated() {
      rows += alignment.words.map { starts[place] + $0.student }
      others += alignment.words.map { otherStarts[place] + $0.teacher }
    }
    own.logitRows = [rows]
    answers.logitRows = [others]
    own.labels = own.labels.map { labels in
      labels.count == Int(starts[starts.count - 1]) ? rows.map { labels[Int($0)] } : labels
    }
  }

  /// Scores of the teacher's tokens, [its tokens], as scores of the student's, [its tokens].
  private func moved(
    _ scores: Tensor, _ alignments: [TokenAlignment], isEnd: Bool, _ starts: [Int32], _ otherStarts: [Int32]
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

  private func alignHidden(
    _ own: inout AdaptorResult, _ answers: inout AdaptorResult, _ alignments: [TokenAlignment],
    _ starts: [Int32], _ otherStarts: [Int32]
  ) {
    var (rows, ranges): ([Int32], [Range<Int>]) = ([], [])
    for (place, alignment) in alignments.enumerated() {
      let base = Int(otherStarts[place])
      for (token, range) in alignment.teacherTokens.enumerated() where !range.isEmpty {
        rows.append(starts[place] + Int32(token))
        ranges.append(base + Int(range.lowerBound)..<base + Int(range.upperBound))
      }
    }
    if rows.count < Int(starts[starts.count - 1]) { own.rows = rows }
    answers.hidden = answers.hidden.map { $0.count == 0 ? $0 : Self.means(of: $0, ranges) }
  }

  /// The means of ranges of rows, [ranges, hidden].
  private static func means(of x: Tensor, _ ranges: [Range<Int>]) -> Tensor {
    let width = x.shape.lastDimension
    let storage = Storage(uninitialized: ranges.count * width)
    RowKernels.means(of: x.storage, ranges: ranges, columns: width, into: storage)
    return Tensor(storage: storage, shape: [ranges.count, width])
  }
}
