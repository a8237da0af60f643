import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

@Suite("Optimizers")
struct OptimizerTests {
  @Test("ranks share the states: each parameter has one owner, and none has much more than its part")
  func shares() {
    let sizes = [40, 1, 30, 0, 30, 20, 7, 7, 1]
    for ranks in 1...5 {
      let owners = OptimizerShares.owners(of: sizes, ranks: ranks)
      #expect(owners.count == sizes.count && owners.allSatisfy { 0..<ranks ~= $0 })
      let loads = (0..<ranks).map { rank in zip(owners, sizes).reduce(0) { $0 + ($1.0 == rank ? $1.1 : 0) } }
      // The largest first, each to the least loaded: at most 4/3 of the best (Graham 1969), which is at least the mean.
      let best = Double(max(40, (sizes.reduce(0, +) + ranks - 1) / ranks))
      #expect(Double(loads.max() ?? 0) <= best * 4 / 3, "\(ranks): \(loads)")
    }
    #expect(OptimizerShares.owners(of: [5, 5, 5], ranks: 2) == [0, 1, 0])
  }

  @Test("six steps of AdamW, SGD, LAMB and Adafactor equal PyTorch's: groups, clipping, a missing gradient")
  func golden() throws {
    for golden in try #require(try JSONValue(contentsOf: Fixtures.url("training/optimizers.json")).arrayValue)
    {
      let run = try GoldenRun(golden)
      for step in try #require(golden["steps"]?.arrayValue) {
        let norm = try run.apply(step)
        #expect(abs(norm - (step["norm"]?.doubleValue ?? .nan)) < 1e-5)
        for (parameter, values) in zip(run.parameters, try #require(step["values"]?.arrayValue)) {
          for (value, expected) in zip(parameter.values, floats(values)) {
            // Float32 against float64 over a few steps of size at most 0.5.
            #expect(abs(value - expected) <= 2e-6 * max(1, abs(expected)), "\(run.name)")
          }
        }
      }
    }
  }

  @Test("a state saved and loaded again goes on to the bit")
  func state() throws {
    let folder = try TemporaryFolder()
    for golden in try #require(try JSONValue(contentsOf: Fixtures.url("training/optimizers.json")).arrayValue)
    {
      let steps = try #require(golden["steps"]?.arrayValue)
      let straight = try GoldenRun(golden)
      for step in steps { try straight.apply(step) }
      let before = try GoldenRun(golden)
      for step in steps.prefix(3) { try before.apply(step) }
      let file = folder.url.appending(path: "optimizer.safetensors")
      try before.optimizer.save(to: file)
      let after = try GoldenRun(golden)
      for (target, source) in zip(after.parameters, before.parameters) { target.assign(source.detached) }
      try after.optimizer.load(from: file)
      for step in steps.dropFirst(3) { try after.apply(step) }
      #expect(after.parameters.map(\.values) == straight.parameters.map(\.values))
    }
  }

  @Test(
    "a table's rows without gradients get the same bits whether they are skipped or not",
    arguments: [0, 0.1],
    [false, true])
  func rowsOfATable(decay: Double, isTied: Bool) throws {
    /// Six steps of two micro-batches that use some rows of a table, others in each; halfway the state is reloaded.
    /// A tied table is in some of them also the weight of a decoder, whose gradient reaches every row.
    func run(skipping: Bool, reloading: Bool = false) throws -> [[Float]] {
      let values = (0..<40 * 4).map { Float($0 % 23) / 10 - 1 }
      let table = Parameter(name: "table", value: Tensor(values, shape: [40, 4]))
      let position = Parameter(name: "position", value: Tensor(repeating: 0.5, shape: [3, 4]))
      func fresh() throws -> Optimizer {
        try Optimizer(
          .adamW(), groups: [ParameterGroup(name: "all", parameters: [table, position])], learningRate: 0.05,
          weightDecay: decay)
      }
      var optimizer = try fresh()
      var norms: [Float] = []
      for step in 0..<6 {
        for micro in 0..<2 {
          let tape = Tape()
          let context = Context(tape: tape)
          let ids = (0..<3).map { Int32((step * 7 + micro * 3 + $0 * $0) % 30) }
          let rows = Tensor.embedding(
            word: table.tensor(in: context), position: position.tensor(in: context), segment: nil, ids: ids,
            positions: [0, 1, 2],
            segments: [])
          var loss = (rows * rows).mean()
          if isTied, step % 3 != 0, micro == step % 2 {
            let decoded = rows.linear(LinearWeights(table.tensor(in: context)))
            loss = loss + (decoded * decoded).mean()
          }
          // A dense contribution of zeros makes every row count.
          if !skipping {
            loss = loss + table.tensor(in: context).sum() * 0
          }
          tape.backward(from: loss)
        }
        norms.append(Float(optimizer.gradientNorm()))
        optimizer.step()
        optimizer.zeroGradients()
        if reloading && step == 2 {
          let folder = try TemporaryFolder()
          let file = folder.url.appending(path: "optimizer.safetensors")
          try optimizer.save(to: file)
          optimizer = try fresh()
          try optimizer.load(from: file)
        }
      }
      return [table.values, position.values, norms]
    }
    let skipping = try run(skipping: true)
    #expect(try skipping == run(skipping: false))
    #expect(try skipping == run(skipping: true, reloading: true))
    #expect(skipping[2].allSatisfy { $0 > 0 })
  }

  @Test(
    "three updates of a masked language model move its shared word table as PyTorch's do",
    arguments: ["bert", "roberta", "xlm-roberta", "electra", "distilbert"])
  func tiedDecoder(_ name: String) throws {
    let directory = Fixtures.url("heads/\(name)/masked")
    let golden = try SafetensorsFile(path: directory.appending(path: "golden.safetensors").path)
    let (ids, starts) = (try golden.integers("ids"), try golden.integers("starts"))
    let segments = try golden.integers("segments")
    let batch = TokenBatch(
      sequences: zip(starts, starts.dropFirst()).map {
        (ids[$0..<$1].map { Int32($0) }, segments[$0..<$1].map { Int32($0) })
      })
    let model = try TaskModel(directory: directory)
    let optimizer = try Optimizer(
      .adamW(), groups: [ParameterGroup(name: "all", parameters: model.parameters)], learningRate: 0.01,
      weightDecay: 0.1)
    for step in 0..<3 {
      let tags = try golden.integers(step == 0 ? "tags" : "tags.\(step)").map { Int32($0) }
      let rows = tags.indices.filter { tags[$0] >= 0 }
      let context = Context(tape: Tape())
      let logits = model(batch, rows: rows.map { Int32($0) }, in: context).logits
      let loss = logits.softmaxCrossEntropy(labels: rows.map { tags[$0] })
      context.tape?.backward(from: loss)
      optimizer.step()
      optimizer.zeroGradients()
    }
    let words = try #require(model.parameters.first { $0.name.hasSuffix("word_embeddings.weight") })
    let expected = try golden.floats("stepped")
    // An update is about 0.01 whatever the gradient's size, so what rounding changes in the smallest ones shows most.
    #expect(zip(words.values, expected).allSatisfy { abs($0 - $1) < 2e-5 })
    #expect(words.count == expected.count)
  }

  @Test("fifty updates of a classifier of XLM-R have PyTorch's losses")
  func fiftyUpdates() throws {
    let directory = Fixtures.url("encoders/xlm-roberta")
    let golden = try SafetensorsFile(path: directory.appending(path: "golden.safetensors").path)
    // Without the padding token that somebody wrote into a text, whose row PyTorch keeps from training.
    let ids = try golden.integers("ids").map { $0 == 1 ? 7 : Int32($0) }
    let (starts, labels) = (try golden.integers("starts"), try golden.integers("labels").map { Int32($0) })
    let batch = TokenBatch(
      sequences: zip(starts, starts.dropFirst()).map {
        (Array(ids[$0..<$1]), .init(repeating: 0, count: $1 - $0))
      })
    let model = try TaskModel(directory: directory)
    let optimizer = try Optimizer(
      .adamW(), groups: [ParameterGroup(name: "all", parameters: model.parameters)], learningRate: 1e-3,
      weightDecay: 0.1)
    for (step, expected) in try golden.floats("losses").enumerated() {
      let context = Context(tape: Tape())
      let loss = model(batch, in: context).logits.softmaxCrossEntropy(
        labels: labels.map { ($0 + Int32(step)) % 3 })
      // Float32 against float64: what one step loses is moved on by the next ones, a hundred times 1e-7 in fifty.
      #expect(abs(loss.item - expected) < 1e-5, "update \(step)")
      context.tape?.backward(from: loss)
      optimizer.step()
      optimizer.zeroGradients()
    }
  }

  @Test("results do not depend on the number of threads")
  func threads() throws {
    func run() throws -> (values: [Float], norm: Double) {
      let count = 300_001
      let parameter = Parameter(
        name: "w", value: Tensor((0..<count).map { Float($0 % 977) / 977 }, shape: [1, count]))
      let optimizer = try Optimizer(
        .adamW(), groups: ParameterGroup.decayGroups([parameter]), learningRate: 1e-2, weightDecay: 0.1)
      var norm = 0.0
      for step in 0..<3 {
        setGradient(of: parameter, (0..<count).map { Float(($0 * 31 + step) % 1009) / 1009 - 0.5 })
        norm = optimizer.gradientNorm()
        optimizer.step(gradientScale: Optimizer.clippingFactor(norm: norm, maximum: 1))
      }
      return (parameter.values, norm)
    }
    let (one, two, five) = (
      try FixedThreads.run(1) { try run() }, try FixedThreads.run(2) { try run() },
      try FixedThreads.run(5) { try run() }
    )
    let equal = one.values == two.values && one.values == five.values
    #expect(equal)
    #expect(one.norm == two.norm && one.norm == five.norm)
  }

  @Test("decay groups of a BERT classifier are those of Trainer")
  func decayNames() throws {
    for entry in try #require(try JSONValue(contentsOf: Fixtures.url("training/decay_names.json")).arrayValue)
    {
      let name = try #require(entry["name"]?.stringValue)
      let rank = try #require(entry["rank"]?.intValue)
      #expect(ParameterGroup.decays(name: name, rank: rank) == entry["decays"]?.boolValue, "\(name)")
    }
    #expect(!ParameterGroup.decays(name: "blocks.0.norm.weight", rank: 2))
    #expect(!ParameterGroup.decays(name: "final_norm.weight", rank: 2))
    #expect(ParameterGroup.decays(name: "normaliser.weight", rank: 2))
  }

  @Test("two parameters of one name, and one parameter in two groups, are refused")
  func names() throws {
    let a = Parameter(name: "w", value: Tensor([1, 2]))
    let b = Parameter(name: "w", value: Tensor([1, 2]))
    #expect(throws: TrainingError.self) {
      try Optimizer(.sgd(), groups: [ParameterGroup(name: "g", parameters: [a, b])], learningRate: 1)
    }
    let groups = [ParameterGroup(name: "g", parameters: [a]), ParameterGroup(name: "h", parameters: [a])]
    let error = #expect(throws: TrainingError.self) {
      try Optimizer(.sgd(), groups: groups, learningRate: 1)
    }
    #expect(error?.description.contains("w.") == true)
  }

  @Test("frozen parameters stay as they are")
  func frozen() throws {
    let parameter = Parameter(name: "w", value: Tensor([1, 2]))
    let optimizer = try Optimizer(
      .sgd(), groups: [ParameterGroup(name: "g", parameters: [parameter])], learningRate: 1)
    setGradient(of: parameter, [1, 1])
    parameter.isTrainable = false
    optimizer.step()
    #expect(parameter.values == [1, 2])
    parameter.isTrainable = true
    optimizer.step()
    #expect(parameter.values == [0, 1])
  }
}

