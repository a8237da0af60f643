import CKernels

/// Linear layer of 8-bit integers, y = f(x Wᵀ + b), for inference.
///
/// Every row of x is quantised by its own range, sums are exact integers, and y is made of them together with the bias. A
/// row's result depends on that row alone, so neither its company nor the number of threads changes a bit.
package struct QuantizedLinearKernel: Sendable {
  fileprivate let weight: QuantizedMatrix
  fileprivate let panels: QuantizedMatrix.Panels
  fileprivate let bias: Storage?
  /// The length of the rows it takes.
  package var inputs: Int { weight.columns }
  /// The length of the rows it gives.
  package var outputs: Int { weight.rows }

  /// A kernel for a weight [outputs, inputs] and a bias [outputs], if any.
  package init(weight: QuantizedMatrix, bias: Storage?) {
    (self.weight, panels, self.bias) = (weight, weight.packed(), bias)
  }

  /// With fewer rows the workers share the outputs instead.
  fileprivate static let fewRows = 64
  /// Rows that are quantised together, and go through all outputs before the next ones.
  private static let blockRows = 192

  /// Computes each layer's f(x Wᵀ + b) of rows that all of them read.
  package static func forward(
    _ x: Storage, rows: Int, layers: [QuantizedLinearKernel], into results: [Storage],
    activation: ActivationKernel = .identity
  ) {
    guard let inputs = layers.first?.inputs else { return }
    let split = LinearSplit(rows: rows, inputs: inputs, outputs: layers.reduce(0) { $0 + $1.outputs })
    if rows < fewRows {
      let quantized = QuantizedRows(x.pointer, rows: rows, columns: inputs)
      forEachPanel(of: layers, rows: rows) { index, panels in
        layers[index].forward(quantized, panels: panels, y: results[index].pointer, activation)
      }
    } else {
      split.rows(atMost: blockRows) { range in
        let block = QuantizedRows(x.pointer + range.lowerBound * inputs, rows: range.count, columns: inputs)
        for (layer, result) in zip(layers, results) {
          layer.forward(block, y: result.pointer + range.lowerBound * layer.outputs, activation)
        }
      }
    }
  }

  /// Rows as products take them, [rows, columns]: scale · (integer − zero) of each value.
  package static func rounded(_ x: Storage, rows: Int, columns: Int) -> Storage {
    let y = Storage(uninitialized: rows * columns)
    RowBlocks.rows(rows, columns: columns) { range in
      let start = range.lowerBound * columns
      QuantizedRows(x.pointer + start, rows: range.count, columns: columns).values(into: y.pointer + start)
    }
    return y
  }

  /// Shares the panels of several layers' outputs among the workers.
  fileprivate static func forEachPanel(
    of layers: [QuantizedLinearKernel], rows: Int, _ body: (_ layer: Int, _ panels: Range<Int>) -> Void
  ) {
    let counts = layers.map(\.weight.panelCount)
    let work = rows * (layers.first?.inputs ?? 0) * Int(ps_int8_panel)
    // A multiplication here takes a fourth of the time of one of floats.
    Parallel.forEach(counts.reduce(0, +), grain: max(1, 4 * RowBlocks.worthwhile / max(1, work))) { range in
      var start = 0
      for (index, count) in counts.enumerated() {
        let part = range.clamped(to: start..<start + count)
        if !part.isEmpty { body(index, part.lowerBound - start..<part.upperBound - start) }
        start += count
      }
    }
  }

  /// The results of rows, [rows, outputs] at `y`, for all outputs or some panels of them, on this thread.
  fileprivate func forward(
    _ x: QuantizedRows, panels range: Range<Int>? = nil, y: UnsafeMutablePointer<Float>,
    _ activation: ActivationKernel
  ) {
    let range = range ?? 0..<weight.panelCount
    weight.product(x, panels, range: range, bias: bias?.pointer, into: y)
    if activation == .identity { return }
    let columns = weight.outputs(ofPanels: range)
    WorkProfile.time(.elementwise) {
      if columns.count == outputs {
        ps_activation(activation.rawValue, y, y, Int64(x.rows * outputs))
      } else {
        for row in 0..<x.rows {
          let start = y + row * outputs + columns.lowerBound
          ps_activation(activation.rawValue, start, start, Int64(columns.count))
        }
      }
    }
  }
}

/// Two linear layers of 8-bit integers as one: y = f(x W₁ᵀ + b₁) W₂ᵀ + b₂, for inference.
package struct QuantizedFeedForwardKernel {
  private let inner: QuantizedLinearKernel
  private let outer: QuantizedLinearKernel
  private let activation: ActivationKernel

  /// A kernel for two layers, the second of which reads what the first gives.
  package init(inner: QuantizedLinearKernel, outer: QuantizedLinearKernel, activation: ActivationKernel) {
    (self.inner, self.outer, self.activation) = (inner, outer, activation)
  }

  /// Rows that go through both products together: what lies between them stays in the second-level cache.
  private static let blockRows = 48

  /// Computes y, [rows, outputs].
  package func forward(_ x: Storage, rows: Int, y: Storage) {
    let (inputs, width) = (inner.inputs, inner.outputs)
    let split = LinearSplit(rows: rows, inputs: inputs, outputs: width)
    if rows < QuantizedLinearKernel.fewRows {
      let quantized = QuantizedRows(x.pointer, rows: rows, columns: inputs)
      let hidden = Storage(uninitialized: rows * width)
      QuantizedLinearKernel.forEachPanel(of: [inner], rows: rows) { _, panels in
        inner.forward(quantized, panels: panels, y: hidden.pointer, activation)
      }
      let wide = QuantizedRows(rows: rows, columns: width)
      RowBlocks.rows(rows, columns: width) { wide.quantize(hidden.pointer, $0) }
      return QuantizedLinearKernel.forEachPanel(of: [outer], rows: rows) { _, panels in
        outer.forward(wide, panels: panels, y: y.pointer, .identity)
      }
    }
    split.rows(atMost: Self.blockRows) { range in
      let hidden = Storage(uninitialized: range.count * width)
      let block = QuantizedRows(x.pointer + range.lowerBound * inputs, rows: range.count, columns: inputs)
      inner.forward(block, y: hidden.pointer, activation)
      let wide = QuantizedRows(hidden.pointer, rows: range.count, columns: width)
      outer.forward(wide, y: y.pointer + range.lowerBound * outer.outputs, .identity)
    }
  }
}
