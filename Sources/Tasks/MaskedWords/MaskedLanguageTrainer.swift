import Cluster
public import Datasets
public import Encoders
import Evaluation
import Foundation
import Tensors
import Tokenization
public import Training

/// Trainer of a masked language model on running text: objective, data, evaluation and the loop in one.
///
/// Other tokens are hidden in each epoch (dynamic masking, Liu and others 2019, *RoBERTa*). What is hidden for an
/// evaluation never changes, whatever the seed of the run, so that evaluations can be compared.
///
/// ```swift
/// let trainer = MaskedLanguageTrainer(model: model, train: corpus, validation: held, masker: masker, config: config)
/// let summary = try trainer.train()
/// ```
public final class MaskedLanguageTrainer {
  /// The model, trained in place.
  public let model: TaskModel
  /// The settings of the run.
  public let config: TrainingConfig
  private let corpus: TokenizedCorpus
  private let validation: TokenizedCorpus?
  private let masker: TokenMasker
  private let objective: any TrainingObjective
  private let checkpoints: CheckpointFolder?
  private let observers: [any TrainingObserver]

  /// The seed of the masks of every evaluation.
  private static let evaluationSeed: UInt64 = 0

  /// A trainer that is ready to run.
  ///
  /// - Parameters:
  ///   - model: A model with the head of a masked language model, trained in place.
  ///   - train: What it learns.
  ///   - validation: What it is scored on.
  ///   - masker: What hides tokens; the settings' seed decides which.
  ///   - config: The settings.
  ///   - objective: What is minimised, such as a distiller's loss; nil for the cross-entropy of the hidden tokens.
  ///   - checkpoints: Where checkpoints go; without it none is written.
  ///   - observers: Told of everything, in this order.
  public init(
    model: TaskModel, train: TokenizedCorpus, validation: TokenizedCorpus? = nil, masker: TokenMasker,
    config: TrainingConfig, objective: (any TrainingObjective)? = nil, checkpoints: CheckpointFolder? = nil,
    observers: [any TrainingObserver] = []
  ) {
    precondition(
      model.head == .maskedLanguageModel,
      "Hidden tokens are the answer of a masked language model, not of \(model.head).")
    self.model = model
    corpus = train
    self.validation = validation
    self.masker = masker
    self.config = config
    self.objective =
      objective ?? SupervisedObjective(model, loss: HardLabelLoss(smoothing: config.labelSmoothingFactor))
    self.checkpoints = checkpoints
    self.observers = observers
  }

  /// Trains to the end; see `TrainingLoop.run(resumingFrom:)`.
  public func train(resumingFrom point: ResumePoint? = nil) throws -> TrainingSummary {
    _ = try HardLabelLoss(config, of: model)
    try model.prepare(as: config)
    var masker = masker
    masker.seed = config.dataSeed ?? config.seed
    let loop = TrainingLoop(
      config: config, objective: objective,
      data: TrainingData(corpus, masker: masker, config: config),
      evaluate: validation.map { corpus in { try self.evaluate(self.model, corpus, over: Ranks.process) } },
      checkpoints: checkpoints, observers: observers)
    return try loop.run(resumingFrom: point)
  }

  /// Scores a model on the validation text, by default the one that is trained as it now is; nil without such text.
  public func evaluate(_ other: TaskModel? = nil) throws -> EvaluationResult? {
    try validation.map { try evaluate(other ?? model, $0) }
  }

  private func evaluate(
    _ model: TaskModel, _ corpus: TokenizedCorpus, over ranks: any Communicator = SoleRank()
  ) throws -> EvaluationResult {
    var masker = masker
    masker.seed = Self.evaluationSeed
    return try evaluateMaskedLanguageModel(
      model, corpus, masker: masker, batch: .sequences(config.perDeviceEvalBatchSize), over: ranks)
  }
}

/// Evaluation of a masked language model on the hidden tokens of a corpus: loss, perplexity and accuracy.
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
/// - Throws: `TrainingError.noData` when no token can be hidden; `DatasetError` when the corpus can no longer be read.
public func evaluateMaskedLanguageModel(
  _ model: TaskModel, _ corpus: TokenizedCorpus, masker: TokenMasker, batch: BatchSize = .sequences(8),
  progress: (_ done: Int) -> Void = { _ in }
) throws -> EvaluationResult {
  try evaluateMaskedLanguageModel(
    model, corpus, masker: masker, batch: batch, over: SoleRank(), progress: progress)
}

