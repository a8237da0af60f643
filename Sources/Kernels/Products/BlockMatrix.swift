import CKernels

/// Matrix [outputs, inputs] without its blocks of zeros: 32 outputs by one input.
///
/// A panel of 32 outputs keeps the numbers of its inputs and their weights one behind the other, so that a product skips the others.
package final class BlockMatrix: Sendable {
  /// The number of rows: outputs.
  package let rows: Int
  /// The number of columns: inputs.
  package let columns: Int
  /// Outputs of a block.
  package static let blockRows = Int(ps_block_outputs)
  /// Weights of the kept blocks, [blocks, 32], those behind the last output zero.
  private let weights: Storage
  /// The input of each kept block, panel by panel.
  private let kept: [Int32]
  /// The first kept block of each panel, and the number of all.
  private let starts: [Int32]

  /// A matrix from all its values, of which blocks of zeros are left out.
  package init(_ values: Storage, rows: Int, columns: Int) {
    precondition(
      values.count == rows * columns, "A matrix [\(rows), \(columns)] does not have \(values.count) values.")
    (self.rows, self.columns) = (rows, columns)
    var (kept, starts): ([Int32], [Int32]) = ([], [0])
    for first in stride(from: 0, to: rows, by: Self.blockRows) {
      let panel = first..<min(rows, first + Self.blockRows)
      for column in 0..<columns where panel.contains(where: { values.pointer[$0 * columns + column] != 0 }) {
        kept.append(Int32(column))
      }
      starts.append(Int32(kept.count))
    }
    weights = Storage.lastingZeros(count: max(1, kept.count * Self.blockRows))
    (self.kept, self.starts) = (kept, starts)
    forEachWeight { weights.pointer[$0] = values.pointer[$1] }
  }

  /// Runs `body` with the place of each weight here and in the whole matrix.
  private func forEachWeight(_ body: (_ own: Int, _ whole: Int) -> Void) {
    for panel in 0..<starts.count - 1 {
      let first = panel * Self.blockRows
      for block in Int(starts[panel])..<Int(starts[panel + 1]) {
        for row in first..<min(rows, first + Self.blockRows) {
          body(block * Self.blockRows + row - first, row * columns + Int(kept[block]))
        }
      }
    }
  }

  /// The share of the blocks that is kept, from 0 to 1.
  package var density: Double { Double(kept.count) / Double(max(1, (starts.count - 1) * columns)) }

  /// The bytes of weights and places together.
  package var byteCount: Int { 4 * (weights.count + kept.count + starts.count) }

  /// All values, [rows, columns].
  package func dense() -> Storage {
    let values = Storage.filled(0, count: rows * columns)
    forEachWeight { values.pointer[$1] = weights.pointer[$0] }
    return values
  }

  /// The number of panels.
  fileprivate var panelCount: Int { starts.count - 1 }

  /// x Wᵀ + b of packed rows for some panels, on this thread; `y` is the place of the first output of all.
  fileprivate func product(
    _ packed: UnsafePointer<Float>, rows count: Int, panels: Range<Int>, bias: UnsafePointer<Float>,
    into y: UnsafeMutablePointer<Float>
  ) {
    let first = panels.lowerBound * Self.blockRows
    let outputs = min(rows, panels.upperBound * Self.blockRows) - first
    WorkProfile.time(.matrixProducts) {
      kept.withUnsafeBufferPointer { kept in
        starts.withUnsafeBufferPointer { starts in
          // A matrix without any block still has a bias; nothing is read then of where blocks would be.
          guard let firstStart = starts.baseAddress else { return }
          ps_block_linear(
            packed, Int64(count), Int64(columns), weights.pointer, kept.baseAddress ?? firstStart,
            firstStart + panels.lowerBound, bias + first, y + first, Int64(outputs), Int64(rows))
        }
      }
    }
  }
}

/// Linear layer without the blocks of zeros of its weight, y = f(x Wᵀ + b), for inference.
///
/// A row's result depends on that row alone, so neither its company nor the number of threads changes a bit.
package struct BlockLinearKernel: Sendable {
  private let weight: BlockMatrix
  /// b, zeros where there is none, up to whole panels.
  private let bias: Storage

  /// A kernel for a weight [outputs, inputs] and a bias [outputs], if any.
  package init(weight: BlockMatrix, bias: Storage?) {
    self.weight = weight
    self.bias = Storage.filled(0, count: weight.panelCount * BlockMatrix.blockRows)
    if let bias { self.bias.pointer.update(from: bias.pointer, count: weight.rows) }
  }

  /// With fewer rows the workers share the outputs instead.
  private static let fewRows = 64
  /// Rows that are packed together: they stay in the second-level cache while the panels pass.
  private static let blockRows = 96

  /// Computes each layer's f(x Wᵀ + b) of rows that all of them read.
  package static func forward(
    _ x: Storage, rows: Int, layers: [BlockLinearKernel], into results: [Storage],
    activation: ActivationKernel = .identity
  ) {
    guard let inputs = layers.first?.weight.columns else { return }
    precondition(
      layers.allSatisfy { $0.weight.columns == inputs }, "Layers that read the same rows have as many inputs."
    )
    let outputs = layers.reduce(0) { $0 + $1.weight.rows }
    if rows < fewRows {
      let packed = pack(x.pointer, rows: rows, inputs: inputs)
      for (layer, result) in zip(layers, results) {
        let work = rows * inputs * BlockMatrix.blockRows
        Parallel.forEach(layer.weight.panelCount, grain: max(1, RowBlocks.worthwhile / max(1, work))) {
          layer.weight.product(
            packed.pointer, rows: rows, panels: $0, bias: layer.bias.pointer, into: result.pointer)
        }
        RowBlocks.elements(rows * layer.weight.rows) { start, count in
          layer.finish(result.pointer + start, count, activation)
        }
      }
      return
    }
    LinearSplit(rows: rows, inputs: inputs, outputs: outputs).rows(atMost: blockRows) { range in
      let packed = pack(x.pointer + range.lowerBound * inputs, rows: range.count, inputs: inputs)
      for (layer, result) in zip(layers, results) {
        let y = result.pointer + range.lowerBound * layer.weight.rows
        layer.weight.product(
          packed.pointer, rows: range.count, panels: 0..<layer.weight.panelCount, bias: layer.bias.pointer,
          into: y)
        WorkProfile.time(.elementwise) {
          layer.finish(y, Int64(range.count * layer.weight.rows), activation)
        }
      }
    }
  }

  private static func pack(_ x: UnsafePointer<Float>, rows: Int, inputs: Int) -> Storage {
    let packed = Storage(uninitialized: max(1, Int(ps_block_pack_count(Int64(rows), Int64(inputs)))))
    WorkProfile.time(.elementwise) { ps_block_pack(x, Int64(rows), Int64(inputs), packed.pointer) }
    return packed
  }

  private func finish(_ y: UnsafeMutablePointer<Float>, _ count: Int64, _ activation: ActivationKernel) {
    if activation != .identity { ps_activation(activation.rawValue, y, y, count) }
  }
}
