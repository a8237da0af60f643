import CKernels

/// Sums over storages, in Double, on this thread.
package enum Reductions {
  /// Σ x.
  package static func sum(_ x: Storage) -> Double { ps_sum(x.pointer, Int64(x.count)) }

  /// Σ x².
  package static func sumOfSquares(_ x: Storage) -> Double { ps_sum_squares(x.pointer, Int64(x.count)) }

  /// Σ x² of a range.
  package static func sumOfSquares(_ x: Storage, _ range: Range<Int>) -> Double {
    ps_sum_squares(x.pointer + range.lowerBound, Int64(range.count))
  }

  /// Σ a b.
  package static func dot(_ a: Storage, _ b: Storage) -> Double {
    ps_dot(a.pointer, b.pointer, Int64(a.count))
  }

  /// y[columns] += Σ over rows of x[rows, columns], in row order; workers take columns.
  package static func addColumnSums(_ x: Storage, rows: Int, columns: Int, to y: Storage) {
    Parallel.forEach(columns, grain: max(64, RowBlocks.worthwhile / max(1, rows))) { range in
      WorkProfile.time(.elementwise) {
        ps_column_sums(
          x.pointer + range.lowerBound, y.pointer + range.lowerBound, Int64(rows), Int64(range.count),
          Int64(columns))
      }
    }
  }

  /// y[outer, inner] = Σ over the middle axis of x[outer, extent, inner].
  package static func sum(_ x: Storage, outer: Int, extent: Int, inner: Int) -> Storage {
    let y = Storage.filled(0, count: outer * inner)
    for block in 0..<outer {
      for step in 0..<extent {
        let target = y.pointer + block * inner
        ps_add(target, x.pointer + (block * extent + step) * inner, target, Int64(inner))
      }
    }
    return y
  }

  /// dx[outer, extent, inner] += dy[outer, inner], the same along the middle axis.
  package static func spread(_ dy: Storage, outer: Int, extent: Int, inner: Int, addingTo dx: Storage) {
    for block in 0..<outer {
      for step in 0..<extent {
        let row = dx.pointer + (block * extent + step) * inner
        ps_add(row, dy.pointer + block * inner, row, Int64(inner))
      }
    }
  }
}
