/// The order in which a recurrent layer takes packed rows: step by step, in each step the sequences that are still
/// running, the longest first, so that they are always the first rows of the step before.
struct RecurrentSteps {
  /// The number of running sequences of each step.
  let active: [Int]
  /// The place of each step's first row among all rows in the order of the steps.
  let offsets: [Int]
  /// The packed row of each place when sequences are read from their first token on.
  let forwardRows: [Int32]
  /// The same when they are read from their last token on.
  let reverseRows: [Int32]

  /// - Parameter starts: The first row of each sequence, then the number of rows.
  init(starts: [Int32]) {
    let lengths = zip(starts, starts.dropFirst()).map { Int($1 - $0) }
    let order = lengths.indices.sorted { (lengths[$0], $1) > (lengths[$1], $0) }
    var (active, offsets): ([Int], [Int]) = ([], [])
    var (forwardRows, reverseRows): ([Int32], [Int32]) = ([], [])
    forwardRows.reserveCapacity(Int(starts.last ?? 0))
    reverseRows.reserveCapacity(Int(starts.last ?? 0))
    var running = order.count
    for step in 0..<(lengths.max() ?? 0) {
      while running > 0, lengths[order[running - 1]] <= step { running -= 1 }
      active.append(running)
      offsets.append(forwardRows.count)
      for sequence in order[..<running] {
        forwardRows.append(starts[sequence] + Int32(step))
        reverseRows.append(starts[sequence + 1] - 1 - Int32(step))
      }
    }
    (self.active, self.offsets) = (active, offsets)
    (self.forwardRows, self.reverseRows) = (forwardRows, reverseRows)
  }

  /// The number of steps: the length of the longest sequence.
  var count: Int { active.count }
}
