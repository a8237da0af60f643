import Datasets
package import Tensors
import Training

/// Targets of a batch: what its sequences or tokens should be answered, and the loss of a head's logits against it, as
/// `transformers` computes it from labels.
package protocol TaskTargets: Sendable {
  /// The rows whose logits a model is asked for; nil asks for all.
  var rows: [Int32]? { get }
  /// The classes of each counted row, a list for each part of the logits, `EncodedExample.noLabel` where there is none; empty
  /// where targets are no classes.
  var classes: [[Int32]] { get }
  /// The number of sequences or tokens that the loss is a mean over.
  ///
  /// - Parameter starts: Where each sequence begins, and the number of tokens, [B + 1].
  func count(starts: [Int32]) -> Int
  /// The divisor of the mean loss: the number above, or the sum of its weights.
  ///
  /// - Parameters:
  ///   - starts: Where each sequence begins, and the number of tokens, [B + 1].
  ///   - loss: The way in which labels are learnt.
  func weight(starts: [Int32], by loss: HardLabelLoss) -> Double
  /// The mean loss of a head's logits, a scalar; 0 where nothing is known.
  ///
  /// - Parameters:
  ///   - logits: What `TaskModel` gave for `rows`.
  ///   - starts: Where each sequence begins, and the number of tokens, [B + 1].
  ///   - loss: The way in which labels are learnt.
  func loss(_ logits: Tensor, starts: [Int32], by loss: HardLabelLoss) -> Tensor
}

extension TaskTargets {
  /// All rows.
  package var rows: [Int32]? { nil }
  /// No classes.
  package var classes: [[Int32]] { [] }
  /// The number of sequences or tokens.
  package func weight(starts: [Int32], by loss: HardLabelLoss) -> Double { Double(count(starts: starts)) }
  /// The mean loss of labels as they are, which evaluations give.
  package func loss(_ logits: Tensor, starts: [Int32]) -> Tensor { loss(logits, starts: starts, by: .plain) }
}

/// Targets that are one class of each sequence [B] or token [T], with their cross-entropy.
package struct ClassTargets: TaskTargets, Equatable {
  /// The classes, `EncodedExample.noLabel` where there is none.
  package let labels: [Int32]
  /// The tokens that are asked for; nil where every row is.
  package let rows: [Int32]?

  /// One class of each row.
  package init(_ labels: [Int32]) { (self.labels, rows) = (labels, nil) }

  /// A masked language model's targets from the word behind each token [T], `EncodedExample.noLabel` where none is asked.
  package init(maskedWords tags: [Int32]) {
    let asked = tags.indices.filter { tags[$0] != EncodedExample.noLabel }
    (labels, rows) = (asked.map { tags[$0] }, asked.map { Int32($0) })
  }

  package var classes: [[Int32]] { [labels] }

  package func count(starts: [Int32]) -> Int { rows?.count ?? labels.count { $0 != EncodedExample.noLabel } }

  package func weight(starts: [Int32], by loss: HardLabelLoss) -> Double {
    guard let weights = loss.weights else { return Double(count(starts: starts)) }
    return labels.reduce(0) { $1 == EncodedExample.noLabel ? $0 : $0 + Double(weights[Int($1)]) }
  }

  package func loss(_ logits: Tensor, starts: [Int32], by loss: HardLabelLoss) -> Tensor {
    logits.softmaxCrossEntropy(
      labels: labels, weights: loss.weights, smoothing: loss.smoothing, ignoreIndex: EncodedExample.noLabel)
  }
}

/// Targets that are numbers of each sequence [B, outputs], NaN in a whole row where they are not known, with a loss that is a
/// mean over all of them.
package struct NumberTargets: TaskTargets {
  private let values: [Float]
  private let ofKnown: @Sendable (Tensor, Tensor, HardLabelLoss) -> Tensor

  private init(_ values: [Float], loss: @escaping @Sendable (Tensor, Tensor, HardLabelLoss) -> Tensor) {
    self.values = values
    ofKnown = loss
  }

  /// Numbers with their mean squared error.
  package static func values(_ values: [Float]) -> NumberTargets {
    NumberTargets(values) { logits, values, _ in logits.meanSquaredError(to: values) }
  }

  /// A 1 or 0 for each label of each sequence, with their binary cross-entropy.
  package static func labelMatrix(_ flags: [Float]) -> NumberTargets {
    NumberTargets(flags) { $0.binaryCrossEntropy(targets: $1, positiveWeights: $2.weights) }
  }

  package func count(starts: [Int32]) -> Int { known(sequences: starts.count - 1).count }

  package func loss(_ logits: Tensor, starts: [Int32], by loss: HardLabelLoss) -> Tensor {
    let rows = known(sequences: logits.shape[0])
    guard !rows.isEmpty else { return Tensor(0) }
    let width = logits.shape.lastDimension
    precondition(
      values.count == logits.count,
      "Each of the \(logits.count) outputs needs a target, found \(values.count).")
    let isWhole = rows.count == logits.shape[0]
    let own = isWhole ? logits : logits.rows(at: rows)
    let targets = isWhole ? values : rows.flatMap { values[Int($0) * width..<(Int($0) + 1) * width] }
    return ofKnown(own, Tensor(targets, shape: own.shape), loss)
  }

  /// The sequences whose row of numbers is known.
  private func known(sequences: Int) -> [Int32] {
    let width = values.count / max(1, sequences)
    return width == 0 ? [] : (0..<sequences).filter { !values[$0 * width].isNaN }.map { Int32($0) }
  }
}

/// Targets that are the first and the last token of each answer [B], as positions in the sequence.
///
/// One outside its sequence does not count. The loss is the mean of the cross-entropies of start and end, each over the positions of its sequence.
package struct SpanTargets: TaskTargets, Equatable {
  /// The first tokens.
  package let firsts: [Int32]
  /// The last tokens.
  package let lasts: [Int32]

  /// The spans of their ends.
  package init(firsts: [Int32], lasts: [Int32]) { (self.firsts, self.lasts) = (firsts, lasts) }

  package var classes: [[Int32]] { [firsts, lasts] }

  package func count(starts: [Int32]) -> Int {
    zip(firsts, zip(starts, starts.dropFirst())).count { $0 >= 0 && $0 < $1.1 - $1.0 }
  }

  package func loss(_ logits: Tensor, starts: [Int32], by loss: HardLabelLoss) -> Tensor {
    let terms = [firsts, lasts].enumerated().map { index, positions in
      logits.column(index).positionCrossEntropy(starts: starts, targets: positions)
    }
    return (terms[0] + terms[1]) * 0.5
  }
}
