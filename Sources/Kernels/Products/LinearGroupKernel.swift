/// Several linear layers that read the same rows, such as queries, keys and values.
package enum LinearGroupKernel {
  /// Computes each layer's x Wᵀ + b; every block of rows goes through all layers while it is in cache.
  package static func forward(_ x: Storage, rows: Int, layers: [LinearKernel], into results: [Storage]) {
    guard let inputs = layers.first?.inputs else { return }
    let runs = OutputRuns(layers.map(\.outputs))
    let split = LinearSplit(rows: rows, inputs: inputs, outputs: runs.count)
    if split.hasFewRows {
      FewRowsInput.with(x, rows: rows, inputs: inputs) { input in
        split.outputs { range in
          runs.forEach(in: range) { index, columns in
            let y = results[index].pointer
            layers[index].forward(input, sum: y, y: y, .identity, columns: columns)
          }
        }
      }
    } else {
      split.rows { range in
        for (layer, result) in zip(layers, results) {
          let y = result.pointer + range.lowerBound * layer.outputs
          layer.forward(x.pointer + range.lowerBound * inputs, rows: range.count, sum: y, y: y, .identity)
        }
      }
    }
  }

  /// Computes dx = Σ dyᵢ Wᵢ, or dx += it, over layers and the gradients of their results.
  package static func inputGradient(
    _ gradients: [(layer: LinearKernel, dy: Storage)], rows: Int, into dx: Storage, adding: Bool
  ) {
    guard let inputs = gradients.first?.layer.inputs else { return }
    let outputs = gradients.reduce(0) { $0 + $1.layer.outputs }
    LinearSplit(rows: rows, inputs: inputs, outputs: outputs).inputGradient { rows, columns in
      for (index, part) in gradients.enumerated() {
        part.layer.inputGradient(part.dy, into: dx, adding: adding || index > 0, rows: rows, columns: columns)
      }
    }
  }
}

/// The outputs of several layers one after the other, and which of them belong to which layer.
private struct OutputRuns {
  private let counts: [Int]
  /// All outputs together.
  let count: Int

  init(_ counts: [Int]) {
    self.counts = counts
    count = counts.reduce(0, +)
  }

  /// Cuts a range of all outputs where one layer ends and the next begins.
  func forEach(in range: Range<Int>, _ body: (_ layer: Int, _ outputs: Range<Int>) -> Void) {
    var start = 0
    for (layer, count) in counts.enumerated() {
      let part = range.clamped(to: start..<start + count)
      if !part.isEmpty { body(layer, part.lowerBound - start..<part.upperBound - start) }
      start += count
    }
  }
}

/// Two linear layers as one: y = f(x W₁ᵀ + b₁) W₂ᵀ + b₂.
package struct FeedForwardKernel {
  private let inner: LinearKernel
  private let outer: LinearKernel
  private let activation: ActivationKernel

  /// A kernel for two layers, the second of which reads what the first gives.
  package init(inner: LinearKernel, outer: LinearKernel, activation: ActivationKernel) {
    (self.inner, self.outer, self.activation) = (inner, outer, activation)
  }

  /// Rows that go through both products together: their wide rows (3 MB in BERT-base) stay near the core.
  private static let blockRows = 256

  /// Computes y, and keeps x W₁ᵀ + b₁ in `sums` where backward will need it.
  package func forward(_ x: Storage, rows: Int, sums: Storage?, y: Storage) {
    let width = inner.outputs
    let split = LinearSplit(rows: rows, inputs: inner.inputs, outputs: width)
    if split.hasFewRows {
      let shares = PartialSums(of: width, work: rows * (inner.inputs + outer.outputs) * width)
      if sums == nil, let shares { return forwardThin(x, rows: rows, shares, y: y) }
      let hidden = Storage(uninitialized: rows * width)
      inner.forward(x, rows: rows, sum: sums ?? hidden, y: hidden, activation: activation)
      return outer.forward(hidden, rows: rows, sum: y, y: y)
    }
    split.rows(atMost: Self.blockRows) { range in
      let hidden = Storage(uninitialized: range.count * width)
      inner.forward(
        x.pointer + range.lowerBound * inner.inputs, rows: range.count,
        sum: sums.map { $0.pointer + range.lowerBound * width } ?? hidden.pointer, y: hidden.pointer,
        activation)
      let target = y.pointer + range.lowerBound * outer.outputs
      outer.forward(hidden.pointer, rows: range.count, sum: target, y: target, .identity)
    }
  }

  /// The forward pass of few rows: a worker takes its share of the wide rows through both products, so that the wide
  /// rows never leave its cache.
  private func forwardThin(_ x: Storage, rows: Int, _ shares: PartialSums, y: Storage) {
    let space =
      FewRowsInput.space(rows: rows, inputs: inner.inputs)
      + FewRowsInput.space(rows: rows, inputs: shares.largestShare)
    shares.add(into: y, scratch: space) { share, scratch in
      let input = FewRowsInput(x.pointer, rows: rows, inputs: inner.inputs, in: &scratch)
      let hidden = inner.layer(input, columns: share.terms, activation, in: &scratch)
      outer.partialSum(hidden, ofInputs: share.terms, addsBias: share.isFirst, into: share.sums)
    }
  }
}
