import Kernels

extension Tensor {
  /// The sum of word, position and (if there is a table) segment embeddings of every token.
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
    ids.checkBelow(word.shape[0], name: "token id")
    positions.checkBelow(position.shape[0], name: "position")
    precondition(
      positions.count == tokens,
      "Every token needs a position: \(tokens) tokens, \(positions.count) positions.")
    if let segment {
      segments.checkBelow(segment.shape[0], name: "segment")
      precondition(
        segments.count == tokens,
        "Every token needs a segment: \(tokens) tokens, \(segments.count) segments.")
    }
    let y = Storage(uninitialized: tokens * columns)
    RowKernels.embeddingSum(
      word: word.storage, ids: ids, position: position.storage, positions: positions,
      segment: segment?.storage, segments: segments, columns: columns, into: y)
    let result = Tensor.result(y, [tokens, columns], from: word, position, segment)
    if let tape = result.tape {
      tape.record(result) { dy in
        for (table, rows) in [(word, ids), (position, positions)] + (segment.map { [($0, segments)] } ?? []) {
          table.slot?.accumulate(rows: rows, columns: columns, as: .embedding) {
            RowKernels.scatterAdd(dy, to: $0, rows: rows, columns: columns)
          }
        }
      }
    }
    return result
  }

  /// The row of each token in this table [vocabulary, features]; each row of dy is added to the row it came from.
  ///
  /// - Parameter ids: The row of each token, [tokens].
  /// - Returns: The embeddings, [tokens, features].
  public func embedding(ids: [Int32]) -> Tensor {
    let columns = shape.lastDimension
    ids.checkBelow(shape[0], name: "token id")
    let y = Storage(uninitialized: ids.count * columns)
    RowKernels.gather(storage, rows: ids, columns: columns, into: y, splitting: true)
    let result = Tensor.result(y, [ids.count, columns], from: self)
    if let tape = result.tape {
      tape.record(result) { dy in
        slot?.accumulate(rows: ids, columns: columns, as: .embedding) {
          RowKernels.scatterAdd(dy, to: $0, rows: ids, columns: columns)
        }
      }
    }
    return result
  }
}

/// Table of embeddings, [vocabulary, features], as ops read it.
package enum EmbeddingTable: Sendable {
  /// Floats, to which gradients can go.
  case dense(Tensor)
  /// 8-bit integers with a scale for each row, for inference alone.
  case int8(QuantizedMatrix)
  /// Short rows [vocabulary, rank] and the layer [features, rank] that widens them.
  indirect case product(narrow: EmbeddingTable, up: LinearWeights)
  /// Floats, to which gradients can go, whose rows are read as their 8-bit integers give them.
  case simulated(Tensor)

  /// The table as floats; nil in another form.
  package var dense: Tensor? {
    switch self {
    case .dense(let table): table
    case .int8, .product, .simulated: nil
    }
  }

  /// The row of each token, [tokens, features]; gradients reach what is held in floats.
  fileprivate func embedding(ids: [Int32]) -> Tensor {
    switch self {
    case .dense(let table): return table.embedding(ids: ids)
    case .simulated(let table): return table.embedding(ids: ids).roundedToIntegers()
    case .int8(let matrix):
      ids.checkBelow(matrix.rows, name: "id")
      let y = Storage(uninitialized: ids.count * matrix.columns)
      matrix.gather(ids, into: y, adding: false)
      return Tensor(storage: y, shape: [ids.count, matrix.columns])
    case .product(let narrow, let up): return narrow.embedding(ids: ids).linear(up)
    }
  }
}

extension Tensor {
  /// The sum of rows of tables, [tokens, features], in their order; gradients go to the tables that take some.
  ///
  /// - Parameter tables: Each table with the row of each token, [tokens].
  package static func embedding(sumOf tables: [(table: EmbeddingTable, rows: [Int32])]) -> Tensor {
    guard let first = tables.first else { preconditionFailure("A sum of embeddings needs a table.") }
    return tables.dropFirst().reduce(first.table.embedding(ids: first.rows)) {
      $0 + $1.table.embedding(ids: $1.rows)
    }
  }
}
