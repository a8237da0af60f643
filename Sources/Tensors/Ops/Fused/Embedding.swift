import CKernels
import Kernels

extension Tensor {
  /// Sums word, position and (if there is a table) segment embeddings of every token.
  ///
  /// Backward: each row of dy is added to the rows of the tables it was made of.
  ///
  /// - Parameters:
  ///   - word: The word table, [vocabulary, features].
  ///   - position: The position table, [positions, features].
  ///   - segment: The segment (token type) table, [segments, features], if any.
  ///   - ids: The word index of each token, [tokens].
  ///   - positions: The position index of each token, [tokens].
  ///   - segments: The segment index of each token, [tokens].
  /// - Returns: The embeddings, [tokens, features].
  public static func embedding(
    word: Tensor, position: Tensor, segment: Tensor?, ids: [Int32], positions: [Int32], segments: [Int32]
  ) -> Tensor {
    let (tokens, columns) = (ids.count, word.shape.lastDimension)
    checkIndices(ids, below: word.shape[0], name: "token id")
    checkIndices(positions, below: position.shape[0], name: "position")
    precondition(
      positions.count == tokens,
      "Every token needs a position: \(tokens) tokens, \(positions.count) positions."
    )
    if let segment {
      checkIndices(segments, below: segment.shape[0], name: "segment")
      precondition(
        segments.count == tokens, "Every token needs a segment: \(tokens) tokens, \(segments.count) segments."
      )
    }
    let y = Storage(uninitialized: tokens * columns)
    RowBlocks.rows(tokens, columns: columns, as: .embedding) { range in
      ps_embedding_sum(
        word.pointer, position.pointer, segment?.pointer, Array(ids[range]), Array(positions[range]),
        segment == nil ? nil : Array(segments[range]), y.pointer + range.lowerBound * columns,
        Int64(range.count),
        Int64(columns))
    }
    let result = Tensor.result(y, [tokens, columns], from: word, position, segment)
    if let tape = result.tape {
      tape.record(result) { gradient in
        for (table, rows) in [(word, ids), (position, positions)] + (segment.map { [($0, segments)] } ?? []) {
          table.slot?.accumulate(rows: rows, columns: columns, as: .embedding) {
            scatterAdd(gradient, to: $0, rows: rows, columns: columns)
          }
        }
      }
    }
    return result
  }
}

extension Tensor {
  /// Takes the row of each token from a table; backward adds each row of dy to the row it came from.
  ///
  /// - Parameters:
  ///   - ids: The row of each token, [tokens].
  /// - Returns: The embeddings, [tokens, features].
  public func embedding(ids: [Int32]) -> Tensor {
    let table = self
    let columns = table.shape.lastDimension
    checkIndices(ids, below: table.shape[0], name: "token id")
    let y = Storage(uninitialized: ids.count * columns)
    RowBlocks.rows(ids.count, columns: columns, as: .embedding) { range in
      for row in range {
        (y.pointer + row * columns).update(from: table.pointer + Int(ids[row]) * columns, count: columns)
      }
    }
    let result = Tensor.result(y, [ids.count, columns], from: table)
    if let tape = result.tape {
      tape.record(result) { gradient in
        table.slot?.accumulate(rows: ids, columns: columns, as: .embedding) {
          scatterAdd(gradient, to: $0, rows: ids, columns: columns)
        }
      }
    }
    return result
  }
}

extension Tensor {
  /// Takes rows of a matrix by index; backward adds each gradient row to the row it came from.
  ///
  /// - Parameters:
  ///   - rows: The indices to take, each in 0 ..< n, in any order and any number of times.
  /// - Returns: The rows, [rows.count, features].
  public func rows(at rows: [Int32]) -> Tensor {
    let x = self
    let columns = x.shape.lastDimension
    checkIndices(rows, below: x.shape.rowCount, name: "row")
    let y = Storage(uninitialized: rows.count * columns)
    for (index, row) in rows.enumerated() {
      (y.pointer + index * columns).update(from: x.pointer + Int(row) * columns, count: columns)
    }
    let result = Tensor.result(y, [rows.count, columns], from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        x.slot?.accumulate { scatterAdd(gradient, to: $0, rows: rows, columns: columns) }
      }
    }
    return result
  }
}

/// table[rows[r]] += dy[r]: workers split the columns, so additions keep their order whatever the number of threads.
private func scatterAdd(
  _ gradient: Storage, to table: UnsafeMutablePointer<Float>, rows: [Int32], columns: Int
) {
  rows.withUnsafeBufferPointer { indices in
    guard let base = indices.baseAddress else { return }
    Parallel.forEach(columns, grain: max(16, RowBlocks.worthwhile / max(1, rows.count))) { range in
      WorkProfile.time(.embedding) {
        ps_scatter_add_rows(
          table, base, gradient.pointer, Int64(rows.count), Int64(columns), Int64(range.lowerBound),
          Int64(range.upperBound))
      }
    }
  }
}

private func checkIndices(_ indices: [Int32], below bound: Int, name: String) {
  let inside = indices.allSatisfy { $0 >= 0 && Int($0) < bound }
  precondition(
    inside, "Every \(name) must lie in 0 ..< \(bound), found \(indices.min() ?? 0) to \(indices.max() ?? 0).")
}
