import Kernels

/// The weights of a linear layer, y = x Wᵀ + b: what every op that multiplies by one takes.
///
/// The one place that knows in which form W is held. Ops have their fused ways for the dense form; other forms go through
/// `linear` layer by layer unless they have a way of their own.
public struct LinearWeights: Sendable {
  /// Form in which W is held.
  package enum Form: Sendable {
    /// Floats, [outputs, inputs], to which gradients can go.
    case dense(Tensor)
    /// 8-bit integers with a scale for each output, for inference alone.
    case int8(QuantizedMatrix)
    /// Two thin layers in a row, W = up · narrow, each in a form of its own.
    indirect case product(narrow: LinearWeights, up: LinearWeights)
    /// Floats, to which gradients can go, that compute as their 8-bit integers do.
    case simulated(Tensor, QuantizedMatrix)
    /// Floats without their blocks of zeros, for inference alone.
    case blocks(BlockMatrix)
  }

  package let form: Form
  /// The bias b, [outputs], if any.
  public let bias: Tensor?

  /// A dense weight [outputs, inputs], as checkpoints hold it, and a bias [outputs], if any.
  public init(_ weight: Tensor, bias: Tensor? = nil) {
    precondition(
      weight.shape.rank == 2, "A linear layer needs a weight [outputs, inputs], found \(weight.shape).")
    self.init(.dense(weight), bias: bias)
  }

  /// A weight in some form and a bias [outputs], if any.
  package init(_ form: Form, bias: Tensor?) {
    (self.form, self.bias) = (form, bias)
    precondition(
      bias == nil || bias?.count == outputs, "A linear layer needs a bias of \(outputs) values.")
  }

  /// Two thin layers in a row: `narrow` gives few values, of which `up` makes the results and adds the bias.
  package init(narrow: LinearWeights, up: LinearWeights) {
    precondition(
      up.inputs == narrow.outputs && narrow.bias == nil,
      "Two layers in a row need an inner width, found \(narrow.shape) and \(up.shape), and one bias.")
    self.init(.product(narrow: narrow, up: up), bias: up.bias)
  }

  /// The length of the rows it takes.
  public var inputs: Int { shape[1] }
  /// The length of the rows it gives.
  public var outputs: Int { shape[0] }
  /// The shape of W, [outputs, inputs].
  var shape: Shape {
    switch form {
    case .dense(let weight), .simulated(let weight, _): weight.shape
    case .int8(let matrix): [matrix.rows, matrix.columns]
    case .product(let narrow, let up): [up.outputs, narrow.inputs]
    case .blocks(let matrix): [matrix.rows, matrix.columns]
    }
  }

  /// The layer in the dense form; nil in any other.
  package var dense: DenseWeights? {
    switch form {
    case .dense(let weight): DenseWeights(weight: weight, bias: bias)
    case .int8, .product, .simulated, .blocks: nil
    }
  }

  /// The two thin layers; nil in any other form.
  var product: (narrow: LinearWeights, up: LinearWeights)? {
    switch form {
    case .dense, .int8, .simulated, .blocks: nil
    case .product(let narrow, let up): (narrow, up)
    }
  }

  /// The layer without its blocks of zeros; nil in any other form.
  var blocks: BlockLinearKernel? {
    switch form {
    case .dense, .int8, .product, .simulated: nil
    case .blocks(let matrix): BlockLinearKernel(weight: matrix, bias: bias?.storage)
    }
  }

  /// The layer in 8-bit integers; nil in any other form.
  var quantized: QuantizedLinearKernel? {
    switch form {
    case .dense, .product, .simulated, .blocks: nil
    case .int8(let matrix): QuantizedLinearKernel(weight: matrix, bias: bias?.storage)
    }
  }

  /// The shape of the results for rows of some shape.
  func resultShape(_ x: Tensor) -> Shape {
    precondition(
      x.shape.lastDimension == inputs,
      "linear got rows of \(x.shape.lastDimension) values for a weight \(shape).")
    return Shape(x.shape.dimensions.dropLast() + [outputs])
  }
}

/// The weights of a linear layer in floats, with their products and gradients.
package struct DenseWeights: Sendable {
  /// W, [outputs, inputs].
  package let weight: Tensor
  /// b, [outputs], if any.
  package let bias: Tensor?

  /// The length of the rows it takes.
  var inputs: Int { weight.shape[1] }
  /// The length of the rows it gives.
  var outputs: Int { weight.shape[0] }

  /// The products with the weight.
  package var kernel: LinearKernel {
    LinearKernel(weight: weight.storage, bias: bias?.storage, inputs: inputs, outputs: outputs)
  }

  /// The tensors that gradients can go to.
  package var tensors: [Tensor?] { [weight, bias] }

  /// Adds dW += dyᵀ x and db += Σ rows of dy.
  package func addGradients(of dy: Storage, _ x: Storage, rows: Int) {
    weight.slot?.contribute { kernel.weightGradient(dy, x, rows: rows, into: $0, adding: $1) }
    bias?.slot?.accumulate { kernel.addBiasGradient(dy, rows: rows, to: $0) }
  }
}

