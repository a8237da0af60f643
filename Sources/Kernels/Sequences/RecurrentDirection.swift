import CKernels

/// Recurrent cells: the step from one token to the next.
package enum RecurrentCellKernel: Sendable {
  case gru, lstm

  /// The gates that lie one after the other in its weights.
  package var gateCount: Int { self == .gru ? 3 : 4 }
}

/// One direction of a recurrent layer, forward through the steps; what backward needs stays when it is asked for.
final class RecurrentDirection {
  let cell: RecurrentCellKernel
  /// W_ih and b_ih, W_hh and b_hh.
  let weights: (inputs: LinearKernel, hidden: LinearKernel)
  let steps: RecurrentSteps
  /// The packed row of each place in the order of the steps.
  let rows: [Int32]
  let hidden: Int
  /// h after each step, [tokens, hidden], in the order of the steps.
  let states: Storage
  /// The cell of an LSTM after each step, likewise; empty in a GRU.
  let cells: Storage
  /// Gates that the step kernels keep, [tokens, 4 hidden]; of the step in hand only when nothing is kept.
  let gates: Storage
  /// Zeros: the state before the first step.
  let zeros: Storage
  private let keeps: Bool
  private var inputGates: Storage
  private let hiddenGates: Storage
  private let scratch: Storage
  private var product: StepProduct?

  init(
    _ cell: RecurrentCellKernel, _ weights: (inputs: LinearKernel, hidden: LinearKernel),
    steps: RecurrentSteps, isReverse: Bool, keeps: Bool
  ) {
    (self.cell, self.weights, self.steps, self.keeps) = (cell, weights, steps, keeps)
    rows = isReverse ? steps.reverseRows : steps.forwardRows
    hidden = weights.hidden.inputs
    let (tokens, most) = (rows.count, steps.active.first ?? 0)
    states = Storage(uninitialized: tokens * hidden)
    cells = Storage(uninitialized: cell == .lstm ? tokens * hidden : 0)
    gates = Storage(uninitialized: (keeps ? tokens : most) * 4 * hidden)
    zeros = .filled(0, count: most * hidden)
    inputGates = Storage(uninitialized: tokens * cell.gateCount * hidden)
    hiddenGates = .filled(0, count: most * cell.gateCount * hidden)
    scratch = Storage(uninitialized: StepProduct.space(rows: most, inputs: hidden))
  }

  /// The part of the gates that comes from the inputs, of all rows at once.
  func readInputs(_ x: Storage) {
    weights.inputs.forward(x, rows: rows.count, sum: inputGates, y: inputGates)
  }

  /// Forgets what only the forward pass needs.
  func finish() {
    inputGates = Storage(uninitialized: 0)
    product = nil
  }

  /// Gets a step ready before workers take its units.
  func prepare(_ step: Int) {
    product =
      step == 0
      ? nil
      : StepProduct(
        states.pointer + steps.offsets[step - 1] * hidden, rows: steps.active[step], inputs: hidden,
        memory: scratch)
  }

  /// One step of some units, on this thread; `y` is this direction's first column.
  func run(_ step: Int, units: Range<Int>, into y: UnsafeMutablePointer<Float>, stride: Int) {
    let (count, offset) = (steps.active[step], steps.offsets[step])
    for gate in 0..<cell.gateCount {
      product?(
        weights.hidden.weight.pointer,
        outputs: gate * hidden + units.lowerBound..<gate * hidden + units.upperBound,
        into: hiddenGates.pointer, stride: cell.gateCount * hidden)
    }
    let kept = gates.pointer + (keeps ? offset * 4 * hidden : 0)
    let state = states.pointer + offset * hidden
    rows.withUnsafeBufferPointer { rows in
      guard let base = rows.baseAddress else { return }
      var arguments = ps_recurrent_step(
        count: Int64(count), hidden: Int64(hidden), first: Int64(units.lowerBound),
        last: Int64(units.upperBound), rows: base + offset, input_gates: inputGates.pointer,
        hidden_gates: hiddenGates.pointer, bias: weights.hidden.bias?.pointer)
      WorkProfile.time(.elementwise) {
        switch cell {
        case .gru: ps_gru_step(&arguments, before(states, step), kept, state, y, Int64(stride))
        case .lstm:
          ps_lstm_step(
            &arguments, before(cells, step), kept, cells.pointer + offset * hidden, state, y, Int64(stride))
        }
      }
    }
  }

  /// The rows of the step before in `values`, zeros before the first.
  func before(_ values: Storage, _ step: Int) -> UnsafeMutablePointer<Float> {
    step == 0 ? zeros.pointer : values.pointer + steps.offsets[step - 1] * hidden
  }
}
