import Datasets
import Distillation
import Encoders
import Foundation
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Training

/// BERT-of-Theseus against models that are built of the layers it runs through.
@Suite struct TheseusTests {
  private func pair(dropout: Float = 0) throws -> (teacher: TaskModel, student: TaskModel) {
    let teacher = try tinyModel(layers: 4, dropout: dropout, seed: 3)
    return (teacher, try TaskModel.student(.selected(.first, layerCount: 2), of: teacher))
  }

  private func examples(_ count: Int) -> [EncodedExample] {
    let random = RandomSource(seed: 9)
    return (0..<count).map { index in
      let ids = (0..<4).map { Int32(5 + random.bits(at: UInt64(index * 8 + $0)) % 35) }
      return EncodedExample(
        ids: [2] + ids + [3], segments: [Int32](repeating: 0, count: 6),
        label: index % 7 == 0 ? EncodedExample.noLabel : Int32(ids[0] % 3))
    }
  }

  private func training() -> TrainingConfig {
    var config = TrainingConfig()
    config.learningRate = 5e-3
    config.perDeviceTrainBatchSize = 8
    config.numTrainEpochs = 4
    config.saveStrategy = .never
    return config
  }

  @Test func keptBlocksAreTheTeachers() throws {
    let (teacher, student) = try pair()
    let batch = tinyBatch().tokens
    func logits(_ blocks: [Range<Int>?]) -> [Float] {
      student(batch, keeping: blocks, of: teacher, in: .inference).logits.values
    }
    #expect(logits([0..<2, 2..<4]) == teacher(batch, in: .inference).logits.values)
    #expect(logits([nil, nil]) == student(batch, in: .inference).logits.values)
    // The student's layers are copies of the teacher's first two.
    let mixed = try TaskModel.student(from: teacher, layers: [0, 2, 3])
    #expect(logits([nil, 2..<4]) == mixed(batch, in: .inference).logits.values)
    let other = try TaskModel.student(from: teacher, layers: [0, 1, 1])
    #expect(logits([0..<2, nil]) == other(batch, in: .inference).logits.values)
  }