extension Tensor {
  /// The rows f(x Wᵀ + b) of a linear layer, [..., inputs] to [..., outputs].
  ///
  /// Backward: with s = x Wᵀ + b, ds = dy f′(s); dx = ds W, dW += dsᵀ x, db += Σ rows of ds.
  ///
  /// - Parameters:
  ///   - weights: W and b.
  ///   - activation: The function f.
  public func linear(_ weights: LinearWeights, activation: Activation = .identity) -> Tensor {
    let shape = weights.resultShape(self)
    if let (narrow, up) = weights.product { return linear(narrow).linear(up, activation: activation) }
    if case .simulated(let weight, let matrix) = weights.form {
      return simulatedLinear(weight, matrix, bias: weights.bias).applying(activation)
    }
    guard let weights = weights.dense else {
      return heldLinear([weights], activation: activation)[0]
    }
    let (rows, kernel) = (self.shape.rowCount, weights.kernel)
    let tape = Tensor.tape(of: [self] + weights.tensors)
    let y = Storage(uninitialized: shape.count)
    // The value before the activation is only kept when backward will read it; without an activation it is the output.
    let saved = tape != nil && activation != .identity ? Storage(uninitialized: shape.count) : nil
    kernel.forward(storage, rows: rows, sum: saved ?? y, y: y, activation: activation.kernel)
    let result = Tensor.result(y, shape, on: tape)
    if let tape {
      tape.record(result) { dy in
        if let saved { activation.kernel.gradient(saved, dy: dy, into: dy) }
        slot?.contribute { kernel.inputGradient(dy, rows: rows, into: $0, adding: $1) }
        weights.addGradients(of: dy, storage, rows: rows)
      }
    }
    return result
  }

  /// The rows x Wᵢᵀ + bᵢ of several layers that read the same rows, such as queries, keys and values.
  ///
  /// One region takes every block of rows through all layers while it is in cache. Backward: dx = Σ dyᵢ Wᵢ,
  /// dWᵢ += dyᵢᵀ x, dbᵢ += Σ rows of dyᵢ.
  public func linear(_ layers: [LinearWeights]) -> [Tensor] {
    let products = layers.compactMap(\.product)
    if products.count == layers.count {
      return zip(linear(products.map(\.narrow)), products).map { $0.linear($1.up) }
    }
    let shapes = layers.map { $0.resultShape(self) }
    let dense = layers.compactMap(\.dense)
    guard dense.count == layers.count else {
      let areAlike =
        layers.allSatisfy { $0.quantized != nil } || layers.allSatisfy { $0.blocks != nil }
      return areAlike ? heldLinear(layers) : layers.map { linear($0) }
    }
    return linear(dense, shapes)
  }

  private func linear(_ layers: [DenseWeights], _ shapes: [Shape]) -> [Tensor] {
    let (rows, kernels) = (shape.rowCount, layers.map(\.kernel))
    let results = shapes.map { Storage(uninitialized: $0.count) }
    LinearGroupKernel.forward(storage, rows: rows, layers: kernels, into: results)
    let tensors = zip(layers, zip(results, shapes)).map { layer, result in
      Tensor.result(result.0, result.1, from: self, layer.weight, layer.bias)
    }
    if let tape = Tensor.tape(of: tensors) {
      // Slots for results that nothing trainable leads to keep the gradients at their places.
      tape.record(outputs: tensors.map { $0.slot ?? GradientSlot(count: 0) }) { gradients in
        let arrived = layers.indices.compactMap { index in gradients[index].map { (layer: index, dy: $0) } }
        slot?.contribute { dx, adding in
          LinearGroupKernel.inputGradient(
            arrived.map { (kernels[$0.layer], $0.dy) }, rows: rows, into: dx, adding: adding)
        }
        for (layer, dy) in arrived { layers[layer].addGradients(of: dy, storage, rows: rows) }
      }
    }
    return tensors
  }

  /// The rows f(x W₁ᵀ + b₁) W₂ᵀ + b₂: the feed-forward half of a Transformer layer, [..., features] to [..., outputs].
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
  public func feedForward(inner: LinearWeights, outer: LinearWeights, activation: Activation) -> Tensor {
    let (rows, features) = (shape.rowCount, shape.lastDimension)
    precondition(
      inner.inputs == features && outer.inputs == inner.outputs,
      "feedForward cannot take rows of \(features) values through \(inner.shape) and \(outer.shape)."
    )
    if let (narrow, up) = inner.product {
      return linear(narrow).feedForward(inner: up, outer: outer, activation: activation)
    }
    if let (narrow, up) = outer.product {
      return feedForward(inner: inner, outer: narrow, activation: activation).linear(up)
    }
    guard let inner = inner.dense, let outer = outer.dense else {
      return feedForward(inner, outer, activation)
    }
    let tape = Tensor.tape(of: [self] + inner.tensors + outer.tensors)
    let y = Storage(uninitialized: rows * outer.outputs)
    let sums = tape != nil ? Storage(uninitialized: rows * inner.outputs) : nil
    let kernel = FeedForwardKernel(inner: inner.kernel, outer: outer.kernel, activation: activation.kernel)
    kernel.forward(storage, rows: rows, sums: sums, y: y)
    let result = Tensor.result(y, Shape(shape.dimensions.dropLast() + [outer.outputs]), on: tape)
    if let tape, let sums {
      tape.record(result) { dy in
        let wide = Storage(uninitialized: sums.count)
        if let slot = outer.weight.slot {
          activation.kernel.apply(sums, into: wide)
          slot.contribute { outer.kernel.weightGradient(dy, wide, rows: rows, into: $0, adding: $1) }
        }
        outer.bias?.slot?.accumulate { outer.kernel.addBiasGradient(dy, rows: rows, to: $0) }
        if ([self] + inner.tensors).allSatisfy({ $0?.slot == nil }) { return }
        // The wide rows have served; now their gradient takes their place.
        outer.kernel.inputGradient(dy, rows: rows, into: wide, adding: false)
        activation.kernel.gradient(sums, dy: wide, into: wide)
        slot?.contribute { inner.kernel.inputGradient(wide, rows: rows, into: $0, adding: $1) }
        inner.addGradients(of: wide, storage, rows: rows)
      }
    }
    return result
  }
}