private func floats(_ value: JSONValue) -> [Float] {
  (value.arrayValue ?? []).map { Float($0.doubleValue ?? .nan) }
}

/// Gives a parameter a gradient of known values through the tape: d(Σ g p)/dp = g.
func setGradient(of parameter: Parameter, _ values: [Float]) {
  parameter.zeroGradient()
  let context = Context(tape: Tape())
  let product = parameter.tensor(in: context) * Tensor(values, shape: parameter.shape)
  context.tape?.backward(from: product.sum())
}

/// One golden case with its parameters and optimizer.
private struct GoldenRun {
  let name: String
  let parameters: [Parameter]
  let optimizer: Optimizer
  let maximum: Double

  init(_ golden: JSONValue) throws {
    let initial = try #require(golden["initial"]?.arrayValue)
    parameters = [
      Parameter(name: "weight", value: Tensor(floats(initial[0]), shape: [3, 4])),
      Parameter(name: "bias", value: Tensor(floats(initial[1]))),
    ]
    let options = try #require(golden["options"])
    name = try #require(golden["optimizer"]?.stringValue)
    let beta1 = options["betas"]?[0]?.doubleValue ?? 0
    let beta2 = options["betas"]?[1]?.doubleValue ?? 0
    let epsilon = options["eps"]?.doubleValue ?? 0
    let rule: OptimizerConfig =
      switch name {
      case "adamw": .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon)
      case "lamb":
        .lamb(
          beta1: beta1, beta2: beta2, epsilon: epsilon,
          correctsBias: options["bias_correction"]?.boolValue ?? true)
      case "adafactor":
        .adafactor(
          beta1: options["beta1"]?.doubleValue,
          clippingThreshold: options["clip_threshold"]?.doubleValue ?? 1,
          decayRate: options["decay_rate"]?.doubleValue ?? -0.8,
          scalesByWeights: options["scale_parameter"]?.boolValue ?? false)
      default:
        .sgd(
          momentum: options["momentum"]?.doubleValue ?? 0, nesterov: options["nesterov"]?.boolValue ?? false)
      }
    maximum = golden["max_norm"]?.doubleValue ?? 0
    optimizer = try Optimizer(
      rule,
      groups: [
        ParameterGroup(name: "decay", parameters: [parameters[0]]),
        ParameterGroup(
          name: "no_decay", parameters: [parameters[1]],
          learningRate: golden["bias_learning_rate"]?.doubleValue, weightDecay: 0),
      ], learningRate: golden["learning_rate"]?.doubleValue ?? 0,
      weightDecay: golden["weight_decay"]?.doubleValue ?? 0)
  }

  @discardableResult
  func apply(_ step: JSONValue) throws -> Double {
    optimizer.zeroGradients()
    for (parameter, gradient) in zip(parameters, try #require(step["gradients"]?.arrayValue))
    where !gradient.isNull {
      setGradient(of: parameter, floats(gradient))
    }
    let norm = optimizer.gradientNorm()
    optimizer.step(gradientScale: Optimizer.clippingFactor(norm: norm, maximum: maximum))
    return norm
  }
}
