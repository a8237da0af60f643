import CKernels
import Kernels

extension Tensor {
  /// Computes y = f(x W₁ᵀ + b₁) W₂ᵀ + b₂ for every row: the feed-forward half of a Transformer layer.
  ///
  /// Each worker takes a block of rows through both products while it is in cache. For backward only the sums before f are
  /// kept: f is computed again from them, which costs one pass and saves a quarter of what a BERT layer keeps; in
  /// inference the wide rows between the products are never stored whole. Backward: with
  /// s = x W₁ᵀ + b₁ and h = f(s), dh = dy W₂, ds = dh f′(s); dx = ds W₁, dW₁ += dsᵀ x, db₁ += Σ ds, dW₂ += dyᵀ h,
  /// db₂ += Σ dy.
  ///
  /// - Parameters:
  ///   - inner: W₁ [inner, features] and b₁ [inner].
  ///   - outer: W₂ [outputs, inner] and b₂ [outputs].
  ///   - activation: The function f.
  /// - Returns: The result, [..., outputs].
  public func feedForward(inner: LinearWeights, outer: LinearWeights, activation: Activation) -> Tensor {
    let x = self
    let (rows, features) = (x.shape.rowCount, x.shape.lastDimension)
    precondition(
      inner.inputs == features && outer.inputs == inner.outputs,
      "feedForward cannot take rows of \(features) values through \(inner.weight.shape) and \(outer.weight.shape)."
    )
    let (width, outputs) = (inner.outputs, outer.outputs)
    let tape = Tensor.tape(of: [x] + inner.tensors + outer.tensors)
    let kernels = FeedForwardKernel(
      inner: LinearKernel(rows: rows, inputs: features, outputs: width),
      outer: LinearKernel(rows: rows, inputs: width, outputs: outputs), activation: activation)
    let y = Storage(uninitialized: rows * outputs)
    let sums = tape != nil ? Storage(uninitialized: rows * width) : nil
    kernels.forward(x, inner, outer, sums: sums, y: y)

    let result = Tensor.result(y, Shape(x.shape.dimensions.dropLast() + [outputs]), on: tape)
    if let tape, let sums {
      tape.record(result) { gradient in
        kernels.backward(gradient, x: x, inner: inner, outer: outer, sums: sums)
      }
    }
    return result
  }
}

/// The two linear layers as one.
private struct FeedForwardKernel {
  let inner: LinearKernel
  let outer: LinearKernel
  let activation: Activation

  /// Rows that go through both products together: their wide rows (3 MB in BERT-base) stay near the core.
  private static let blockRows = 256

  func forward(
    _ x: Tensor, _ first: LinearWeights, _ second: LinearWeights,
    sums: Storage?, y: Storage
  ) {
    let width = inner.outputs
    if inner.isThin {
      let split = PartialSums(of: width, work: inner.rows * (inner.inputs + outer.outputs) * width)
      if sums == nil, let split { return forwardThin(x, first, second, split, y: y) }
      let hidden = Storage(uninitialized: inner.rows * width)
      inner.forward(
        x.pointer, first.weight.pointer, first.bias?.pointer, sum: sums?.pointer ?? hidden.pointer,
        y: hidden.pointer, activation)
      return outer.forward(
        hidden.pointer, second.weight.pointer, second.bias?.pointer, sum: y.pointer, y: y.pointer, .identity)
    }
    inner.splitRows(atMost: Self.blockRows) { range in
      let hidden = Storage(uninitialized: range.count * width)
      inner.forward(
        x.pointer + range.lowerBound * inner.inputs, first.weight.pointer, first.bias?.pointer,
        sum: sums.map { $0.pointer + range.lowerBound * width } ?? hidden.pointer, y: hidden.pointer,
        activation, rows: range.count)
      let target = y.pointer + range.lowerBound * outer.outputs
      outer.forward(
        hidden.pointer, second.weight.pointer, second.bias?.pointer, sum: target, y: target, .identity,
        rows: range.count)
    }
  }

  /// The forward pass of few rows: a worker takes its share of the wide rows through both products, so that the wide
  /// rows never leave its cache.
  private func forwardThin(
    _ x: Tensor, _ first: LinearWeights, _ second: LinearWeights,
    _ split: PartialSums, y: Storage
  ) {
    let space =
      ThinInput.space(rows: inner.rows, inputs: inner.inputs)
      + ThinInput.space(rows: inner.rows, inputs: split.largestShare)
    split.add(into: y, scratch: space) { share, scratch in
      let start = share.terms.lowerBound
      let input = ThinInput(x.pointer, rows: inner.rows, inputs: inner.inputs, in: &scratch)
      let hidden = input.layer(
        first.weight.pointer + start * inner.inputs, first.bias.map { $0.pointer + start },
        outputs: share.terms.count,
        activation, in: &scratch)
      hidden.product(
        second.weight.pointer + start, weightStride: outer.inputs, share.isFirst ? second.bias?.pointer : nil,
        outputs: outer.outputs, into: share.sums, stride: outer.outputs)
    }
  }

  func backward(
    _ gradient: Storage, x: Tensor, inner first: LinearWeights,
    outer second: LinearWeights, sums: Storage
  ) {
    let count = inner.rows * inner.outputs
    let code = activation.kernelCode
    let wide = Storage(uninitialized: count)
    if let slot = second.weight.slot {
      RowBlocks.elements(count) { ps_activation(code, sums.pointer + $0, wide.pointer + $0, $1) }
      slot.contribute { outer.weightGradient(gradient.pointer, wide.pointer, into: $0, isFirst: $1) }
    }
    second.bias?.slot?.accumulate { outer.biasGradient(gradient.pointer, into: $0) }
    if [x, first.weight, first.bias].allSatisfy({ $0?.slot == nil }) { return }
    // The wide rows have served; now their gradient takes their place.
    outer.inputGradient(gradient.pointer, second.weight.pointer, into: wide.pointer, isFirst: true)
    RowBlocks.elements(count) {
      ps_activation_backward(code, sums.pointer + $0, wide.pointer + $0, wide.pointer + $0, $1)
    }
    x.slot?.contribute { inner.inputGradient(wide.pointer, first.weight.pointer, into: $0, isFirst: $1) }
    first.weight.slot?.contribute { inner.weightGradient(wide.pointer, x.pointer, into: $0, isFirst: $1) }
    first.bias?.slot?.accumulate { inner.biasGradient(wide.pointer, into: $0) }
  }
}
