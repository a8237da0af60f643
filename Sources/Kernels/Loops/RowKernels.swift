import CKernels

/// Copies of rows, columns and blocks, and the additions that bring gradients back to where they came from.
package enum RowKernels {
  /// y[columns, rows] = x[rows, columns]ᵀ, or y += xᵀ.
  package static func transpose(_ x: Storage, rows: Int, columns: Int, into y: Storage, adding: Bool = false)
  {
    for row in 0..<rows {
      for column in 0..<columns {
        let value = x.pointer[row * columns + column]
        if adding { y.pointer[column * rows + row] += value } else { y.pointer[column * rows + row] = value }
      }
    }
  }

  /// y[rows] = one column of x[rows, columns].
  package static func column(_ index: Int, of x: Storage, columns: Int, into y: Storage) {
    for row in 0..<y.count { y.pointer[row] = x.pointer[row * columns + index] }
  }

  /// One column of dx[rows, columns] += dy[rows].
  package static func add(_ dy: Storage, toColumn index: Int, of dx: Storage, columns: Int) {
    for row in 0..<dy.count { dx.pointer[row * columns + index] += dy.pointer[row] }
  }

  /// y[rows, columns.count] = some columns of x[rows, width].
  package static func gather(_ x: Storage, width: Int, columns: [Int32], into y: Storage) {
    RowBlocks.rows(y.count / max(1, columns.count), columns: columns.count) { range in
      for row in range {
        let (source, target) = (x.pointer + row * width, y.pointer + row * columns.count)
        for (place, column) in columns.enumerated() { target[place] = source[Int(column)] }
      }
    }
  }

  /// y[rows, width] = the columns of x[rows, columns.count] at their places, and zeros elsewhere; or y += them.
  package static func scatter(_ x: Storage, width: Int, columns: [Int32], into y: Storage, adding: Bool) {
    RowBlocks.rows(y.count / max(1, width), columns: width) { range in
      for row in range {
        let (source, target) = (x.pointer + row * columns.count, y.pointer + row * width)
        if !adding { target.update(repeating: 0, count: width) }
        for (place, column) in columns.enumerated() { target[Int(column)] += source[place] }
      }
    }
  }

  /// Copies blocks of `length` values of x side by side into blocks of `width` values of y, from `offset` on.
  package static func copy(
    _ x: Storage, blocks: Int, length: Int, into y: Storage, width: Int, offset: Int
  ) {
    for block in 0..<blocks {
      (y.pointer + block * width + offset).update(from: x.pointer + block * length, count: length)
    }
  }

  /// Adds what `copy` would have copied from dx: dx += its blocks of dy.
  package static func addBlocks(
    of dy: Storage, width: Int, offset: Int, to dx: Storage, blocks: Int, length: Int
  ) {
    for block in 0..<blocks {
      for index in 0..<length {
        dx.pointer[block * length + index] += dy.pointer[block * width + offset + index]
      }
    }
  }

  /// dx[offset...] += dy.
  package static func add(_ dy: Storage, to dx: Storage, from offset: Int) {
    RowBlocks.elements(dy.count) { start, length in
      let target = dx.pointer + offset + start
      ps_add(target, dy.pointer + start, target, length)
    }
  }

  /// y[r] = table[rows[r]]; `splitting` shares the rows among workers.
  package static func gather(
    _ table: Storage, rows: [Int32], columns: Int, into y: Storage, splitting: Bool = false
  ) {
    let copy = { (range: Range<Int>) in
      for row in range {
        (y.pointer + row * columns).update(from: table.pointer + Int(rows[row]) * columns, count: columns)
      }
    }
    if splitting {
      RowBlocks.rows(rows.count, columns: columns, as: .embedding, copy)
    } else {
      copy(0..<rows.count)
    }
  }

  /// y[i] = the mean of a range of rows of x, none of which is empty.
  package static func means(of x: Storage, ranges: [Range<Int>], columns: Int, into y: Storage) {
    let source = x.pointer
    Parallel.forEach(ranges.count, grain: 64) { places in
      for place in places {
        let (range, target) = (ranges[place], y.pointer + place * columns)
        target.update(from: source + range.lowerBound * columns, count: columns)
        if range.count == 1 { continue }
        for row in range.dropFirst() { for i in 0..<columns { target[i] += source[row * columns + i] } }
        let share = 1 / Float(range.count)
        for i in 0..<columns { target[i] *= share }
      }
    }
  }

  /// table[rows[r]] += dy[r]: workers split the columns, so additions keep their order whatever the number of threads.
  package static func scatterAdd(_ dy: Storage, to table: Storage, rows: [Int32], columns: Int) {
    rows.withUnsafeBufferPointer { indices in
      guard let base = indices.baseAddress else { return }
      Parallel.forEach(columns, grain: max(16, RowBlocks.worthwhile / max(1, rows.count))) { range in
        WorkProfile.time(.embedding) {
          ps_scatter_add_rows(
            table.pointer, base, dy.pointer, Int64(rows.count), Int64(columns), Int64(range.lowerBound),
            Int64(range.upperBound))
        }
      }
    }
  }

  /// Zeroes some rows of a table.
  package static func clear(_ rows: [Int32], of table: Storage, columns: Int) {
    for row in rows { ps_fill(table.pointer + Int(row) * columns, 0, Int64(columns)) }
  }

  /// y[r] = word[ids[r]] + position[positions[r]] (+ segment[segments[r]], where there is a table).
  package static func embeddingSum(
    word: Storage, ids: [Int32], position: Storage, positions: [Int32], segment: Storage?, segments: [Int32],
    columns: Int, into y: Storage
  ) {
    RowBlocks.rows(ids.count, columns: columns, as: .embedding) { range in
      ps_embedding_sum(
        word.pointer, position.pointer, segment?.pointer, Array(ids[range]), Array(positions[range]),
        segment == nil ? nil : Array(segments[range]), y.pointer + range.lowerBound * columns,
        Int64(range.count), Int64(columns))
    }
  }

  /// y[sequence] = the largest value of each column of x over a sequence's rows, and the row it came from.
  package static func maximum(_ x: Storage, starts: [Int32], columns: Int, into y: Storage) -> Origins {
    let sequences = starts.count - 1
    let average = max(1, x.count / max(1, columns) / max(1, sequences))
    // As many bits as a value, so that the pool's buffers serve.
    let origins = Origins(rows: Storage(uninitialized: sequences * columns), columns: columns)
    RowBlocks.rows(sequences, columns: average * columns) { range in
      for sequence in range {
        let best = y.pointer + sequence * columns
        let rows = origins.rows(of: sequence)
        best.update(from: x.pointer + Int(starts[sequence]) * columns, count: columns)
        for column in 0..<columns { rows[column] = starts[sequence] }
        for row in starts[sequence] + 1..<starts[sequence + 1] {
          let values = x.pointer + Int(row) * columns
          for column in 0..<columns where values[column] > best[column] || values[column].isNaN {
            best[column] = values[column]
            rows[column] = row
          }
        }
      }
    }
    return origins
  }

  /// The row that each maximum came from, [sequences, columns].
  package struct Origins {
    fileprivate let rows: Storage
    fileprivate let columns: Int

    fileprivate func rows(of sequence: Int) -> UnsafeMutablePointer<Int32> {
      UnsafeMutableRawPointer(rows.pointer + sequence * columns).assumingMemoryBound(to: Int32.self)
    }

    /// Adds each gradient to the row its value came from.
    package func add(_ dy: Storage, to dx: Storage) {
      for sequence in 0..<rows.count / max(1, columns) {
        let rows = rows(of: sequence)
        for column in 0..<columns {
          dx.pointer[Int(rows[column]) * columns + column] += dy.pointer[sequence * columns + column]
        }
      }
    }
  }
}

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
  package static func broadcast(_ dy: Storage, outer: Int, extent: Int, inner: Int, addingTo dx: Storage) {
    for block in 0..<outer {
      for step in 0..<extent {
        let row = dx.pointer + (block * extent + step) * inner
        ps_add(row, dy.pointer + block * inner, row, Int64(inner))
      }
    }
  }
}
