public import Encoders
import Evaluation
import Foundation
public import TaskData
import Tensors
import Tokenization
public import Training

/// Asks a masked language model for the hidden tokens of a corpus: loss, perplexity and accuracy.
///
/// The masks are those of epoch 0, so two models that read the same tokens are asked the same. Loss is the mean
/// cross-entropy over the hidden tokens, perplexity its exponential (as `run_mlm` reports it), accuracy the share of them
/// that the model finds most likely. Only the hidden tokens' logits are computed.
///
/// - Parameters:
///   - model: A model with the head of a masked language model.
///   - corpus: The sequences.
///   - masker: What hides tokens.
///   - batch: How much a batch holds; it does not change the answers beyond rounding.
///   - progress: Told of the sequences done after each batch.
/// - Throws: `TrainingError.noData` when no token can be hidden; `TaskDataError` when the corpus can no longer be read.
public func evaluateMaskedLanguageModel(
  _ model: TaskModel, _ corpus: TokenizedCorpus, masker: TokenMasker, batch: BatchSize = .sequences(8),
  progress: (_ done: Int) -> Void = { _ in }
) throws -> EvaluationResult {
  precondition(
    model.head == .maskedLanguageModel,
    "Hidden tokens are the answer of a masked language model, not of \(model.head).")
  let clock = ContinuousClock.now
  var (loss, correct, hidden, done) = (0.0, 0, 0, 0)
  let batches =
    corpus.count == 0 ? [] : BatchSampler(lengths: corpus.lengths, size: batch).evaluationBatches()
  for indices in batches {
    let batch = try LabeledBatch(corpus, masker: masker, at: indices.map { (0, $0) })
    let targets = ClassTargets(words: batch.tags)
    if let rows = targets.rows, !rows.isEmpty {
      let ids = targets.labels
      let logits = model(batch.tokens, rows: rows, in: .inference).logits
      loss +=
        Double(logits.softmaxCrossEntropy(labels: ids).item) * Double(rows.count)
      let answers = ClassificationMetrics.predictions(
        logits: logits.values, classCount: logits.shape.lastDimension)
      correct += zip(answers, ids).count { $0 == $1 }
      hidden += rows.count
    }
    done += indices.count
    progress(done)
  }
  guard hidden > 0 else {
    throw TrainingError.noData(
      "there is nothing to ask for: \(corpus.path) has no token that can be hidden. Check the validation file."
    )
  }
  let mean = loss / Double(hidden)
  return EvaluationResult(
    loss: mean,
    metrics: [("perplexity", exp(mean)), ("accuracy", Double(correct) / Double(hidden))],
    examples: corpus.count, runtime: (ContinuousClock.now - clock) / .seconds(1))
}
