import Datasets
import Distillation
import Encoders
import ModelFormats
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
func tinyBatch() -> Batch {
  Batch(
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

/// Compares the gradients of everything a distiller trains with central differences of its total loss in every entry.
func expectGradientsAgree(
  _ distiller: GeneralDistiller, _ batch: Batch, isTraining: Bool = true,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  for fault in try gradientFaults(distiller, batch, isTraining: isTraining) {
    Issue.record("\(fault)", sourceLocation: sourceLocation)
  }
}

/// Differences between the gradients of everything a distiller trains and central differences, a sentence each.
///
/// Errors are measured against the parameter's largest central difference. Beside it stands what float32 leaves of a
/// difference: two losses, each good to four units in its last place, over the step. A parameter whose derivatives all
/// drown in that is a fault, as one without a gradient is; only biases of keys may, which a softmax over keys takes out
/// again.
func gradientFaults(
  _ distiller: GeneralDistiller, _ batch: Batch, isTraining: Bool = true
) throws -> [String] {
  let context = Context(tape: Tape(), isTraining: isTraining, random: RandomSource(seed: 5))
  let loss = try distiller.loss(batch, progress: 0, in: context)
  context.tape?.backward(from: loss.total)
  let step: Float = 1 / 256
  let noise = 8 * Double(loss.total.item.ulp) / Double(2 * step)
  var faults: [String] = []
  for parameter in distiller.groups.flatMap(\.parameters) {
    guard let gradient = parameter.gradient?.values else {
      faults.append("\(parameter.name) has no gradient")
      continue
    }
    let original = parameter.values
    func value(_ index: Int, _ shift: Float) throws -> Double {
      var changed = original
      changed[index] += shift
      parameter.assign(Tensor(changed, shape: parameter.shape))
      return Double(try distiller.loss(batch, progress: 0, in: .inference).total.item)
    }
    let numeric = try original.indices.map { try (value($0, step) - value($0, -step)) / Double(2 * step) }
    parameter.assign(Tensor(original, shape: parameter.shape))
    let largest = numeric.map(abs).max() ?? 0
    if !(largest > noise), !parameter.name.hasSuffix("key.bias") {
      faults.append("\(parameter.name) hardly changes the loss: \(largest)")
    }
    // Not `>`, which lets values pass that are no numbers.
    for index in gradient.indices
    where !(abs(numeric[index] - Double(gradient[index])) <= 0.02 * largest + noise) {
      faults.append(
        "\(parameter.name)[\(index)]: \(gradient[index]), central difference \(numeric[index]), "
          + "the largest is \(largest)")
    }
  }
  return faults
}

/// One of several teachers and its weight.
struct WeightedTeacher {
  let teacher: any Teacher
  let weight: Double

  init(_ teacher: any Teacher, _ weight: Double = 1) { (self.teacher, self.weight) = (teacher, weight) }
}

/// A distiller of several teachers, whose outputs are put into the student's order.
func severalTeachers(
  _ config: DistillationConfig, teachers: [WeightedTeacher], average: TeacherAverage = .logits,
  student: TaskModel
) throws -> GeneralDistiller {
  try GeneralDistiller(
    config,
    teacher: TeacherEnsemble(
      teachers.map(\.teacher), weights: teachers.map(\.weight), average: average,
      labels: student.config.labels),
    student: student)
}

extension GeneralDistiller {
  /// A distiller of a model whose output, and whose student's output, adaptors read.
  convenience init(
    _ config: DistillationConfig, teacher: TaskModel, student: TaskModel, adaptorT: Adaptor?,
    adaptorS: Adaptor? = nil
  ) throws {
    try self.init(
      config, teacher: LiveTeacher(teacher, adaptor: adaptorT), student: student, adaptor: adaptorS)
  }
}
