import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Training

/// LAMB against algorithm 2 of You and others (2020) written out in double precision.
@Suite("LAMB")
struct LAMBTests {
  /// One parameter of the written-out algorithm.
  private struct Reference {
    var weights: [Double]
    let decay: Double
    let adapts: Bool
    let correctsBias: Bool
    private var m: [Double]
    private var v: [Double]
    private var steps = 0
    private(set) var ratio = 1.0
    private let beta1 = 0.9
    private let beta2 = 0.999
    private let epsilon = 1e-6

    init(_ weights: [Float], decay: Double, adapts: Bool, correctsBias: Bool) {
      (self.decay, self.adapts, self.correctsBias) = (decay, adapts, correctsBias)
      self.weights = weights.map(Double.init)
      m = weights.map { _ in 0 }
      v = m
    }

    mutating func step(_ gradient: [Float], rate: Double) {
      steps += 1
      let bias1 = correctsBias ? 1 - pow(beta1, Double(steps)) : 1
      let bias2 = correctsBias ? 1 - pow(beta2, Double(steps)) : 1
      var update: [Double] = []
      for (index, g) in gradient.map(Double.init).enumerated() {
        m[index] = beta1 * m[index] + (1 - beta1) * g
        v[index] = beta2 * v[index] + (1 - beta2) * g * g
        update.append(
          m[index] / bias1 / ((v[index] / bias2).squareRoot() + epsilon) + decay * weights[index])
      }
      func norm(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 }.squareRoot() }
      let (ofWeights, ofUpdate) = (norm(weights), norm(update))
      ratio = adapts && ofWeights > 0 && ofUpdate > 0 ? ofWeights / ofUpdate : 1
      for index in weights.indices { weights[index] -= rate * ratio * update[index] }
    }
  }

  /// The values of a table that spans several chunks, a bias, and a table that starts at zero.
  private static let starts: [(name: String, values: [Float])] = [
    ("encoder.weight", (0..<150_001).map { Float($0 % 977) / 977 - 0.3 }),
    ("encoder.bias", [0.5, -0.25, 0.125]),
    ("zeros.weight", [0, 0, 0, 0]),
  ]

  private static func gradient(_ count: Int, step: Int) -> [Float] {
    (0..<count).map { Float(($0 * 31 + step * 7) % 1009) / 1009 - 0.4 }
  }

  private func trained(_ config: OptimizerConfig, decay: Double, steps: Int) throws -> [[Float]] {
    let parameters = Self.starts.map { name, values in
      Parameter(
        name: name, value: Tensor(values, shape: name.hasSuffix("bias") ? [values.count] : [1, values.count]))
    }
    let optimizer = try Optimizer(
      config, groups: ParameterGroup.decayGroups(parameters), learningRate: 0.01, weightDecay: decay)
    for step in 0..<steps {
      optimizer.zeroGradients()
      for parameter in parameters {
        let context = Context(tape: Tape())
        let gradient = Tensor(Self.gradient(parameter.count, step: step), shape: parameter.shape)
        context.tape?.backward(from: (parameter.tensor(in: context) * gradient).sum())
      }
      optimizer.step(factor: 1 / Double(step + 1))
    }
    return parameters.map(\.values)
  }

  @Test(
    "five updates equal the written-out algorithm", arguments: [(0.0, true), (0.1, true), (0.1, false)])
  func writtenOut(decay: Double, correctsBias: Bool) throws {
    let found = try trained(.lamb(correctsBias: correctsBias), decay: decay, steps: 5)
    for (start, values) in zip(Self.starts, found) {
      let isBias = start.name.hasSuffix("bias")
      var reference = Reference(
        start.values, decay: isBias ? 0 : decay, adapts: !isBias, correctsBias: correctsBias)
      for step in 0..<5 {
        reference.step(Self.gradient(start.values.count, step: step), rate: 0.01 / Double(step + 1))
        // From zero there is no norm to scale to at first; then there is one.
        if start.name.hasPrefix("zeros") { #expect((reference.ratio == 1) == (step == 0)) }
        if isBias { #expect(reference.ratio == 1) }
      }
      // Single precision rounds values of about 1 to 6e-8 in each update.
      let distance = zip(values, reference.weights).map { abs(Double($0) - $1) }.max()
      #expect(try #require(distance) < 2e-6, "\(start.name)")
    }
  }

  @Test("results do not depend on the number of threads")
  func threads() throws {
    let one = try FixedThreads.run(1) { try trained(.lamb(), decay: 0.1, steps: 3) }
    let three = try FixedThreads.run(3) { try trained(.lamb(), decay: 0.1, steps: 3) }
    let isEqual = one == three
    #expect(isEqual)
  }

  @Test("a recipe chooses it, with bias correction as an argument")
  func settings() throws {
    let text = #"{"optim": "lamb", "optim_args": "bias_correction=false", "adam_epsilon": 1e-6}"#
    let config = try JSONDecoder().decode(TrainingConfig.self, from: Data(text.utf8))
    #expect(config.faults().isEmpty)
    let plain = try trained(config.optimizer, decay: 0.1, steps: 2)
    let (expected, corrected) = (
      try trained(.lamb(correctsBias: false), decay: 0.1, steps: 2),
      try trained(.lamb(), decay: 0.1, steps: 2)
    )
    #expect(plain[1] == expected[1] && plain[1] != corrected[1])

    var wrong = config
    wrong.optimArgs = "bias_corection=false"
    #expect(
      wrong.faults().map(\.description) == [
        "optim_args: bias_corection: is not a known key; did you mean bias_correction?"
      ])
    wrong.optimArgs = "bias_correction=maybe"
    #expect(
      wrong.faults().map(\.description) == [
        "optim_args: bias_correction: found \"maybe\", expected true or false"
      ])
  }
}
