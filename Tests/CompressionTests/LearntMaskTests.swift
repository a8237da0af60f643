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

/// The gates of CoFi against `Tests/Reference/make_mask_fixtures.py`, whose formulas were compared with the authors' module.
@Suite struct LearntMaskTests {
  private let golden: SafetensorsFile
  private let model: TaskModel

  init() throws {
    golden = try SafetensorsFile(path: Fixtures.url("masks/golden.safetensors").path)
    model = try TaskModel(directory: Fixtures.url("masks"))
  }

  private func batch() throws -> Batch {
    func integers(_ name: String) throws -> [Int32] { try golden.integers(name).map { Int32($0) } }
    let (ids, segments, labels) = (try integers("ids"), try integers("segments"), try integers("labels"))
    let starts = try integers("starts").map { Int($0) }
    let examples = zip(starts, starts.dropFirst()).enumerated().map { index, ends in
      EncodedExample(
        ids: Array(ids[ends.0..<ends.1]), segments: Array(segments[ends.0..<ends.1]), label: labels[index])
    }
    return Batch(examples, at: Array(examples.indices))
  }

  private func values(_ name: String) throws -> [Double] { try golden.floats(name).map { Double($0) } }

  private func short(_ parameter: Parameter) -> String { String(parameter.name.dropFirst("masks.".count)) }

  /// Masks over the model with the golden parameters.
  private func objective(
    of model: TaskModel? = nil, parts: Set<PrunedPart> = Set(PrunedPart.allCases), sparsity: Double = 0.5
  ) throws -> LearntMaskObjective {
    let model = model ?? self.model
    let objective = try LearntMaskObjective(
      SupervisedObjective(model), of: model, as: LearntMasks(sparsity: sparsity, of: parts, warmUp: 0),
      steps: 10)
    for (_, parameter) in objective.gates.kinds {
      parameter.assign(Tensor(try golden.floats("log_alpha.\(short(parameter))"), shape: parameter.shape))
    }
    for (parameter, value) in zip(objective.gates.multipliers, try golden.floats("lambda")) {
      parameter.assign(Tensor([value]))
    }
    return objective
  }

  /// The pass whose draws the golden file holds.
  private func training(_ tape: Tape? = nil) -> Context {
    Context(tape: tape, isTraining: true, random: RandomSource(seed: 7))
  }

  private func difference(_ found: [Double], _ expected: [Double]) -> Double {
    guard found.count == expected.count else { return .infinity }
    let largest = max(expected.map(abs).max() ?? 0, 1e-6)
    return zip(found, expected).map { abs($0 - $1) / largest }.max() ?? .infinity
  }

  private func difference(_ found: [Float], _ name: String) throws -> Double {
    difference(found.map { Double($0) }, try values(name))
  }

  @Test func gatesAreThoseOfTheAuthors() throws {
    let gates = try objective().gates
    let drawn = gates.drawn(from: RandomSource(seed: 7))
    let settled = gates.settled
    for (kind, parameter) in gates.kinds {
      let name = short(parameter)
      let logAlphas = parameter.values.map { Double($0) }
      // Draws are rounded to float32 in the file, gates once.
      let found = zip(logAlphas, try values("u.\(name)")).map { HardConcrete.gate($0, u: $1).value }
      #expect(difference(found, try values("gates.\(name)")) < 1e-5, "\(name)")
      var expected = try values("gates.\(name)")
      // No head of the last layer is open, so its attention is closed.
      if kind == .attention { expected[3] = 0 }
      #expect(difference(drawn[kind], expected) < 1e-6, "\(name)")
      switch kind {
      case .attention, .feedForward:
        let own = logAlphas.flatMap { HardConcrete.settled([$0]) }
        #expect(difference(own, try values("settled.\(name)")) < 1e-6, "\(name)")
      case .heads, .neurons, .features:
        #expect(difference(HardConcrete.settled(logAlphas), try values("settled.\(name)")) < 1e-6, "\(name)")
      }
    }
    #expect(difference(settled[.features], try values("settled6.features")) < 1e-6)
    #expect(settled[.attention].map { $0 > 0 } == [true, false, true, false])
    #expect(gates.drawn(from: RandomSource(seed: 8))[.features] != drawn[.features])
  }

