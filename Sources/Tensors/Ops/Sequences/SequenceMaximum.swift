import Kernels

extension Tensor {
  /// Takes the largest value of each column over the rows of each sequence: max pooling over time (Collobert and others 2011).
  ///
  /// Backward: each gradient goes to the row its value came from, the first of equal ones.
  ///
  /// - Parameters:
  ///   - starts: The first row of each sequence, then the number of rows, [sequences + 1]; no sequence is empty.
  /// - Returns: The maxima, [sequences, features].
  public func sequenceMaximum(starts: [Int32]) -> Tensor {
    let x = self
    let (columns, sequences) = (x.shape.lastDimension, starts.count - 1)
    precondition(
      sequences >= 0 && Int(starts[sequences]) == x.shape.rowCount,
      "sequenceMaximum needs rows that end at \(starts.last ?? 0), found \(x.shape).")
    precondition(
      zip(starts, starts.dropFirst()).allSatisfy(<), "The maximum over an empty sequence is undefined.")
    let y = Storage(uninitialized: sequences * columns)
    let average = max(1, x.shape.rowCount / max(1, sequences))
    // The row of each maximum; as many bits as a value, so that the pool's buffers serve.
    let origins = Storage(uninitialized: sequences * columns)
    RowBlocks.rows(sequences, columns: average * columns) { range in
      for sequence in range {
        let best = y.pointer + sequence * columns
        let rows = UnsafeMutableRawPointer(origins.pointer + sequence * columns)
          .assumingMemoryBound(to: Int32.self)
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
    let result = Tensor.result(y, [sequences, columns], from: x)
    if let tape = result.tape {
      tape.record(result) { gradient in
        x.slot?.accumulate { target in
          for sequence in 0..<sequences {
            let rows = UnsafeMutableRawPointer(origins.pointer + sequence * columns)
              .assumingMemoryBound(to: Int32.self)
            for column in 0..<columns {
              target[Int(rows[column]) * columns + column] += gradient.pointer[sequence * columns + column]
            }
          }
        }
      }
    }
    return result
  }
}
