import Kernels

extension Tensor {
  /// Runs a recurrent layer over packed sequences, in one direction or both: `nn.GRU` and `nn.LSTM` of PyTorch.
  ///
  /// GRU, with ⊙ the product of elements and h₀ = 0:
  ///
  ///     r = σ(W_ir x + b_ir + W_hr h + b_hr)        z = σ(W_iz x + b_iz + W_hz h + b_hz)
  ///     n = tanh(W_in x + b_in + r ⊙ (W_hn h + b_hn))    h ← (1 − z) ⊙ n + z ⊙ h
  ///
  /// LSTM, with c₀ = h₀ = 0: i, f, o = σ(…), g = tanh(…) of W x + b + W_h h + b_h each; c ← f ⊙ c + i ⊙ g, h ← o ⊙ tanh(c).
  ///
  /// The inputs of all tokens go through their weights at once. Then every step is one product over the sequences that are
  /// still running, and workers share the units of both directions. Backward runs the steps in reverse and takes the weights'
  /// gradients in one product behind them.
  ///
  /// - Parameters:
  ///   - cell: What is computed from token to token.
  ///   - weights: The parameters of the direction from the first token on and, for a bidirectional layer, of the other one.
  ///   - starts: The first row of each sequence, then the number of rows, [sequences + 1].
  /// - Returns: h after each token, [tokens, directions · hidden], the first direction's columns first.
  public func recurrent(cell: RecurrentCell, weights: [RecurrentWeights], starts: [Int32]) -> Tensor {
    let x = self
    let (tokens, hidden) = (x.shape.rowCount, check(x, cell, weights, starts))
    let tape = Tensor.tape(of: [x] + weights.flatMap(\.all))
    let steps = RecurrentSteps(starts: starts)
    let directions = weights.enumerated().map {
      RecurrentDirection(cell, $1, steps: steps, isReverse: $0 == 1, keeps: tape != nil)
    }
    let width = weights.count * hidden
    let y = Storage(uninitialized: tokens * width)
    let split = UnitSplit(hidden: hidden, directions: weights.count, gates: cell.gateCount)
    for direction in directions { direction.readInputs(x) }
    for step in 0..<steps.count {
      for direction in directions { direction.prepare(step) }
      split.run(sequences: steps.active[step]) { index, units in
        directions[index].run(step, units: units, into: y.pointer + index * hidden, stride: width)
      }
    }
    for direction in directions { direction.finish() }
    let result = Tensor.result(y, [tokens, width], on: tape)
    if let tape {
      tape.record(result) { gradient in
        let gradients = directions.map { RecurrentGradient($0) }
        for step in (0..<steps.count).reversed() {
          for direction in gradients { direction.prepare(step) }
          split.run(sequences: steps.active[step]) { index, units in
            gradients[index].run(step, units: units, dy: gradient.pointer + index * hidden, stride: width)
          }
        }
        for direction in gradients { direction.finish(x) }
      }
    }
    return result
  }
}

/// The hidden size, once every shape fits.
private func check(
  _ x: Tensor, _ cell: RecurrentCell, _ weights: [RecurrentWeights], _ starts: [Int32]
) -> Int {
  precondition(
    x.shape.rank == 2 && Int(starts.last ?? 0) == x.shape[0],
    "recurrent needs rows [tokens, inputs] that end at \(starts.last ?? 0), found \(x.shape).")
  precondition(
    weights.count == 1 || weights.count == 2,
    "recurrent needs the weights of one direction or two, found \(weights.count).")
  let (inputs, hidden) = (x.shape[1], weights[0].hidden.shape.lastDimension)
  let width = cell.gateCount * hidden
  for direction in weights {
    precondition(
      direction.inputs.shape == [width, inputs] && direction.hidden.shape == [width, hidden]
        && direction.inputBias.shape == [width] && direction.hiddenBias.shape == [width],
      "A \(cell.rawValue) of \(hidden) units needs weights [\(width), \(inputs)] and [\(width), \(hidden)] and biases "
        + "[\(width)], found \(direction.all.map { "\($0.shape)" }.joined(separator: ", ")).")
  }
  return hidden
}

/// How workers share a step: each takes some units of the directions' units in a row.
private struct UnitSplit {
  let hidden: Int
  let directions: Int
  let gates: Int

  func run(sequences: Int, _ body: (_ direction: Int, _ units: Range<Int>) -> Void) {
    let work = sequences * hidden * gates
    Parallel.forEach(hidden * directions, grain: max(16, RowBlocks.worthwhile / max(1, work))) { range in
      for direction in 0..<directions {
        let own = range.clamped(to: direction * hidden..<(direction + 1) * hidden)
        if own.isEmpty { continue }
        body(direction, own.lowerBound - direction * hidden..<own.upperBound - direction * hidden)
      }
    }
  }
}