/// Evaluation like that of users, each rank over its share of the batches; all ranks have the scores of the whole corpus.
package func evaluateMaskedLanguageModel(
  _ model: TaskModel, _ corpus: TokenizedCorpus, masker: TokenMasker, batch: BatchSize,
  over ranks: any Communicator, progress: (_ done: Int) -> Void = { _ in }
) throws -> EvaluationResult {
  precondition(
    model.head == .maskedLanguageModel,
    "Hidden tokens are the answer of a masked language model, not of \(model.head).")
  let clock = ContinuousClock.now
  var done = 0
  // Of each batch of this rank: the sum of the losses, the words found and the words hidden.
  var own: [Double] = []
  let batches =
    corpus.count == 0 ? [] : BatchSampler(lengths: corpus.lengths, size: batch).evaluationBatches()
  for indices in stride(from: ranks.rank, to: batches.count, by: ranks.size).map({ batches[$0] }) {
    var sums = (loss: 0.0, correct: 0, hidden: 0)
    let batch = try Batch(corpus, masker: masker, at: indices.map { (0, $0) })
    let targets = ClassTargets(maskedWords: batch.tags)
    if let rows = targets.rows, !rows.isEmpty {
      let ids = targets.labels
      let logits = model(batch.tokens, rows: rows, in: .inference).logits
      sums.loss =
        Double(logits.softmaxCrossEntropy(labels: ids).item) * Double(rows.count)
      let answers = ClassificationMetrics.predictions(
        logits: logits.values, classCount: logits.shape.lastDimension)
      sums.correct = zip(answers, ids).count { $0 == $1 }
      sums.hidden = rows.count
    }
    own += [sums.loss, Double(sums.correct), Double(sums.hidden)]
    done += indices.count
    progress(done)
  }
  let lists = ranks.gather(own)
  var (loss, correct, hidden) = (0.0, 0.0, 0.0)
  // In the order of the batches, so that the ranks change no bit.
  for index in batches.indices {
    let (list, start) = (lists[index % ranks.size], 3 * (index / ranks.size))
    loss += list[start]
    correct += list[start + 1]
    hidden += list[start + 2]
  }
  guard hidden > 0 else {
    throw TrainingError.noData(
      "there is nothing to ask for: \(corpus.path) has no token that can be hidden. Check the validation file."
    )
  }
  let mean = loss / hidden
  return EvaluationResult(
    loss: mean,
    metrics: [Score("perplexity", exp(mean)), Score("accuracy", correct / hidden)],
    examples: corpus.count, runtime: (ContinuousClock.now - clock) / .seconds(1))
}

extension TrainingData {
  /// The sequences of a corpus with tokens hidden anew in each epoch, in the seeded random order, batch size and length
  /// grouping of the settings.
  ///
  /// A batch is asked for by positions alone, so a position here says which epoch it belongs to as well:
  /// epoch · sequences + sequence. The batch's own `indices` are sequences again.
  public init(_ corpus: TokenizedCorpus, masker: TokenMasker, config: TrainingConfig) {
    let count = corpus.count
    let grouped = config.groupByLength || config.tokensPerBatch != nil
    let sampler = BatchSampler(
      lengths: corpus.lengths, size: config.wholeBatch, poolBatches: grouped ? 50 : 0,
      seed: config.dataSeed ?? config.seed)
    self.init(
      exampleCount: count,
      batches: { epoch in
        count == 0 ? [] : sampler.batches(epoch: epoch).map { $0.map { epoch * count + $0 } }
      },
      batchCount: { sampler.batchCount(epoch: $0) },
      batch: { positions in
        try Batch(corpus, masker: masker, at: positions.map { ($0 / count, $0 % count) })
      },
      rows: {
        // What is hidden follows from the tokens and the masker, which a few sequences tell apart from others.
        let hidden = try (0..<min(count, 64)).map { masker.mask(try corpus[$0], epoch: 0, index: $0) }
        return try corpus.contentFingerprint() + EncodedExample.fingerprint(of: hidden)
      }, place: { count == 0 ? nil : "sequence \($0 % count + 1) of \(corpus.path)" })
  }
}

extension Batch {
  /// Packs sequences of a corpus, tokens hidden.
  package init(
    _ corpus: TokenizedCorpus, masker: TokenMasker, at places: [(epoch: Int, index: Int)]
  ) throws(DatasetError) {
    var examples: [EncodedExample] = []
    for (epoch, index) in places {
      examples.append(masker.mask(try corpus[index], epoch: epoch, index: index))
    }
    let batch = Batch(examples, at: Array(examples.indices))
    self.init(tokens: batch.tokens, targets: batch.targets, indices: places.map(\.index))
  }
}
