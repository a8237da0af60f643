import Datasets
import Distillation
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

/// Students that are trained as the 8-bit integers of their matrices compute.
@Suite struct QuantizationAwareTests {
  private let examples = (0..<24).map { (index: Int) -> EncodedExample in
    let ids: [Int32] = [2, Int32(4 + index), Int32(10 + index % 7), 3]
    return EncodedExample(ids: ids, segments: [0, 0, 0, 0], label: Int32(index % 3))
  }

  private func settings(aware: Bool) -> TrainingConfig {
    var config = TrainingConfig()
    (config.maxSteps, config.perDeviceTrainBatchSize, config.learningRate) = (150, 8, 3e-3)
    (config.evalStrategy, config.quantizationAware) = (.never, aware)
    return config
  }

  private func logits(_ model: TaskModel) -> [Float] {
    model(Batch(examples, at: Array(examples.indices)).tokens, in: .inference).logits.values
  }

  @Test func theIntegersAnswerAsTheStudentWasTrained() throws {
    let (teacher, student) = (try tinyModel(layers: 3, seed: 1), try tinyModel(seed: 2))
    let before = student.parameters.map(\.values)
    let distiller = try GeneralDistiller(
      DistillationConfig(temperature: 2), teacher: LiveTeacher(teacher), student: student)
    try distiller.train(examples, config: settings(aware: true))
    #expect(student.simulatesInt8 && !student.isQuantized)
    // Keys' biases have no gradient but rounding.
    #expect(zip(before, student.parameters).allSatisfy { $0 != $1.values })
    let integers = try student.quantized()
    FixedThreads.run {
      #expect(logits(integers) == logits(student))
    }
    // A loss that has fallen, through the rounding.
    let answers = Tensor(logits(teacher), shape: [24, 3])
    func distance(_ model: TaskModel) -> Float {
      Tensor(logits(model), shape: [24, 3]).softCrossEntropy(teacher: answers, temperature: 1).item
    }
    let fresh = distance(try tinyModel(seed: 2))
    #expect(distance(student) < fresh - 0.004, "\(distance(student)) beside \(fresh)")
  }

  @Test func withoutTheSettingNothingIsRounded() throws {
    let student = try tinyModel(seed: 2)
    _ = try TaskTrainer(model: student, train: examples, config: settings(aware: false)).train()
    #expect(!student.simulatesInt8)
    _ = try TaskTrainer(model: student, train: examples, config: settings(aware: true)).train()
    #expect(student.simulatesInt8)
  }

  @Test func theSettingIsReadWrittenAndChecked() throws {
    let config = try TrainingConfig(json: ["quantization_aware": true])
    #expect(config.quantizationAware && config.json["quantization_aware"] == true)
    #expect(throws: TrainingError.self) { try TrainingConfig(json: ["quantization_aware": "yes, please"]) }
    let integers = try tinyModel(seed: 2).quantized()
    #expect(
      message { try integers.prepare(as: settings(aware: true)) }.contains("quantization_aware: is true, but")
    )
  }
}
