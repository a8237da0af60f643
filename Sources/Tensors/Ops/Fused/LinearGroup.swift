import Kernels

extension Tensor {
  /// Computes yᵢ = x Wᵢᵀ + bᵢ for several layers that read the same rows, such as queries, keys and values.
  ///
  /// One region takes every block of rows through all layers while it is in cache. Backward: dx = Σ dyᵢ Wᵢ,
  /// dWᵢ += dyᵢᵀ x, dbᵢ += Σ rows of dyᵢ.
  ///
  /// - Parameters:
  ///   - layers: Each layer's weight [outputs, inputs] and bias [outputs].
  /// - Returns: Each layer's result, [..., outputs].
  public func linear(_ layers: [LinearWeights]) -> [Tensor] {
    let x = self
    let (rows, inputs) = (x.shape.rowCount, x.shape.lastDimension)
    let parts = layers.map { layer in
      precondition(
        layer.inputs == inputs, "linear got rows of \(inputs) values for a weight \(layer.weight.shape).")
      return LinearGroupKernel.Part(
        kernel: LinearKernel(rows: rows, inputs: inputs, outputs: layer.outputs), weights: layer,
        y: Storage(uninitialized: rows * layer.outputs))
    }
    LinearGroupKernel(parts: parts).forward(x)
    let results = parts.map { part in
      Tensor.result(
        part.y, Shape(x.shape.dimensions.dropLast() + [part.kernel.outputs]),
        from: x, part.weights.weight, part.weights.bias)
    }
    // Slots for results that nothing trainable leads to keep the gradients at their places.
    let slots = results.map { $0.slot ?? GradientSlot(count: 0) }
    if let tape = Tensor.tape(of: results) {
      tape.record(outputs: slots) { gradients in
        LinearGroupBackward(x: x, layers: layers, gradients: gradients).run()
      }
    }
    return results
  }
}

/// The forward pass of several linear layers of the same rows.
private struct LinearGroupKernel {
  struct Part {
    let kernel: LinearKernel
    let weights: LinearWeights
    let y: Storage
  }
  let parts: [Part]

  func forward(_ x: Tensor) {
    guard let first = parts.first?.kernel else { return }
    if first.isThin {
      let runs = OutputRuns(parts.map(\.kernel.outputs))
      let all = LinearKernel(rows: first.rows, inputs: first.inputs, outputs: runs.count)
      first.withThinInput(x.pointer) { input in
        all.splitOutputs { range in
          runs.forEach(in: range) { index, columns in
            let part = parts[index]
            part.kernel.forward(
              input, part.weights.weight.pointer, part.weights.bias?.pointer, sum: part.y.pointer,
              y: part.y.pointer,
              .identity,
              columns: columns)
          }
        }
      }
    } else {
      first.splitRows { range in
        for part in parts {
          let to = part.y.pointer + range.lowerBound * part.kernel.outputs
          part.kernel.forward(
            x.pointer + range.lowerBound * part.kernel.inputs, part.weights.weight.pointer,
            part.weights.bias?.pointer,
            sum: to,
            y: to, .identity, rows: range.count)
        }
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

/// The backward pass of several linear layers of the same rows, as far as gradients arrived.
private struct LinearGroupBackward {
  let x: Tensor
  let layers: [LinearWeights]
  let gradients: [Storage?]

  private typealias Arrived = (kernel: LinearKernel, weight: Tensor, bias: Tensor?, gradient: Storage)

  func run() {
    let arrived = zip(layers, gradients).compactMap { layer, gradient -> Arrived? in
      gradient.map {
        let kernel = LinearKernel(
          rows: x.shape.rowCount, inputs: x.shape.lastDimension, outputs: layer.weight.shape[0])
        return (kernel, layer.weight, layer.bias, $0)
      }
    }
    x.slot?.contribute { dx, isFirst in
      let width = arrived.reduce(0) { $0 + $1.kernel.outputs }
      let all = LinearKernel(rows: x.shape.rowCount, inputs: x.shape.lastDimension, outputs: width)
      all.splitInputGradient { rows, columns in
        for (index, layer) in arrived.enumerated() {
          layer.kernel.inputGradient(
            layer.gradient.pointer, layer.weight.pointer, into: dx, isFirst: isFirst && index == 0,
            rows: rows,
            columns: columns)
        }
      }
    }
    for layer in arrived {
      layer.weight.slot?.contribute {
        layer.kernel.weightGradient(layer.gradient.pointer, x.pointer, into: $0, isFirst: $1)
      }
      layer.bias?.slot?.accumulate { layer.kernel.biasGradient(layer.gradient.pointer, into: $0) }
    }
  }
}
