import CKernels

/// A convolution over the rows of packed sequences, each between rows of zeros.
///
/// With the filters W [filters, inputs, k]: y[t] = b + Σ_j W[:, :, j] x[t + j − (k − 1)/2].
package struct ConvolutionKernel {
  private let weight: Storage
  private let filters: Int
  private let inputs: Int
  private let width: Int
  private let starts: [Int32]
  private let windows: Windows

  /// A kernel for filters [filters, inputs, width].
  package init(weight: Storage, filters: Int, inputs: Int, width: Int, starts: [Int32]) {
    (self.weight, self.filters, self.inputs, self.width, self.starts) = (
      weight, filters, inputs, width, starts
    )
    windows = Windows(starts: starts, before: (width - 1) / 2, after: width / 2)
  }

  /// Computes the result, and the rows with the zeros between them, which backward needs.
  package func forward(_ x: Storage, bias: Storage) -> (y: Storage, padded: Storage) {
    let padded = windows.padded(x, columns: inputs)
    let y = windows.product(padded, columns: inputs, matrix: filterRows(), outputs: filters)
    RowBlocks.rows(y.count / max(1, filters), columns: filters) { range in
      let rows = y.pointer + range.lowerBound * filters
      ps_bias_activation(
        ActivationKernel.identity.rawValue, rows, bias.pointer, rows, Int64(range.count), Int64(filters),
        Int64(filters), Int64(filters))
    }
    return (y, padded)
  }

  /// dW += Σ over windows of dyᵀ window.
  package func addWeightGradient(_ dy: Storage, padded: Storage, to dw: Storage) {
    let found = windows.weightGradient(dy, outputs: filters, padded, columns: inputs)
    for filter in 0..<filters {
      for input in 0..<inputs {
        for j in 0..<width {
          dw.pointer[(filter * inputs + input) * width + j] +=
            found.pointer[(filter * width + j) * inputs + input]
        }
      }
    }
  }

  /// dx, the same convolution of dy with the filters turned round: seen from x the window reaches as far to the other side.
  package func inputGradient(_ dy: Storage) -> Storage {
    let turned = Windows(starts: starts, before: width / 2, after: (width - 1) / 2)
    return turned.product(
      turned.padded(dy, columns: filters), columns: filters, matrix: turnedRows(), outputs: inputs)
  }

  /// The filters as rows that meet a window as it lies, [filters, k · inputs].
  private func filterRows() -> Storage {
    let result = Storage(uninitialized: weight.count)
    for filter in 0..<filters {
      for j in 0..<width {
        for input in 0..<inputs {
          result.pointer[(filter * width + j) * inputs + input] =
            weight.pointer[(filter * inputs + input) * width + j]
        }
      }
    }
    return result
  }

  /// The filters turned round, for the gradient of the rows, [inputs, k · filters].
  private func turnedRows() -> Storage {
    let result = Storage(uninitialized: weight.count)
    for input in 0..<inputs {
      for j in 0..<width {
        for filter in 0..<filters {
          result.pointer[(input * width + width - 1 - j) * filters + filter] =
            weight.pointer[(filter * inputs + input) * width + j]
        }
      }
    }
    return result
  }
}

/// The windows of neighbouring rows in packed sequences, each sequence between rows of zeros.
struct Windows {
  private let starts: [Int32]
  private let before: Int
  private let after: Int

  /// Windows that reach over so many rows before and after a row of its own sequence.
  init(starts: [Int32], before: Int, after: Int) {
    (self.starts, self.before, self.after) = (starts, before, after)
  }

  private var sequences: Int { max(0, starts.count - 1) }
  /// Zeros between two sequences serve the windows of both.
  private var gap: Int { max(before, after) }
  private var rowCount: Int { Int(starts.last ?? 0) + gap * (sequences + 1) }
  /// The windows, those of the zeros between sequences included, whose results nobody reads.
  private var windowCount: Int { max(0, rowCount - before - after) }

  /// The first row of a sequence among the padded rows.
  private func paddedStart(_ sequence: Int) -> Int { Int(starts[sequence]) + gap * (sequence + 1) }

  /// Packed rows with zeros between the sequences, [rows, columns].
  func padded(_ x: Storage, columns: Int) -> Storage {
    let result = Storage.filled(0, count: rowCount * columns)
    for sequence in 0..<sequences {
      let length = Int(starts[sequence + 1] - starts[sequence])
      (result.pointer + paddedStart(sequence) * columns).update(
        from: x.pointer + Int(starts[sequence]) * columns, count: length * columns)
    }
    return result
  }

  /// The product of every window with `matrix` [outputs, window · columns], by packed row, [tokens, outputs].
  func product(_ padded: Storage, columns: Int, matrix: Storage, outputs: Int) -> Storage {
    let (count, width) = (windowCount, before + after + 1)
    let all = Storage(uninitialized: count * outputs)
    Parallel.forEach(
      count, grain: max(16, RowBlocks.worthwhile / max(1, outputs * width * columns)),
      least: LinearSplit.leastRows
    ) { range in
      WorkProfile.time(.matrixProducts) {
        for place in 0..<width {
          gemm(
            transposeB: true, m: range.count, n: outputs, k: columns,
            a: padded.pointer + (range.lowerBound + place) * columns, lda: columns,
            b: matrix.pointer + place * columns, ldb: width * columns, beta: place == 0 ? 0 : 1,
            c: all.pointer + range.lowerBound * outputs, ldc: outputs)
        }
      }
    }
    let result = Storage(uninitialized: Int(starts.last ?? 0) * outputs)
    for sequence in 0..<sequences {
      let length = Int(starts[sequence + 1] - starts[sequence])
      (result.pointer + Int(starts[sequence]) * outputs).update(
        from: all.pointer + (paddedStart(sequence) - before) * outputs, count: length * outputs)
    }
    return result
  }

  /// Σ over windows of gradientᵀ window, [outputs, window · columns], for the gradient [tokens, outputs] of a product.
  func weightGradient(
    _ gradient: Storage, outputs: Int, _ padded: Storage, columns: Int
  ) -> Storage {
    let (count, width) = (windowCount, before + after + 1)
    let all = Storage.filled(0, count: count * outputs)
    for sequence in 0..<sequences {
      let length = Int(starts[sequence + 1] - starts[sequence])
      (all.pointer + (paddedStart(sequence) - before) * outputs).update(
        from: gradient.pointer + Int(starts[sequence]) * outputs, count: length * outputs)
    }
    let result = Storage.filled(0, count: outputs * width * columns)
    if count == 0 { return result }
    Parallel.forEach(
      outputs, grain: max(1, RowBlocks.worthwhile / max(1, count * columns)), least: LinearSplit.leastGradient
    ) { range in
      WorkProfile.time(.matrixProducts) {
        for place in 0..<width {
          gemm(
            transposeA: true, m: range.count, n: columns, k: count, a: all.pointer + range.lowerBound,
            lda: outputs, b: padded.pointer + place * columns, ldb: columns,
            c: result.pointer + (range.lowerBound * width + place) * columns, ldc: width * columns)
        }
      }
    }
    return result
  }
}
