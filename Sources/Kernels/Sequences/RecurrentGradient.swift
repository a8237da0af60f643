import CKernels

/// One direction of a recurrent layer, backward through the steps.
final class RecurrentGradient {
  private let direction: RecurrentDirection
  private let transposed: Storage
  /// The gradient of the input gates, [tokens, gates · hidden], by packed row.
  private let inputGates: Storage
  /// The gradient of the hidden gates, likewise, in the order of the steps.
  private let hiddenGates: Storage
  private let later: Storage
  private let direct: Storage
  private let scratch: Storage
  private var product: StepProduct?

  private var width: Int { direction.cell.gateCount * direction.hidden }

  init(_ direction: RecurrentDirection) {
    self.direction = direction
    let (hidden, tokens, most) = (
      direction.hidden, direction.rows.count, direction.steps.active.first ?? 0
    )
    let width = direction.cell.gateCount * hidden
    inputGates = Storage(uninitialized: tokens * width)
    hiddenGates = Storage(uninitialized: tokens * width)
    // A sequence's last step has no later one: its rows stay zero until then.
    later = .filled(0, count: most * hidden)
    direct = .filled(0, count: most * hidden)
    scratch = Storage(uninitialized: StepProduct.space(rows: most, inputs: width))
    // Transposed once, the matrix is read in every step as the forward pass reads it.
    let (from, to) = (direction.weights.hidden.weight.pointer, Storage(uninitialized: width * hidden))
    Parallel.forEach(hidden, grain: 64) { columns in
      for row in 0..<width {
        for column in columns { to.pointer[column * width + row] = from[row * hidden + column] }
      }
    }
    transposed = to
  }

  /// Gets a step ready before workers take its units.
  func prepare(_ step: Int) {
    let steps = direction.steps
    product =
      step + 1 == steps.count
      ? nil
      : StepProduct(
        hiddenGates.pointer + steps.offsets[step + 1] * width, rows: steps.active[step + 1], inputs: width,
        memory: scratch)
  }

  /// One step of some units, on this thread; `dy` is this direction's first column.
  func run(_ step: Int, units: Range<Int>, dy: UnsafeMutablePointer<Float>, stride: Int) {
    let (steps, hidden) = (direction.steps, direction.hidden)
    let offset = steps.offsets[step]
    product?(transposed.pointer, outputs: units, into: later.pointer, stride: hidden)
    direction.rows.withUnsafeBufferPointer { rows in
      guard let base = rows.baseAddress else { return }
      var arguments = ps_recurrent_slope(
        count: Int64(steps.active[step]), hidden: Int64(hidden), first: Int64(units.lowerBound),
        last: Int64(units.upperBound), rows: base + offset,
        gates: direction.gates.pointer + offset * 4 * hidden, dy: dy, lddy: Int64(stride),
        later: later.pointer, direct: direct.pointer, d_input_gates: inputGates.pointer,
        d_hidden_gates: hiddenGates.pointer + offset * width)
      WorkProfile.time(.elementwise) {
        switch direction.cell {
        case .gru: ps_gru_step_backward(&arguments, direction.before(direction.states, step))
        case .lstm:
          ps_lstm_step_backward(
            &arguments, direction.before(direction.cells, step),
            direction.cells.pointer + offset * hidden)
        }
      }
    }
  }

  /// The gradients of the input and the hidden gates of all rows, the former by packed row.
  var results: (inputGates: Storage, hiddenGates: Storage) { (inputGates, hiddenGates) }

  /// dW_hh = Σ of dgatesᵀ h of the step before, over every step but the first, which has none; or dW_hh += it.
  func hiddenWeightGradient(into dw: Storage, adding: Bool) {
    product = nil
    let (steps, hidden) = (direction.steps, direction.hidden)
    let first = steps.active.first ?? 0
    let count = direction.rows.count - first
    guard count > 0 else {
      if !adding { Elementwise.fill(dw, with: 0) }
      return
    }
    let before = Storage(uninitialized: count * hidden)
    for step in 1..<steps.count {
      (before.pointer + (steps.offsets[step] - first) * hidden).update(
        from: direction.before(direction.states, step), count: steps.active[step] * hidden)
    }
    direction.weights.hidden.weightGradient(
      hiddenGates.slice(first * width, count * width), before, rows: count, into: dw, adding: adding)
  }
}
