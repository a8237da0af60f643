import Tensors

extension AttentionMaps {
  /// Where the values between chosen tokens lie, in the order of maps of these tokens alone.
  ///
  /// - Parameter rows: Tokens of the batch, ascending; each token is a query and a key.
  func indices(of rows: [Int32]) -> [Int32] {
    precondition(queryStarts == keyStarts, "Tokens can only be chosen where each is a query and a key.")
    var (indices, offset): ([Int32], Int) = ([], 0)
    for range in zip(keyStarts, keyStarts.dropFirst()) {
      let count = Int(range.1 - range.0)
      let chosen = rows.filter { $0 >= range.0 && $0 < range.1 }.map { Int($0 - range.0) }
      for head in 0..<heads {
        for query in chosen {
          let row = offset + (head * count + query) * count
          indices += chosen.map { Int32(row + $0) }
        }
      }
      offset += heads * count * count
    }
    return indices
  }

  /// The maps cut off from the tape: constants.
  var detached: AttentionMaps {
    AttentionMaps(values: values.detached, heads: heads, queryStarts: queryStarts, keyStarts: keyStarts)
  }

  /// The maps between chosen tokens alone.
  func restricted(to rows: [Int32]) -> AttentionMaps {
    let starts = keyStarts.map { start in Int32(rows.count { $0 < start }) }
    let chosen = values.reshaped([values.count, 1]).rows(at: indices(of: rows))
    return AttentionMaps(
      values: chosen.reshaped([chosen.count]), heads: heads, queryStarts: starts, keyStarts: starts)
  }
}
