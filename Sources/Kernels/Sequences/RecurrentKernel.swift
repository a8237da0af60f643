/// A recurrent layer over packed sequences, in one direction or both.
///
/// The inputs of all tokens go through their weights at once. Then every step is one product over the sequences that are
/// still running, and workers share the units of both directions. Backward runs the steps in reverse and takes the weights'
/// gradients in one product behind them.
package final class RecurrentKernel {
  /// The weights of a direction: W_ih and b_ih, W_hh and b_hh.
  package typealias Weights = (inputs: LinearKernel, hidden: LinearKernel)

  private let steps: RecurrentSteps
  private let directions: [RecurrentDirection]
  private let split: UnitSplit
  private let hidden: Int
  private var gradients: [RecurrentGradient] = []

  /// A kernel for the weights of one direction, or of both.
  ///
  /// - Parameter keeps: Whether backward will run.
  package init(_ cell: RecurrentCellKernel, _ weights: [Weights], hidden: Int, starts: [Int32], keeps: Bool) {
    let steps = RecurrentSteps(starts: starts)
    directions = weights.enumerated().map {
      RecurrentDirection(cell, $1, steps: steps, isReverse: $0 == 1, keeps: keeps)
    }
    split = UnitSplit(hidden: hidden, directions: weights.count, gates: cell.gateCount)
    (self.steps, self.hidden) = (steps, hidden)
  }

  /// Computes h after each token, the directions side by side.
  package func forward(_ x: Storage, into y: Storage) {
    for direction in directions { direction.readInputs(x) }
    for step in 0..<steps.count {
      for direction in directions { direction.prepare(step) }
      split.run(sequences: steps.active[step]) { index, units in
        directions[index].run(
          step, units: units, into: y.pointer + index * hidden, stride: directions.count * hidden)
      }
    }
    for direction in directions { direction.finish() }
  }

  /// Computes the gradients of all gates.
  ///
  /// - Returns: Those of the input gates of each direction, by packed row, and of its hidden gates, in the order of the steps.
  package func backward(_ dy: Storage) -> [(inputGates: Storage, hiddenGates: Storage)] {
    gradients = directions.map { RecurrentGradient($0) }
    for step in (0..<steps.count).reversed() {
      for gradient in gradients { gradient.prepare(step) }
      split.run(sequences: steps.active[step]) { index, units in
        gradients[index].run(
          step, units: units, dy: dy.pointer + index * hidden, stride: directions.count * hidden)
      }
    }
    return gradients.map(\.results)
  }

  /// Computes dW_hh of a direction from what `backward` has found, or adds it.
  package func hiddenWeightGradient(ofDirection index: Int, into dw: Storage, adding: Bool) {
    gradients[index].hiddenWeightGradient(into: dw, adding: adding)
  }
}

/// Split of a step among workers: each takes some of the directions' units in a row.
private struct UnitSplit {
  let hidden: Int
  let directions: Int
  let gates: Int

  func run(sequences: Int, _ body: (_ direction: Int, _ units: Range<Int>) -> Void) {
    let work = sequences * hidden * gates
    Parallel.forEach(
      hidden * directions, grain: max(16, RowBlocks.worthwhile / max(1, work)), least: 64
    ) { range in
      for direction in 0..<directions {
        let own = range.clamped(to: direction * hidden..<(direction + 1) * hidden)
        if own.isEmpty { continue }
        body(direction, own.lowerBound - direction * hidden..<own.upperBound - direction * hidden)
      }
    }
  }
}

/// The order in which a recurrent layer takes packed rows: step by step, in each step the sequences that are still
/// running, the longest first, so that they are always the first rows of the step before.
struct RecurrentSteps {
  /// The number of running sequences of each step.
  let active: [Int]
  /// The place of each step's first row among all rows in the order of the steps.
  let offsets: [Int]
  /// The packed row of each place when sequences are read from their first token on.
  let forwardRows: [Int32]
  /// The same when they are read from their last token on.
  let reverseRows: [Int32]

  /// - Parameter starts: The first row of each sequence, then the number of rows.
  init(starts: [Int32]) {
    let lengths = zip(starts, starts.dropFirst()).map { Int($1 - $0) }
    let order = lengths.indices.sorted { (lengths[$0], $1) > (lengths[$1], $0) }
    var (active, offsets): ([Int], [Int]) = ([], [])
    var (forwardRows, reverseRows): ([Int32], [Int32]) = ([], [])
    forwardRows.reserveCapacity(Int(starts.last ?? 0))
    reverseRows.reserveCapacity(Int(starts.last ?? 0))
    var running = order.count
    for step in 0..<(lengths.max() ?? 0) {
      while running > 0, lengths[order[running - 1]] <= step { running -= 1 }
      active.append(running)
      offsets.append(forwardRows.count)
      for sequence in order[..<running] {
        forwardRows.append(starts[sequence] + Int32(step))
        reverseRows.append(starts[sequence + 1] - 1 - Int32(step))
      }
    }
    (self.active, self.offsets) = (active, offsets)
    (self.forwardRows, self.reverseRows) = (forwardRows, reverseRows)
  }

  /// The number of steps: the length of the longest sequence.
  var count: Int { active.count }
}
