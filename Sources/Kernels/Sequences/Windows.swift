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

  /// The first row of a sequence among the spread rows.
  private func spreadStart(_ sequence: Int) -> Int { Int(starts[sequence]) + gap * (sequence + 1) }

  /// Copies packed rows apart; between them lie zeros.
  func spread(_ x: Storage, columns: Int) -> Storage {
    let result = Storage.filled(0, count: rowCount * columns)
    for sequence in 0..<sequences {
      let length = Int(starts[sequence + 1] - starts[sequence])
      (result.pointer + spreadStart(sequence) * columns).update(
        from: x.pointer + Int(starts[sequence]) * columns, count: length * columns)
    }
    return result
  }

  /// The product of every window with `matrix` [outputs, window · columns], by packed row, [tokens, outputs].
  func product(_ spread: Storage, columns: Int, matrix: Storage, outputs: Int) -> Storage {
    let (count, width) = (windowCount, before + after + 1)
    let all = Storage(uninitialized: count * outputs)
    Parallel.forEach(
      count, grain: max(16, RowBlocks.worthwhile / max(1, outputs * width * columns))
    ) { range in
      WorkProfile.time(.matrixProducts) {
        for place in 0..<width {
          gemm(
            transposeB: true, m: range.count, n: outputs, k: columns,
            a: spread.pointer + (range.lowerBound + place) * columns, lda: columns,
            b: matrix.pointer + place * columns, ldb: width * columns, beta: place == 0 ? 0 : 1,
            c: all.pointer + range.lowerBound * outputs, ldc: outputs)
        }
      }
    }
    let result = Storage(uninitialized: Int(starts.last ?? 0) * outputs)
    for sequence in 0..<sequences {
      let length = Int(starts[sequence + 1] - starts[sequence])
      (result.pointer + Int(starts[sequence]) * outputs).update(
        from: all.pointer + (spreadStart(sequence) - before) * outputs, count: length * outputs)
    }
    return result
  }

  /// Σ over windows of gradientᵀ window, [outputs, window · columns], for the gradient [tokens, outputs] of a product.
  func weightGradient(
    _ gradient: Storage, outputs: Int, _ spread: Storage, columns: Int
  ) -> Storage {
    let (count, width) = (windowCount, before + after + 1)
    let all = Storage.filled(0, count: count * outputs)
    for sequence in 0..<sequences {
      let length = Int(starts[sequence + 1] - starts[sequence])
      (all.pointer + (spreadStart(sequence) - before) * outputs).update(
        from: gradient.pointer + Int(starts[sequence]) * outputs, count: length * outputs)
    }
    let result = Storage.filled(0, count: outputs * width * columns)
    if count == 0 { return result }
    Parallel.forEach(outputs, grain: max(1, RowBlocks.worthwhile / max(1, count * columns))) { range in
      WorkProfile.time(.matrixProducts) {
        for place in 0..<width {
          gemm(
            transposeA: true, m: range.count, n: columns, k: count, a: all.pointer + range.lowerBound,
            lda: outputs, b: spread.pointer + place * columns, ldb: columns,
            c: result.pointer + (range.lowerBound * width + place) * columns, ldc: width * columns)
        }
      }
    }
    return result
  }
}
