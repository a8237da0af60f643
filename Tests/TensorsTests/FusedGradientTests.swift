import Tensors
import Testing

/// Central differences for the fused Transformer operations.
@Suite struct FusedGradientTests {
  @Test(arguments: Activation.allCases)
  func linearLayer(activation: Activation) {
    // Inputs away from zero: relu's kink would spoil a difference quotient.
    let inputs = [
      sample([5, 4], seed: 1, shift: 0.3), sample([3, 4], seed: 2), sample([3], seed: 3, shift: 0.7),
    ]
    checkGradients(inputs, tolerance: activation == .relu ? 2e-2 : 4e-3) {
      $0[0].linear(LinearWeights($0[1], bias: $0[2]), activation: activation)
    }
  }

  @Test func linearWithoutBias() {
    checkGradients([sample([5, 4], seed: 1), sample([3, 4], seed: 2)]) { $0[0].linear(LinearWeights($0[1])) }
  }

  /// More rows than one block and than the thin-row limit: the split paths give what one product gives.
  @Test(arguments: [1, 63, 64, 65, 700, 1300])
  func linearSplitsAgreeWithOneProduct(rows: Int) {
    let (x, w, b) = (sample([rows, 8], seed: 1), sample([40, 8], seed: 2), sample([40], seed: 3))
    let y = x.linear(LinearWeights(w, bias: b), activation: .gelu).values
    let (xs, ws, bs) = (x.values, w.values, b.values)
    for row in stride(from: 0, to: rows, by: max(1, rows / 50)) {
      for column in 0..<40 {
        let s = (0..<8).reduce(Double(bs[column])) {
          $0 + Double(xs[row * 8 + $1]) * Double(ws[column * 8 + $1])
        }
        let expected = Tensor(Float(s)).applying(.gelu).item
        #expect(abs(expected - y[row * 40 + column]) < 1e-5)
      }
    }
  }

  @Test(arguments: [Activation.gelu, .tanh, .identity])
  func feedForwardLayer(activation: Activation) {
    let inputs = [
      sample([5, 4], seed: 1, shift: 0.3), sample([7, 4], seed: 2), sample([7], seed: 3),
      sample([3, 7], seed: 4), sample([3], seed: 5),
    ]
    checkGradients(inputs) {
      $0[0].feedForward(
        inner: LinearWeights($0[1], bias: $0[2]), outer: LinearWeights($0[3], bias: $0[4]),
        activation: activation)
    }
  }

  /// Few rows, one block and several: two linear layers, which PyTorch's goldens check, give the same.
  @Test(arguments: [1, 63, 64, 300, 1100])
  func feedForwardIsTwoLinearLayers(rows: Int) {
    let values = [
      sample([rows, 8], seed: 1), sample([24, 8], seed: 2), sample([24], seed: 3), sample([8, 24], seed: 4),
      sample([8], seed: 5),
    ]
    func run(_ layers: ([Tensor]) -> Tensor) -> [[Float]] {
      let parameters = values.enumerated().map {
        Parameter(name: "\($0.offset)", value: Tensor($0.element.values, shape: $0.element.shape))
      }
      let tape = Tape()
      let context = Context(tape: tape)
      let operands = parameters.map { $0.tensor(in: context) }
      // Used twice, so that a second contribution is added to the first.
      let y = layers(operands) + layers(operands)
      tape.backward(from: (y * y).mean())
      return [y.values] + parameters.map { $0.gradient?.values ?? [] }
    }
    let fused = run {
      $0[0].feedForward(
        inner: LinearWeights($0[1], bias: $0[2]), outer: LinearWeights($0[3], bias: $0[4]), activation: .gelu)
    }
    let plain = run {
      $0[0].linear(LinearWeights($0[1], bias: $0[2]), activation: .gelu).linear(
        LinearWeights($0[3], bias: $0[4]))
    }
    for (a, b) in zip(fused, plain) {
      #expect(a.count == b.count && !a.isEmpty)
      #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) })
    }
  }

  @Test func residualLayerNormalization() {
    let inputs = [
      sample([4, 6], seed: 1), sample([4, 6], seed: 2), sample([6], seed: 3, shift: 1), sample([6], seed: 4),
    ]
    checkGradients(inputs) {
      $0[0].layerNorm(residual: $0[1], gamma: $0[2], beta: $0[3], epsilon: 1e-5, in: $1)
    }
    checkGradients(inputs, isTraining: true) {
      $0[0].layerNorm(residual: $0[1], gamma: $0[2], beta: $0[3], epsilon: 1e-5, dropout: 0.4, in: $1)
    }
    checkGradients([inputs[0], inputs[2], inputs[3]]) {
      $0[0].layerNorm(gamma: $0[1], beta: $0[2], epsilon: 1e-5, in: $1)
    }
  }

