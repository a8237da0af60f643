import Distillation
import Encoders
import ModelFormats
import TaskData
import Tensors
import Testing
import Tokenization
import Training

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

/// The words of the error that something throws; empty where it throws none.
func message(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch { return "\(error)" }
}

/// Every fault of a configuration for two models.
func faults(
  _ config: DistillationConfig, teacher: TaskModel, student: TaskModel,
  hasLabels: Bool? = nil
) -> [Fault] {
  config.validate(
    teacher: ModelDescription(teacher, name: "teacher"), student: ModelDescription(student, name: "student"),
    hasLabels: hasLabels)
}

/// Compares the gradients of everything a distiller trains with central differences of its total loss.
func expectGradientsAgree(
  _ distiller: GeneralDistiller, _ batch: LabeledBatch, isTraining: Bool = true,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let context = Context(tape: Tape(), isTraining: isTraining, random: RandomSource(seed: 5))
  let loss = try distiller.loss(batch, progress: 0, in: context)
  context.tape?.backward(from: loss.total)
  for parameter in distiller.groups.flatMap(\.parameters) {
    let gradient = try #require(parameter.gradient, "\(parameter.name) has no gradient").values
    let original = parameter.values
    // The entries with the largest gradients say most against the noise of float32.
    let largest = gradient.indices.sorted { abs(gradient[$0]) > abs(gradient[$1]) }.prefix(2)
    for index in largest {
      let step: Float = 1 / 256
      let value = { (shift: Float) in
        var changed = original
        changed[index] += shift
        parameter.assign(Tensor(changed, shape: parameter.shape))
        return Double(try distiller.loss(batch, progress: 0, in: .inference).total.item)
      }
      let numeric = (try value(step) - value(-step)) / Double(2 * step)
      parameter.assign(Tensor(original, shape: parameter.shape))
      let error = abs(numeric - Double(gradient[index]))
      #expect(
        error < 2e-3 + 0.02 * abs(numeric), "\(parameter.name)[\(index)]: \(gradient[index]), \(numeric)",
        sourceLocation: sourceLocation)
    }
  }
}
