import Distillation
import Encoders
import TaskData
import Tensors
import Testing
import Tokenization

/// A tiny classifier with weights large enough that every layer matters.
func tinyModel(
  layers: Int = 2, hidden: Int = 8, heads: Int = 2, vocabulary: Int = 40,
  labels: [String] = ["bad", "fine", "good"],
  dropout: Float = 0, seed: UInt64 = 1
) throws -> TaskModel {
  var config = EncoderConfig(
    vocabularySize: vocabulary, hiddenSize: hidden, layerCount: layers, attentionHeads: heads,
    intermediateSize: 2 * hidden)
  config.maxPositions = 8
  config.hiddenDropout = dropout
  config.attentionDropout = dropout
  config.initializerRange = 0.3
  config.labels = labels
  return try TaskModel(config: config, seed: seed)
}

/// Three sequences, the second without a label.
func tinyBatch() -> LabeledBatch {
  LabeledBatch(
    tokens: TokenBatch(sequences: [
      ([2, 11, 12, 3], [0, 0, 0, 0]), ([2, 21, 3], [0, 0, 0]), ([2, 31, 32, 3], [0, 1, 1, 1]),
    ]), labels: [2, -100, 0], indices: [0, 1, 2])
}

/// A pass that records.
func recording() -> Context { Context(tape: Tape(), isTraining: true, random: RandomSource(seed: 5)) }

/// Every fault of a configuration for two models.
func faults(
  _ config: DistillationConfig, teacher: TaskModel, student: TaskModel,
  hasLabels: Bool? = nil
) -> [DistillationFault] {
  config.validate(
    teacher: ModelDescription(teacher, name: "teacher"), student: ModelDescription(student, name: "student"),
    hasLabels: hasLabels)
}
