public import TaskData
public import Training

extension TrainingData {
  /// The sequences of a corpus with tokens hidden anew in each epoch, in the seeded random order, batch size and length
  /// grouping of the settings.
  ///
  /// A batch is asked for by positions alone, so a position here says which epoch it belongs to as well:
  /// epoch · sequences + sequence. The batch's own `indices` are sequences again.
  public init(_ corpus: TokenizedCorpus, masker: TokenMasker, config: TrainingConfig) {
    let count = corpus.count
    let size: BatchSize =
      config.tokensPerBatch.map { .tokens($0) } ?? .sequences(config.perDeviceTrainBatchSize)
    let grouped = config.groupByLength || config.tokensPerBatch != nil
    let sampler = BatchSampler(
      lengths: corpus.lengths, size: size, poolBatches: grouped ? 50 : 0,
      seed: config.dataSeed ?? config.seed)
    self.init(
      exampleCount: count,
      batches: { epoch in
        count == 0 ? [] : sampler.batches(epoch: epoch).map { $0.map { epoch * count + $0 } }
      },
      batchCount: { sampler.batchCount(epoch: $0) },
      batch: { positions in
        try LabeledBatch(corpus, masker: masker, at: positions.map { ($0 / count, $0 % count) })
      },
      rows: {
        // What is hidden follows from the tokens and the masker, which a few sequences tell apart from others.
        let hidden = try (0..<min(count, 64)).map { masker.mask(try corpus[$0], epoch: 0, index: $0) }
        return try corpus.contentFingerprint() + EncodedExample.fingerprint(of: hidden)
      })
  }
}

extension LabeledBatch {
  /// Packs sequences of a corpus, tokens hidden.
  package init(
    _ corpus: TokenizedCorpus, masker: TokenMasker, at places: [(epoch: Int, index: Int)]
  ) throws(TaskDataError) {
    var examples: [EncodedExample] = []
    for (epoch, index) in places {
      examples.append(masker.mask(try corpus[index], epoch: epoch, index: index))
    }
    let batch = LabeledBatch(examples, at: Array(examples.indices))
    self.init(tokens: batch.tokens, targets: batch.targets, indices: places.map(\.index))
  }
}
