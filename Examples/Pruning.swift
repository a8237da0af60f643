import Potstill

/// Prunes a model to about half of its size in three cuts, trained on the labels between them.
///
/// - Parameters:
///   - model: A fine-tuned Transformer, which keeps its values.
///   - examples: Rows of its task.
///   - training: The settings of the training between two cuts.
/// - Returns: The smaller model with a report; train or distil it once more before it is saved.
public func prune(
  _ model: TaskModel, examples: [EncodedExample], training: TrainingConfig
) throws -> CompressedModel {
  let pruning = StructuredPruning(to: .share(0.5, of: [.hidden, .neurons]), by: .labels)
  let cuts = IterativePruning(pruning, iterations: 3)
  let rows = CompressionRows(Array(examples.prefix(512)))
  let smaller = try cuts(CompressedModel(model), rows: rows) { model, step in
    let trainer = TaskTrainer(model: model, train: examples, config: training)
    print("cut \(step.number) of \(step.count): loss \(try trainer.train().trainLoss)")
    return model
  }
  for report in smaller.reports { print(report) }
  return smaller
}
