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
    if split.isThin {
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
      ThinInput.space(rows: rows, inputs: inner.inputs)
      + ThinInput.space(rows: rows, inputs: shares.largestShare)
    shares.add(into: y, scratch: space) { share, scratch in
      let input = ThinInput(x.pointer, rows: rows, inputs: inner.inputs, in: &scratch)
      let hidden = inner.layer(input, columns: share.terms, activation, in: &scratch)
      outer.partialSum(hidden, ofInputs: share.terms, addsBias: share.isFirst, into: share.sums)
    }
  }
}