  @Test func theConstraintIsThatOfTheAuthors() throws {
    for parts in [Set(PrunedPart.allCases), [.layers, .heads, .neurons]] {
      let prefix = parts.contains(.hidden) ? "constraint" : "plain"
      let gates = try objective(parts: parts).gates
      let (sparsity, slopes) = gates.expectedSparsity()
      #expect(
        abs(sparsity - (try values(parts.contains(.hidden) ? "sparsity" : "plain.sparsity")[0])) < 1e-6)
      let tape = Tape()
      let term = gates.constraint(target: 0.5, on: tape)
      tape.backward(from: term.loss)
      for (kind, parameter) in gates.kinds {
        let expected = try values("\(prefix).grad.\(short(parameter))")
        let found =
          parts.contains(.hidden) ? (parameter.gradient?.values ?? []).map { Double($0) } : slopes[kind] ?? []
        // The plain one is of the remaining sparsity itself.
        #expect(difference(found, expected) < 1e-6, "\(prefix) \(parameter.name)")
      }
      guard parts.contains(.hidden) else { continue }
      #expect(abs(Double(term.loss.item) - (try values("constraint")[0])) < 1e-6)
      // The multipliers ascend.
      let ascent = gates.multipliers.map { -($0.gradient?.values[0] ?? 0) }
      #expect(try difference(ascent, "constraint.grad.lambda") < 1e-6)
    }
    let masks = LearntMasks(sparsity: 0.6, begin: 2, warmUp: 5)
    #expect(difference((0..<10).map(masks.target(at:)), try values("targets")) < 1e-6)
  }

  @Test func gradientsAreThoseOfPyTorch() throws {
    let before = model.parameters.map(\.values)
    let objective = try objective(sparsity: 0)
    for parameter in objective.gates.multipliers { parameter.assign(Tensor([0])) }
    let tape = Tape()
    let loss = try objective.loss(batch(), progress: 0.5, in: training(tape))
    #expect(abs(Double(loss.total.item) - (try values("loss")[0])) < 1e-5)
    tape.backward(from: loss.total)
    var compared = 0
    for (_, parameter) in objective.gates.kinds {
      // Float32 beside float64, relative to the largest.
      #expect(
        try difference(#require(parameter.gradient).values, "grad.\(short(parameter))") < 1e-4,
        "\(parameter.name)")
    }
    // Keys' biases move no softmax: their gradient is rounding.
    for parameter in model.parameters where !parameter.name.hasSuffix("key.bias") {
      guard golden["grad.\(parameter.name)"] != nil else { continue }
      compared += 1
      let found = parameter.gradient?.values ?? [Float](repeating: 0, count: parameter.count)
      #expect(try difference(found, "grad.\(parameter.name)") < 1e-4, "\(parameter.name)")
    }
    #expect(compared > 50)
    #expect(model.parameters.map(\.values) == before, "between passes the model holds every weight")
  }

  @Test func microBatchesAddUp() throws {
    let batch = try batch()
    func gradients(_ scales: [Float]) throws -> [[Float]] {
      let objective = try objective()
      let all =
        model.parameters.filter { !$0.name.hasSuffix("key.bias") }
        + objective.gates.kinds.map(\.logAlpha) + objective.gates.multipliers
      for parameter in all { parameter.zeroGradient() }
      for scale in scales {
        let tape = Tape()
        tape.backward(from: try objective.loss(batch, progress: 0.5, in: training(tape)).total, scale: scale)
      }
      return all.map { $0.gradient?.values ?? [] }
    }
    var compared = 0
    for (whole, parts) in zip(try gradients([1]), try gradients([0.25, 0.75])) {
      #expect(whole.count == parts.count)
      // A layer that is passed by has no gradient.
      if whole.isEmpty { continue }
      compared += 1
      #expect(difference(parts.map { Double($0) }, whole.map { Double($0) }) < 1e-4)
    }
    #expect(compared > 60)
  }

  @Test func gradientsAgreeWithCentralDifferences() throws {
    let objective = try objective()
    let batch = try batch()
    let tape = Tape()
    tape.backward(from: try objective.loss(batch, progress: 0.5, in: training(tape)).total)
    // A step that float32 resolves and that moves no gate to its bounds.
    let step: Float = 1 / 256
    for (kind, parameter) in objective.gates.kinds {
      let analytic = try #require(parameter.gradient).values
      let original = parameter.values
      var numeric: [Double] = []
      for index in original.indices {
        let values = try [step, -step].map { shift in
          var changed = original
          changed[index] += shift
          parameter.assign(Tensor(changed, shape: parameter.shape))
          return Double(try objective.loss(batch, progress: 0.5, in: training()).total.item)
        }
        numeric.append((values[0] - values[1]) / Double(2 * step))
      }
      parameter.assign(Tensor(original, shape: parameter.shape))
      let largest = numeric.map(abs).max() ?? 0
      guard largest > 1e-3 else { continue }
      for (index, (a, b)) in zip(analytic, numeric).enumerated() {
        // The loss is good to 1e-7, so differences to 3e-5.
        #expect(abs(Double(a) - b) <= 0.01 * largest + 5e-5, "\(kind) \(index): \(a) and \(b)")
      }
    }
  }

  @Test func theCutModelComputesWhatTheMaskedOneDoes() throws {
    let (objective, batch) = (try objective(), try batch())
    let masked = try objective.loss(batch, progress: 0.5, in: .inference)
    let constraint = masked.parts.first { $0.name == "sparsity_constraint" }?.value ?? .nan
    let expected = Double(masked.total.item - constraint)
    #expect(abs(expected - (try values("settled.loss")[0])) < 1e-5)
    for form in [PrunedForm.compact, .padded] {
      let cut = try objective.cut(as: form)
      let loss = try SupervisedObjective(cut.model).loss(batch, progress: 0, in: .inference)
      #expect(abs(Double(loss.total.item) - expected) < 1e-5, "\(form)")
      let config = cut.model.config
      #expect(config.layerCount == 3 && config.hiddenSize == 18)
      #expect(form == .compact || config.reasonAgainstTransformers == nil)
      #expect(
        cut.reports[0].description.contains("learnt_masks")
          && cut.reports[0].notes.contains { $0.contains("2 of the halves") })
      let folder = try TemporaryFolder()
      try cut.model.save(to: folder.url)
      let again = try TaskModel(directory: folder.url)
      FixedThreads.run {
        #expect(
          again(batch.tokens, in: .inference).logits.values
            == cut.model(batch.tokens, in: .inference).logits.values)
      }
    }
    #expect(throws: CompressionError.self) { try objective.cut(as: .loadable) }
  }

  @Test func somethingIsAlwaysLeft() throws {
    let objective = try objective()
    for (_, parameter) in objective.gates.kinds {
      parameter.assign(Tensor(repeating: -4.5, shape: parameter.shape))
    }
    let config = try objective.cut().model.config
    #expect(config.layerCount == 1 && config.hiddenSize == 6 && config.headCounts == [1])
  }

  @Test func twoPassesOfOneSeedAreEqual() throws {
    let (objective, batch) = (try objective(), try batch())
    try FixedThreads.run {
      let losses = try (0..<2).map { _ in try objective.loss(batch, progress: 0.5, in: training()).total.item
      }
      #expect(losses[0] == losses[1])
      let other = Context(isTraining: true, random: RandomSource(seed: 9))
      #expect(try objective.loss(batch, progress: 0.5, in: other).total.item != losses[0])
    }
  }

  @Test func frozenEmbeddingsStillSayWhichFeaturesMatter() throws {
    let batch = try batch()
    func gradient(frozen: Bool) throws -> [Float] {
      let objective = try objective()
      for parameter in model.parameters where parameter.name.contains("embeddings.") {
        parameter.zeroGradient()
        parameter.isTrainable = !frozen
      }
      let tape = Tape()
      tape.backward(from: try objective.loss(batch, progress: 0.5, in: training(tape)).total)
      let word = try #require(model.parameters.first { $0.name.contains("word_embeddings") })
      #expect((word.gradient == nil) == frozen && word.isTrainable == !frozen)
      return try #require(objective.gates.kinds.last?.logAlpha.gradient).values
    }
    let (open, frozen) = (try gradient(frozen: false), try gradient(frozen: true))
    #expect(difference(frozen.map { Double($0) }, open.map { Double($0) }) < 1e-5)
  }

  /// A toy task: which of two words begins the text.
  @Test func aRunReachesItsSparsity() throws {
    var config = EncoderConfig(
      vocabularySize: 12, hiddenSize: 16, layerCount: 3, attentionHeads: 4, intermediateSize: 32)
    (config.maxPositions, config.initializerRange, config.labels) = (8, 0.3, ["a", "b"])
    (config.hiddenDropout, config.attentionDropout) = (0, 0)
    let model = try TaskModel(config: config, seed: 3)
    let examples = (0..<64).map { (index: Int) -> EncodedExample in
      let ids: [Int32] = [2, Int32(4 + index % 2), Int32(6 + index % 5), 3]
      return EncodedExample(ids: ids, segments: [0, 0, 0, 0], label: Int32(index % 2))
    }
    var training = TrainingConfig()
    (training.maxSteps, training.perDeviceTrainBatchSize, training.learningRate) = (300, 16, 1e-3)
    (training.evalStrategy, training.lrSchedulerType) = (.never, .constant)
    let objective = try LearntMaskObjective(
      SupervisedObjective(model), of: model, as: LearntMasks(sparsity: 0.6, warmUp: 100), steps: 300)
    #expect(objective.expectedSparsity < 0.12)
    let summary = try TrainingLoop(
      config: training, objective: objective, data: TrainingData(examples, config: training)
    ).run()
    #expect(summary.globalStep == 300)
    #expect(abs(objective.expectedSparsity - 0.6) < 0.05, "\(objective.expectedSparsity)")
    let cut = try objective.cut()
    func size(_ model: TaskModel) -> Double {
      let matrices = model.parameters.filter { model.isOfLayers($0) && !$0.name.contains("LayerNorm") }
      return Double(matrices.reduce(0) { $0 + $1.count })
    }
    #expect(size(cut.model) < 0.6 * size(model), "\(cut.reports[0])")
    let batch = Batch(examples, at: Array(examples.indices))
    let logits = cut.model(batch.tokens, in: .inference).logits.values
    let right = examples.indices.count { index in
      let saysSecond = logits[2 * index] < logits[2 * index + 1]
      return saysSecond == (index % 2 == 1)
    }
    #expect(right >= 60, "\(right) of 64")
  }

  @Test func whatCannotBeIsRefused() throws {
    func problem(_ masks: LearntMasks, _ model: TaskModel) -> String {
      do {
        _ = try LearntMaskObjective(SupervisedObjective(model), of: model, as: masks, steps: 10)
        return ""
      } catch { return error.description }
    }
    let wrong: [(LearntMasks, String)] = [
      (LearntMasks(sparsity: 1, warmUp: 0), "sparsity: found 1.0"),
      (LearntMasks(sparsity: .nan, warmUp: 0), "sparsity: found nan"),
      (LearntMasks(sparsity: 0.5, of: [], warmUp: 0), "parts: found none"),
      (LearntMasks(sparsity: 0.5, learningRate: 0, warmUp: 0), "learning rate of the masks: found 0.0"),
      (LearntMasks(sparsity: 0.5, begin: -1, warmUp: 0), "found begin -1"),
    ]
    for (masks, text) in wrong {
      #expect(problem(masks, model).contains(text), "\(text)")
    }
    #expect(problem(LearntMasks(sparsity: 0.5, warmUp: 0), try model.quantized()).contains("8-bit integers"))
  }
}