  @Test func gradientsPassThroughKeptBlocksToReplacedOnes() throws {
    let (teacher, student) = try pair()
    _ = try TheseusDistiller(teacher: teacher, student: student)
    func gradients(_ model: TaskModel, _ run: (Context) -> Tensor) -> [String: [Float]] {
      let context = Context(tape: Tape())
      context.tape?.backward(from: run(context).softmaxCrossEntropy(labels: [2, -100, 0]))
      return Dictionary(
        uniqueKeysWithValues: model.parameters.compactMap { p in p.gradient.map { (p.name, $0.values) } })
    }
    let batch = tinyBatch().tokens
    let found = gradients(student) { context in
      student(batch, keeping: [nil, 2..<4], of: teacher, in: context).logits
    }
    let whole = try TaskModel.student(from: teacher, layers: [0, 2, 3])
    let expected = gradients(whole) { whole(batch, in: $0).logits }
    #expect(found.count == 16 && found.keys.allSatisfy { $0.contains("encoder.layer.0.") })
    for (name, values) in found { #expect(values == expected[name], "\(name)") }
    #expect(teacher.parameters.allSatisfy { $0.gradient == nil })
  }

  @Test func ratesFollowTheirCurriculum() throws {
    let linear = TheseusConfig(replacingRate: 0.3, schedulerLinearK: 0.1)
    #expect([0, 1, 7, 8, 100].map { linear.rate(at: $0, of: 10) } == [0.3, 0.1 * 1 + 0.3, 1, 1, 1])
    let constant = TheseusConfig(replacingRate: 0.5, stepsForReplacing: 3)
    #expect((0..<5).map { constant.rate(at: $0, of: 5) } == [0.5, 0.5, 0.5, 1, 1])
    let half = TheseusConfig(replacingRate: 0.2)
    #expect(half.rate(at: 0, of: 40) == 0.2)
    #expect(abs(half.rate(at: 10, of: 40) - 0.6) < 1e-12 && half.rate(at: 20, of: 40) == 1)
  }

  @Test func theLossIsTheTasksOfTheModelThatRan() throws {
    let (teacher, student) = try pair()
    let batch = tinyBatch()
    let always = try TheseusDistiller(TheseusConfig(replacingRate: 1), teacher: teacher, student: student)
    let own = try SupervisedObjective(student).loss(batch, progress: 0, in: .inference).total.item
    let loss = try always.loss(batch, progress: 0, in: .inference)
    #expect(loss.total.item == own && loss.parts.first?.value == 1)
    let never = try TheseusDistiller(
      TheseusConfig(replacingRate: 1e-12, schedulerLinearK: 0), teacher: teacher, student: student)
    let others = try SupervisedObjective(teacher).loss(batch, progress: 0, in: .inference).total.item
    #expect(try never.loss(batch, progress: 0.9, in: .inference).total.item == others)
  }

  @Test func blocksAreReplacedAsOftenAsTheRateSays() throws {
    let (teacher, student) = try pair()
    let distiller = try TheseusDistiller(teacher: teacher, student: student)
    #expect(distiller.blocks == [0..<2, 2..<4])
    var counts = [0, 0, 0, 0]
    for step in 0..<4000 {
      let context = Context(random: RandomSource(seed: 1, stream: UInt64(step) << 32))
      let kept = distiller.keptBlocks(rate: 0.3, in: context)
      counts[(kept[0] == nil ? 1 : 0) + (kept[1] == nil ? 2 : 0)] += 1
    }
    // 0.49, 0.21, 0.21 and 0.09 of them; four standard deviations are at most 0.032.
    for (count, share) in zip(counts, [0.49, 0.21, 0.21, 0.09]) {
      #expect(abs(Double(count) / 4000 - share) < 0.032)
    }
  }

  @Test func onlyTheStudentsLayersLearn() throws {
    let (teacher, student) = try pair()
    let before = (teacher.parameters + student.parameters).map(\.values)
    let distiller = try TheseusDistiller(teacher: teacher, student: student)
    let summary = try distiller.train(examples(48), config: training())
    #expect(summary.globalStep == 24)
    for (parameter, values) in zip(teacher.parameters + student.parameters, before) {
      let moves = student.parameters.contains { $0 === parameter } && parameter.name.contains("encoder.layer")
      #expect((parameter.values != values) == moves, "\(parameter.name)")
    }
  }

  @Test func resumedRunsAreTheSameToTheBit() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "theseus-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FixedThreads.run {
      func run(from step: Int? = nil) throws -> TaskModel {
        let (teacher, student) = try pair(dropout: 0.1)
        let distiller = try TheseusDistiller(teacher: teacher, student: student)
        var config = training()
        (config.saveStrategy, config.saveSteps, config.saveTotalLimit) = (.steps, 7, nil)
        try distiller.train(
          examples(48), config: config, checkpoints: CheckpointFolder(folder),
          resumingFrom: step.map { .checkpoint(folder.appending(path: "checkpoint-\($0)")) })
        return student
      }
      let whole = try run()
      let resumed = try run(from: 7)
      for (a, b) in zip(whole.parameters, resumed.parameters) {
        #expect(a.values == b.values, "\(a.name)")
      }
    }
  }

  @Test func everyFaultIsNamed() throws {
    let (teacher, student) = try pair()
    func faults(_ config: TheseusConfig, _ student: TaskModel) -> [Fault] {
      do {
        _ = try TheseusDistiller(config, teacher: teacher, student: student)
        return []
      } catch {
        guard case .invalidConfiguration(let faults) = error else { return [] }
        return faults
      }
    }
    let wrong = TheseusConfig(replacingRate: 0, schedulerLinearK: -1, stepsForReplacing: -2)
    #expect(
      faults(wrong, student).map(\.field) == [
        "replacing_rate", "scheduler_linear_k", "steps_for_replacing", "steps_for_replacing",
      ])
    #expect(
      faults(TheseusConfig(), try tinyModel(layers: 2, hidden: 12, seed: 1)).map(\.field) == ["student"])
    let stranger = faults(TheseusConfig(), try tinyModel(layers: 2, seed: 8))
    #expect(stranger.first?.message.contains("embeddings and head are shared") == true)
    #expect(
      faults(TheseusConfig(), try tinyModel(layers: 5, seed: 3)).first?.message.contains("at most") == true)
  }
}