  @Test func residualLayerNormOfOneTensorTwice() {
    checkGradients([sample([4, 6], seed: 1), sample([6], seed: 3, shift: 1), sample([6], seed: 4)]) {
      $0[0].layerNorm(residual: $0[0], gamma: $0[1], beta: $0[2], epsilon: 1e-5, in: $1)
    }
  }

  @Test func layerNormOfSomeFeatures() {
    let inputs = [
      sample([4, 6], seed: 1), sample([4, 6], seed: 2), sample([6], seed: 3, shift: 1), sample([6], seed: 4),
    ]
    let kept: [Int32] = [0, 2, 3, 5]
    let (x, residual, gamma, beta) = (inputs[0], inputs[1], inputs[2], inputs[3])
    let y = x.layerNorm(
      residual: residual, gamma: gamma, beta: beta, epsilon: 1e-5, kept: kept, in: .inference)
    // What LayerNorm makes of the kept columns alone, and zeros.
    func narrow(_ tensor: Tensor, _ rows: Int) -> Tensor {
      let values = tensor.values
      return Tensor(
        (0..<rows).flatMap { row in kept.map { values[row * 6 + Int($0)] } },
        shape: tensor.shape.rank == 2 ? [rows, 4] : [4])
    }
    let expected = narrow(x, 4).layerNorm(
      residual: narrow(residual, 4), gamma: narrow(gamma, 1), beta: narrow(beta, 1), epsilon: 1e-5,
      in: .inference)
    #expect(narrow(y, 4).values == expected.values)
    #expect((0..<4).allSatisfy { y.values[$0 * 6 + 1] == 0 && y.values[$0 * 6 + 4] == 0 })
    checkGradients(inputs) {
      $0[0].layerNorm(residual: $0[1], gamma: $0[2], beta: $0[3], epsilon: 1e-5, kept: kept, in: $1)
    }
    checkGradients(inputs, isTraining: true) {
      $0[0].layerNorm(
        residual: $0[1], gamma: $0[2], beta: $0[3], epsilon: 1e-5, dropout: 0.4, kept: kept, in: $1)
    }
  }

  @Test func embeddings() {
    let tables = [sample([7, 3], seed: 1), sample([5, 3], seed: 2), sample([2, 3], seed: 3)]
    checkGradients(tables) {
      Tensor.embedding(
        word: $0[0], position: $0[1], segment: $0[2], ids: [6, 0, 6, 3], positions: [0, 1, 0, 1],
        segments: [0, 1, 1, 0])
    }
    checkGradients(Array(tables[..<2])) {
      Tensor.embedding(
        word: $0[0], position: $0[1], segment: nil, ids: [6, 0, 6, 3], positions: [0, 1, 0, 1], segments: [])
    }
  }

  @Test func gatheredRows() {
    checkGradients([sample([5, 3], seed: 1)]) { $0[0].rows(at: [4, 0, 4, 2]) }
  }

  @Test(arguments: [false, true])
  func packedAttention(training: Bool) {
    let inputs = [sample([9, 6], seed: 1), sample([9, 6], seed: 2), sample([9, 6], seed: 3)]
    checkGradients(inputs, isTraining: training) {
      Tensor.attention(
        query: $0[0], key: $0[1], value: $0[2], heads: 2, starts: [0, 1, 5, 9], dropout: training ? 0.3 : 0,
        in: $1
      ).output
    }
  }

  @Test func attentionOfFewerQueries() {
    checkGradients([sample([3, 6], seed: 1), sample([9, 6], seed: 2), sample([9, 6], seed: 3)]) {
      Tensor.attention(
        query: $0[0], key: $0[1], value: $0[2], heads: 3, starts: [0, 1, 5, 9], queryStarts: [0, 1, 2, 3],
        in: $1
      ).output
    }
  }

  @Test func capturedMapsAreDifferentiable() {
    let inputs = [sample([5, 4], seed: 1), sample([5, 4], seed: 2), sample([5, 4], seed: 3)]
    checkGradients(inputs) { inputs, context in
      let result = Tensor.attention(
        query: inputs[0], key: inputs[1], value: inputs[2], heads: 2, starts: [0, 2, 5],
        capturingScores: true, capturingProbabilities: true, in: context)
      guard let scores = result.scores, let probabilities = result.probabilities else { return Tensor(.nan) }
      let maps = scores.values * probabilities.values
      return maps.sum() + result.output.sum()
    }
  }

  @Test func attentionOfOneTensorInEveryRole() {
    checkGradients([sample([5, 4], seed: 1)]) {
      Tensor.attention(query: $0[0], key: $0[0], value: $0[0], heads: 2, starts: [0, 2, 5], in: $1).output
    }
  }
}