extension Tensor {
  /// The rows of several layers that read the same rows, all of 8-bit integers or all without their blocks of zeros.
  private func heldLinear(_ layers: [LinearWeights], activation: Activation = .identity) -> [Tensor] {
    checkInference(layers)
    let (kernels, blocks) = (layers.compactMap(\.quantized), layers.compactMap(\.blocks))
    let shapes = layers.map { $0.resultShape(self) }
    let results = shapes.map { Storage(uninitialized: $0.count) }
    if blocks.count == layers.count {
      BlockLinearKernel.forward(
        storage, rows: shape.rowCount, layers: blocks, into: results, activation: activation.kernel)
    } else {
      QuantizedLinearKernel.forward(
        storage, rows: shape.rowCount, layers: kernels, into: results, activation: activation.kernel)
    }
    return zip(results, shapes).map { Tensor(storage: $0, shape: $1) }
  }

  /// The feed-forward half in another form than the dense one.
  private func feedForward(_ inner: LinearWeights, _ outer: LinearWeights, _ activation: Activation) -> Tensor
  {
    guard let first = inner.quantized, let second = outer.quantized else {
      return linear(inner, activation: activation).linear(outer)
    }
    checkInference([inner, outer])
    let y = Storage(uninitialized: shape.rowCount * outer.outputs)
    QuantizedFeedForwardKernel(inner: first, outer: second, activation: activation.kernel)
      .forward(storage, rows: shape.rowCount, y: y)
    return Tensor(storage: y, shape: Shape(shape.dimensions.dropLast() + [outer.outputs]))
  }

  /// Ends the program with a sentence where a gradient is wanted that integers do not have.
  private func checkInference(_ layers: [LinearWeights]) {
    precondition(
      Tensor.tape(of: [self] + layers.map(\.bias)) == nil,
      "Weights of 8-bit integers, and those without their zeros, have no gradient; run the pass without a tape, or with the dense "
        + "weights of floats.")
  }
}

extension Tensor {
  /// The matrix product op(a) op(b) of a, this tensor, and b, where op may transpose.
  ///
  /// With C = A B: dA = dC Bᵀ, dB = Aᵀ dC.
  ///
  /// - Parameters:
  ///   - b: A matrix, [k, n], or [n, k] when it is transposed; a is [m, k], or [k, m].
  ///   - transposingFirst: Whether to use aᵀ.
  ///   - transposingSecond: Whether to use bᵀ.
  /// - Returns: The product, [m, n].
  public func matmul(_ b: Tensor, transposingFirst: Bool = false, transposingSecond: Bool = false) -> Tensor {
    precondition(
      shape.rank == 2 && b.shape.rank == 2, "matmul needs two matrices, found \(shape) and \(b.shape).")
    let left = Matrix(storage, rows: shape[0], columns: shape[1], isTransposed: transposingFirst)
    let right = Matrix(b.storage, rows: b.shape[0], columns: b.shape[1], isTransposed: transposingSecond)
    precondition(
      left.columns == right.rows,
      "matmul cannot multiply \(shape) by \(b.shape) (transposed: \(transposingFirst), \(transposingSecond))."
    )
    let c = Storage(uninitialized: left.rows * right.columns)
    left.multiply(right, into: c)
    let result = Tensor.result(c, [left.rows, right.columns], from: self, b)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let dc = Matrix(gradient, rows: left.rows, columns: right.columns)
        slot?.contribute { da, adding in
          // A stored transposed wants op(B) dCᵀ, the transpose of dC op(B)ᵀ.
          if transposingFirst {
            right.multiply(dc.transposed, into: da, adding: adding)
          } else {
            dc.multiply(right.transposed, into: da, adding: adding)
          }
        }
        b.slot?.contribute { db, adding in
          if transposingSecond {
            dc.transposed.multiply(left, into: db, adding: adding)
          } else {
            left.transposed.multiply(dc, into: db, adding: adding)
          }
        }
      }
    }
    return result
  }
}
