import Compression
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

/// CoFi's layer distillation, against `Tests/Reference/make_mask_fixtures.py`.
@Suite struct ClosestLayersTests {
  private func config(layers: Int, hidden: Int) -> EncoderConfig {
    EncoderConfig(
      vocabularySize: 40, hiddenSize: hidden, layerCount: layers, attentionHeads: 2,
      intermediateSize: 2 * hidden)
  }

  @Test(arguments: [(ClosestLayers.Order.any, "any"), (.teachers, "ordered")])
  func lossesAreThoseOfPyTorch(order: ClosestLayers.Order, name: String) throws {
    let golden = try SafetensorsFile(path: Fixtures.url("masks/layers.safetensors").path)
    func tensor(_ key: String) throws -> Tensor {
      Tensor(try golden.floats(key), shape: Shape(try #require(golden[key]).shape))
    }
    let term = try ClosestLayers(
      teacher: config(layers: 4, hidden: 10), student: config(layers: 5, hidden: 6), layers: [0, 1, 2, 3],
      order: order)
    #expect(term.weight(progress: 0.5) == 0.9)
    term.map.weight.assign(try tensor("map.weight"))
    term.map.bias.assign(try tensor("map.bias"))
    let layers = try (0..<5).map { Parameter(name: "student.\($0)", value: try tensor("student.\($0)")) }
    let tape = Tape()
    let context = Context(tape: tape)
    context.closed = ClosedParts(layers: [1], features: [], of: 0)
    var (own, other) = (Answers(), Answers())
    for (tap, layer) in zip(term.studentTaps, layers) { own.values[tap] = layer.tensor(in: context) }
    for (index, tap) in term.teacherTaps.enumerated() { other.values[tap] = try tensor("teacher.\(index)") }
    let loss = try term.loss(student: own, teacher: other, batch: tinyBatch(), in: context)
    // Float32 beside float64.
    #expect(abs(loss.item - (try golden.floats("\(name).loss")[0])) < 1e-5)
    tape.backward(from: loss)
    for parameter in layers + term.map.parameters {
      let key = parameter.name.replacing("closest_layers", with: "map")
      let expected = try golden.floats("\(name).grad.\(key)")
      let found = parameter.gradient?.values ?? [Float](repeating: 0, count: parameter.count)
      #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(key)")
    }
  }

  @Test func layersAreTheLastOfEachQuarter() throws {
    let student = config(layers: 3, hidden: 8)
    func layers(_ count: Int) throws -> [String] {
      try ClosestLayers(teacher: config(layers: count, hidden: 8), student: student).teacherTaps
    }
    #expect(try layers(12) == [2, 5, 8, 11].map { "encoder.layer.\($0)" })
    #expect(try layers(2) == [0, 1].map { "encoder.layer.\($0)" })
    for wrong in [[], [3, 3], [12], [-1]] {
      #expect(throws: DistillationError.self) {
        try ClosestLayers(teacher: config(layers: 12, hidden: 8), student: student, layers: wrong)
      }
    }
    #expect(ClosestLayers.choice([[2, 1], [1, 2]], order: .teachers) == [0, 0])
    #expect(ClosestLayers.choice([[2, 1], [1, 2]], order: .any) == [1, 0])
  }

  /// The whole of CoFi: masks over a student that learns predictions and layers of a teacher.
  @Test func masksLearnFromATeachersLayers() throws {
    let (teacher, student) = (try tinyModel(layers: 4, seed: 1), try tinyModel(layers: 4, seed: 2))
    let layers = try ClosestLayers(teacher: teacher.config, student: student.config)
    let distiller = try GeneralDistiller(
      DistillationConfig(temperature: 2, kdLossWeight: 0.1), teacher: LiveTeacher(teacher),
      student: student, terms: [layers])
    #expect(distiller.groups.flatMap(\.parameters).contains { $0 === layers.map.weight })
    let before = layers.map.weight.values
    #expect(before == (0..<64).map { $0 % 9 == 0 ? 1 : 0 })
    let examples = (0..<24).map { (index: Int) -> EncodedExample in
      let ids: [Int32] = [2, Int32(4 + index), Int32(10 + index % 7), 3]
      return EncodedExample(ids: ids, segments: [0, 0, 0, 0], label: Int32(index % 3))
    }
    var training = TrainingConfig()
    (training.maxSteps, training.perDeviceTrainBatchSize, training.learningRate) = (400, 8, 1e-3)
    (training.evalStrategy, training.lrSchedulerType) = (.never, .constant)
    let masks = try LearntMaskObjective(
      distiller, of: student, as: LearntMasks(sparsity: 0.5, begin: 10, warmUp: 150), steps: 400)
    let summary = try TrainingLoop(
      config: training, objective: masks, data: TrainingData(examples, config: training)
    ).run()
    #expect(summary.globalStep == 400 && layers.map.weight.values != before)
    #expect(abs(masks.expectedSparsity - 0.5) < 0.1, "\(masks.expectedSparsity)")
    #expect(try masks.cut().model.parameterCount < student.parameterCount)
  }
}
