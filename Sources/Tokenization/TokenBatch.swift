/// A batch of token sequences packed end to end, the only batch layout: no padding exists, so no mask does.
///
/// With B sequences and T tokens in all, sequence `i` occupies rows `starts[i] ..< starts[i + 1]`.
public struct TokenBatch: Sendable, Equatable {
  /// The token ids [T].
  public let ids: [Int32]
  /// The segment (token type) of each token [T], 0 for the first text and 1 for its pair.
  public let segments: [Int32]
  /// The position of each token inside its own sequence [T], counted from 0.
  public let positions: [Int32]
  /// The first row of each sequence, then T: prefix sums of the lengths [B + 1].
  public let starts: [Int32]

  /// Packs sequences in the given order; positions restart at 0 in each.
  ///
  /// - Parameter sequences: ids and segments of each sequence, two arrays of equal length.
  public init(sequences: [(ids: [Int32], segments: [Int32])]) {
    var total = 0
    for sequence in sequences {
      precondition(
        sequence.ids.count == sequence.segments.count,
        "A sequence needs one segment for each id, but has \(sequence.ids.count) ids and "
          + "\(sequence.segments.count) segments.")
      total += sequence.ids.count
    }
    precondition(total <= Int(Int32.max), "A batch holds at most \(Int32.max) tokens, found \(total).")
    var ids: [Int32] = []
    var segments: [Int32] = []
    var positions: [Int32] = []
    var starts: [Int32] = [0]
    ids.reserveCapacity(total)
    segments.reserveCapacity(total)
    positions.reserveCapacity(total)
    starts.reserveCapacity(sequences.count + 1)
    for sequence in sequences {
      ids.append(contentsOf: sequence.ids)
      segments.append(contentsOf: sequence.segments)
      positions.append(contentsOf: 0..<Int32(sequence.ids.count))
      starts.append(Int32(ids.count))
    }
    self.ids = ids
    self.segments = segments
    self.positions = positions
    self.starts = starts
  }

  /// Some of its sequences, one behind the other, as a batch.
  package subscript(sequences: Range<Int>) -> TokenBatch {
    TokenBatch(
      sequences: sequences.map { index in
        let rows = rows(of: index)
        return (Array(ids[rows]), Array(segments[rows]))
      })
  }

  /// The number of sequences, B.
  public var count: Int { starts.count - 1 }

  /// The number of tokens of all sequences together, T.
  public var tokenCount: Int { ids.count }

  /// The number of tokens of the longest sequence, 0 for an empty batch.
  public var maxLength: Int {
    var longest = 0
    for index in 0..<count { longest = max(longest, length(index)) }
    return longest
  }

  /// The number of tokens of one sequence.
  public func length(_ index: Int) -> Int { rows(of: index).count }

  /// Starts of each sequence among some rows in ascending order, and the number of rows [B + 1].
  package func starts(ofRows rows: [Int32]) -> [Int32] {
    var result: [Int32] = []
    result.reserveCapacity(starts.count)
    var next = 0
    for start in starts {
      while next < rows.count, rows[next] < start { next += 1 }
      result.append(Int32(next))
    }
    return result
  }

  /// The rows that one sequence occupies in the packed arrays.
  public func rows(of index: Int) -> Range<Int> {
    precondition(
      index >= 0 && index < count, "Sequence \(index) does not exist in a batch of \(count) sequences.")
    return Int(starts[index])..<Int(starts[index + 1])
  }
}
