import CKernels
import Kernels

extension Tensor {
  /// Computes the mean cross-entropy of a softmax over the rows of each sequence against one position in it.
  ///
  /// This is how a span's start and end are learnt (Devlin and others 2019, section 4.2): loss = −(1/n) Σ log softmax(z)_target
  /// over the n sequences whose target lies inside them; 0 when there are none. dz = (softmax(z) − onehot) / n.
  ///
  /// - Parameters:
  ///   - starts: Where each sequence begins, and the number of rows, [sequences + 1].
  ///   - targets: A position counted from its sequence's first row, or one outside it, which leaves the sequence out,
  ///     [sequences].
  /// - Returns: The loss, a scalar.
  public func positionCrossEntropy(starts: [Int32], targets: [Int32]) -> Tensor {
    let scores = self
    let sequences = sequenceRows(starts, of: scores)
    precondition(
      targets.count == sequences.count,
      "Each of the \(sequences.count) sequences needs a position, found \(targets.count).")
    let labelled = zip(sequences, targets).map { rows, target in
      target >= 0 && Int(target) < rows.count ? rows.lowerBound + Int(target) : nil
    }
    let logProbabilities = Storage(uninitialized: scores.count)
    RowBlocks.rows(sequences.count, columns: scores.count / max(1, sequences.count), as: .loss) { range in
      for rows in sequences[range] {
        let start = rows.lowerBound
        ps_log_softmax(scores.pointer + start, logProbabilities.pointer + start, 1, Int64(rows.count), 1)
      }
    }
    var total = 0.0
    for case let row? in labelled { total -= Double(logProbabilities.pointer[row]) }
    let count = max(1, labelled.count { $0 != nil })
    let result = Tensor.result(Storage([Float(total / Double(count))]), [], from: scores)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let factor = gradient.pointer[0] / Float(count)
        let dz = Storage(uninitialized: scores.count)
        ps_exp(logProbabilities.pointer, dz.pointer, Int64(scores.count))
        for (rows, target) in zip(sequences, labelled) {
          if let target { dz.pointer[target] -= 1 }
          let part = dz.pointer + rows.lowerBound
          ps_scale(part, target == nil ? 0 : factor, part, Int64(rows.count))
        }
        scores.slot?.add(dz)
      }
    }
    return result
  }
}

/// The rows of each sequence, once they are known to cover the scores.
func sequenceRows(_ starts: [Int32], of scores: Tensor) -> [Range<Int>] {
  let inOrder = starts.first == 0 && zip(starts, starts.dropFirst()).allSatisfy { $0 <= $1 }
  precondition(
    inOrder && starts.last.map { Int($0) } == scores.count,
    "The starts of sequences must climb from 0 to the number of scores, \(scores.count).")
  return zip(starts, starts.dropFirst()).map { Int($0)..<Int($1) }
}
