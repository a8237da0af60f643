/// Several linear layers that read the same rows, such as queries, keys and values.
package enum LinearGroupKernel {
  /// Computes each layer's x Wᵀ + b; every block of rows goes through all layers while it is in cache.
  package static func forward(_ x: Storage, rows: Int, layers: [LinearKernel], into results: [Storage]) {
    guard let inputs = layers.first?.inputs else { return }
    let runs = OutputRuns(layers.map(\.outputs))
    let split = LinearSplit(rows: rows, inputs: inputs, outputs: runs.count)
    if split.isThin {
      ThinInput.with(x, rows: rows, inputs: inputs) { input in
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
