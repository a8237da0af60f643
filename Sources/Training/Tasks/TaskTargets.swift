package import Encoders
package import TaskData
package import Tensors
import Tokenization

/// What a batch's sequences or tokens should be answered, in the form that a head's loss reads.
package enum TaskTargets: Sendable, Equatable {
  /// The class of each sequence [B], or `EncodedExample.noLabel`.
  case labels([Int32])
  /// The numbers of each sequence [B, outputs], NaN where they are not known.
  case values([Float])
  /// Whether each label holds of each sequence, 1 or 0 [B, labels]; NaN in a whole row where that is not known, and
  /// empty where it is of none.
  case labelMatrix([Float])
  /// The class of each token [T], or `EncodedExample.noLabel`.
  case tags([Int32])
  /// The tokens a masked language model is asked for, as rows of the batch, and their words.
  case words(rows: [Int32], ids: [Int32])
  /// The first and the last token of each answer [B], as positions in the sequence; one outside it does not count.
  case spans(starts: [Int32], ends: [Int32])

  /// A masked language model's targets from the word behind each token [T], `EncodedExample.noLabel` where none is asked.
  package init(words tags: [Int32]) {
    let rows = tags.indices.filter { tags[$0] != EncodedExample.noLabel }
    self = .words(rows: rows.map { Int32($0) }, ids: rows.map { tags[$0] })
  }

  /// The rows whose logits a model is asked for; nil asks for all.
  package var rows: [Int32]? { if case .words(let rows, _) = self { rows } else { nil } }

  /// The number of sequences or tokens that the loss is a mean over.
  ///
  /// - Parameter starts: Where each sequence begins, and the number of tokens, [B + 1].
  package func count(starts: [Int32]) -> Int {
    switch self {
    case .labels(let labels), .tags(let labels): labels.count { $0 != EncodedExample.noLabel }
    case .values(let values), .labelMatrix(let values): known(values, sequences: starts.count - 1).count
    case .words(let rows, _): rows.count
    case .spans(let firsts, _):
      zip(firsts, zip(starts, starts.dropFirst())).count { $0 >= 0 && $0 < $1.1 - $1.0 }
    }
  }

  /// The mean loss of a head's logits, as `transformers` computes it from labels; 0 where nothing is known.
  ///
  /// Classes and words: cross-entropy. Numbers: mean squared error. Labels side by side: binary cross-entropy, mean over
  /// labels. Spans: the mean of the cross-entropies of start and end, each over the positions of its sequence.
  ///
  /// - Parameters:
  ///   - logits: What `TaskModel` gave for `rows`.
  ///   - starts: Where each sequence begins, and the number of tokens, [B + 1].
  ///   - context: The pass the logits belong to.
  /// - Returns: The loss, a scalar.
  package func loss(_ logits: Tensor, starts: [Int32], in context: Context) -> Tensor {
    switch self {
    case .labels(let labels), .tags(let labels), .words(_, let labels):
      return logits.softmaxCrossEntropy(labels: labels, ignoreIndex: EncodedExample.noLabel)
    case .values(let values), .labelMatrix(let values):
      let rows = known(values, sequences: logits.shape[0])
      guard !rows.isEmpty else { return Tensor(0) }
      let width = logits.shape.lastDimension
      precondition(
        values.count == logits.count,
        "Each of the \(logits.count) outputs needs a target, found \(values.count).")
      let isWhole = rows.count == logits.shape[0]
      let own = isWhole ? logits : logits.rows(at: rows)
      let targets =
        isWhole ? values : rows.flatMap { values[Int($0) * width..<(Int($0) + 1) * width] }
      if case .values = self {
        return own.meanSquaredError(to: Tensor(targets, shape: own.shape))
      }
      return own.binaryCrossEntropy(targets: Tensor(targets, shape: own.shape))
    case .spans(let firsts, let lasts):
      let terms = [firsts, lasts].enumerated().map { index, positions in
        logits.column(index).positionCrossEntropy(starts: starts, targets: positions)
      }
      return (terms[0] + terms[1]) * 0.5
    }
  }

  /// The sequences whose row of numbers is known.
  private func known(_ values: [Float], sequences: Int) -> [Int32] {
    let width = values.count / max(1, sequences)
    return width == 0 ? [] : (0..<sequences).filter { !values[$0 * width].isNaN }.map { Int32($0) }
  }
}

extension TaskTargets {
  /// What a batch holds for the head of a model.
  package init(_ batch: LabeledBatch, for config: EncoderConfig) {
    switch (config.head, config.problem) {
    case (.sequenceClassification, .singleLabel): self = .labels(batch.labels)
    case (.sequenceClassification, .regression): self = .values(batch.values)
    case (.sequenceClassification, .multiLabel): self = .labelMatrix(batch.labelMatrix)
    case (.tokenClassification, _): self = .tags(batch.tags)
    case (.questionAnswering, _): self = .spans(starts: batch.spanStarts, ends: batch.spanEnds)
    case (.maskedLanguageModel, _): self = TaskTargets(words: batch.tags)
    }
  }
}
