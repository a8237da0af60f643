import Compression
import Datasets
import Encoders
import Foundation
import Kernels
import ModelFormats
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

@Suite struct WeightPruningTests {
  private func objective(
    _ model: TaskModel, _ score: WeightPruning.Score, density: Double = 0.4
  ) -> WeightPruningObjective {
    WeightPruningObjective(
      SupervisedObjective(model), of: model,
      as: WeightPruning(by: score, density: CubicSchedule(from: density, to: density, end: 1)), steps: 10)
  }

  private func batch(_ golden: PruningGolden, _ number: Int = 0) throws -> Batch {
    let examples = try golden.examples(number)
    return Batch(examples, at: Array(examples.indices))
  }

  private func backward(_ objective: WeightPruningObjective, _ batch: Batch, scale: Float = 1) throws {
    let tape = Tape()
    let loss = try objective.loss(batch, progress: 0.5, in: Context(tape: tape))
    tape.backward(from: loss.total, scale: scale)
  }

  private func difference(_ found: [Float], _ expected: [Float]) -> Float {
    guard found.count == expected.count else { return .infinity }
    let largest = max(expected.map(abs).max() ?? 0, 1e-6)
    return zip(found, expected).map { abs($0 - $1) / largest }.max() ?? .infinity
  }

  @Test(arguments: WeightPruning.Score.allCases)
  func gradientsAreThoseOfPyTorch(_ score: WeightPruning.Score) throws {
    let golden = try PruningGolden()
    let file = try SafetensorsFile(path: Fixtures.url("pruning/weights.safetensors").path)
    let model = golden.model
    let before = model.parameters.map(\.values)
    let objective = objective(model, score)
    for (name, parameter) in objective.scores {
      parameter.assign(Tensor(try file.floats("scores.\(name)"), shape: parameter.shape))
    }
    let batch = try batch(golden)
    try backward(objective, batch)
    #expect(objective.scores.count == (score == .movement ? 18 : 0))
    for parameter in model.parameters where file["\(score.rawValue).grad.\(parameter.name)"] != nil {
      let gradient = try #require(parameter.gradient).values
      // Float32 beside float64, relative to the largest.
      #expect(
        difference(gradient, try file.floats("\(score.rawValue).grad.\(parameter.name)")) < 1e-4,
        "\(parameter.name)")
      #expect(gradient.count { $0 == 0 } >= Int(0.6 * Double(gradient.count)))
    }
    for (name, scores) in objective.scores {
      #expect(
        difference(try #require(scores.gradient).values, try file.floats("movement.score_grad.\(name)"))
          < 1e-4,
        "\(name)")
    }
    #expect(model.parameters.map(\.values) == before, "between passes the model holds every weight")
    let logits = objective.masked { model(batch.tokens, in: .inference).logits.values }
    #expect(difference(logits, try file.floats("\(score.rawValue).logits")) < 1e-4)
    #expect(model.parameters.map(\.values) == before)
  }

  @Test func microBatchesAddUp() throws {
    let golden = try PruningGolden()
    let model = golden.model
    let objective = objective(model, .movement)
    let (first, second) = (try batch(golden, 0), try batch(golden, 1))
    func gradients(_ passes: [(Batch, Float)]) throws -> [[Float]] {
      // Keys' biases move no softmax: their gradient is rounding.
      let parameters =
        model.parameters.filter { !$0.name.hasSuffix("key.bias") }
        + objective.scores.sorted { $0.key < $1.key }.map(\.value)
      for parameter in parameters { parameter.zeroGradient() }
      for (batch, scale) in passes { try backward(objective, batch, scale: scale) }
      return parameters.map { $0.gradient?.values ?? [] }
    }
    let together = try gradients([(first, 0.6), (second, 0.4)])
    let apart = (try gradients([(first, 0.6)]), try gradients([(second, 0.4)]))
    for (sum, (a, b)) in zip(together, zip(apart.0, apart.1)) {
      #expect(difference(sum, zip(a, b).map(+)) < 1e-4)
    }
  }

  @Test(arguments: WeightPruning.Score.allCases)
  func aRunEndsWithItsShareOfZeros(_ score: WeightPruning.Score) throws {
    let golden = try PruningGolden()
    let model = golden.model
    let examples = try golden.examples(0) + golden.examples(1)
    var config = TrainingConfig()
    (config.maxSteps, config.perDeviceTrainBatchSize, config.learningRate) = (8, 2, 1e-3)
    config.evalStrategy = .never
    let pruning = WeightPruning(by: score, density: CubicSchedule(from: 1, to: 0.25, begin: 1, end: 6))
    let objective = WeightPruningObjective(SupervisedObjective(model), of: model, as: pruning, steps: 8)
    let summary = try TrainingLoop(
      config: config, objective: objective, data: TrainingData(examples, config: config)
    ).run()
    #expect(summary.globalStep == 8)
    #expect(abs(objective.finish() - 0.75) < 0.01)
    for weight in model.parameters where model.isOfLayers(weight) && weight.shape.rank == 2 {
      let kept = weight.values.count { $0 != 0 }
      #expect(kept == Int(0.25 * Double(weight.count)), "\(weight.name)")
    }
    // Embeddings, head and biases are whole.
    #expect(model.parameters.filter { !model.isOfLayers($0) }.allSatisfy { $0.values.contains { $0 != 0 } })
    if score == .movement {
      #expect(objective.scores.values.contains { $0.values.contains { $0 != 0 } })
    }
  }

  /// Blocks of 32 outputs by one input: the mean of their weights decides, and the model runs without them.
  @Test(arguments: [0.5, 0.75])
  func blocksGoTogether(_ sparsity: Double) throws {
    let golden = try PruningGolden()
    let result = try MagnitudePruning(sparsity: sparsity, block: .outputs32)(
      CompressedModel(golden.model), rows: nil)
    for weight in result.model.parameters where result.model.isOfLayers(weight) && weight.shape.rank == 2 {
      let (outputs, inputs) = (weight.shape[0], weight.shape[1])
      let before = try #require(golden.model.parameters.first { $0.name == weight.name }).values
      let after = weight.values
      var means: [(mean: Float, isKept: Bool)] = []
      for first in stride(from: 0, to: outputs, by: 32) {
        for input in 0..<inputs {
          let places = (first..<min(outputs, first + 32)).map { $0 * inputs + input }
          let isKept = places.contains { after[$0] != 0 }
          #expect(places.allSatisfy { after[$0] == (isKept ? before[$0] : 0) })
          means.append((places.reduce(0) { $0 + abs(before[$1]) } / Float(places.count), isKept))
        }
      }
      let cut = means.filter { !$0.isKept }
      #expect(cut.count == Int((sparsity * Double(means.count)).rounded()), "\(weight.name)")
      // Means added up in another order differ in the last bits.
      #expect((cut.map(\.mean).max() ?? 0) <= (means.filter(\.isKept).map(\.mean).min() ?? 0) * 1.00001)
    }
    #expect("\(result.reports[0])".contains("withoutZeroBlocks"))

    let fast = try result.model.withoutZeroBlocks()
    let batch = try batch(golden)
    let expected = result.model(batch.tokens, in: .inference).logits.values
    // Float32 sums in other orders.
    #expect(difference(fast(batch.tokens, in: .inference).logits.values, expected) < 1e-5)
    #expect(fast.parameters.contains { !$0.isTrainable } && fast.byteCount < result.model.byteCount)
    // Saved, it is the dense model.
    let folder = try TemporaryFolder()
    try fast.save(to: folder.url)
    let again = try TaskModel(directory: folder.url)
    #expect(again.parameters.map(\.values) == result.model.parameters.map(\.values))
    #expect(throws: ModelError.self) { try golden.model.withoutZeroBlocks() }
  }

  @Test(arguments: WeightPruning.Score.allCases)
  func aRunEndsWithItsShareOfZeroBlocks(_ score: WeightPruning.Score) throws {
    let golden = try PruningGolden()
    let examples = try golden.examples(0) + golden.examples(1)
    var config = TrainingConfig()
    (config.maxSteps, config.perDeviceTrainBatchSize, config.learningRate) = (6, 2, 1e-3)
    config.evalStrategy = .never
    let pruning = WeightPruning(
      by: score, density: CubicSchedule(from: 1, to: 0.5, begin: 1, end: 4), block: .outputs32)
    let objective = WeightPruningObjective(
      SupervisedObjective(golden.model), of: golden.model, as: pruning, steps: 6)
    _ = try TrainingLoop(
      config: config, objective: objective, data: TrainingData(examples, config: config)
    ).run()
    objective.finish()
    for weight in golden.model.parameters where golden.model.isOfLayers(weight) && weight.shape.rank == 2 {
      let matrix = BlockMatrix(weight.storage, rows: weight.shape[0], columns: weight.shape[1])
      #expect(abs(matrix.density - 0.5) < 0.02, "\(weight.name)")
    }
  }

  @Test func theSmallestWeightsGo() throws {
    let golden = try PruningGolden()
    let result = try MagnitudePruning(sparsity: 0.5)(golden.model)
    for (before, after) in zip(golden.model.parameters, result.model.parameters) {
      guard golden.model.isOfLayers(before), before.shape.rank == 2 else {
        #expect(before.values == after.values)
        continue
      }
      let pairs = zip(before.values, after.values)
      let lost = pairs.filter { $1 == 0 }.map { abs($0.0) }
      #expect(lost.count == before.count - Int(before.count / 2))
      #expect(pairs.allSatisfy { $1 == 0 || ($0 == $1 && abs($0) >= lost.max() ?? 0) })
    }
    let report = result.reports[0]
    #expect(report.after.parameters == report.before.parameters && report.after.sparsity > 0.3)
    #expect(report.description.contains("of them zero") && report.description.contains("no faster"))
    for sparsity in [-0.1, 1.1, .nan] {
      #expect(throws: CompressionError.self) { try MagnitudePruning(sparsity: sparsity)(golden.model) }
    }
    #expect(try MagnitudePruning(sparsity: 1)(golden.model).model.parameterCount > 0)
  }
}
