/// One dropout mask: whether an element is kept is a function of seed, stream, the row of the global batch that its sequence
/// is, and its place inside the sequence.
///
/// The counter of a kernel's hash holds the row in its high 32 bits and the place in its low ones.
package struct DropoutMask: Sendable {
  let seed: UInt64
  let stream: UInt64
  /// The probability of dropping an element.
  package let probability: Float
  /// The row of the global batch that the first sequence is.
  private let firstRow: UInt64
  /// Starts of the rows of each sequence, and their number, [sequences + 1]; nil: all rows are one sequence's.
  private let starts: [Int32]?

  /// No dropout.
  package static let none = DropoutMask(seed: 0, stream: 0, firstRow: 0, probability: 0)

  /// A mask that drops with a probability.
  ///
  /// - Parameters:
  ///   - firstRow: The row of the global batch that the first sequence is.
  ///   - starts: Where the rows of each sequence begin, and their number, [sequences + 1]; nil: all rows are one sequence's.
  package init(seed: UInt64, stream: UInt64, firstRow: Int, probability: Float, starts: [Int32]? = nil) {
    (self.seed, self.stream, self.probability) = (seed, stream, probability)
    self.firstRow = UInt64(truncatingIfNeeded: firstRow)
    self.starts = starts
  }

  /// The counter of a sequence's first element.
  func counter(ofSequence sequence: Int) -> UInt64 { (firstRow &+ UInt64(sequence)) << 32 }

  /// Runs `body` for each run of rows that belong to one sequence, with the counter of the run's first element.
  ///
  /// - Parameters:
  ///   - rows: Some of the rows of what is dropped.
  ///   - columns: The elements of a row.
  func forEachRun(
    of rows: Range<Int>, columns: Int, _ body: (_ rows: Range<Int>, _ counter: UInt64) -> Void
  ) {
    guard probability > 0, let starts else {
      return body(rows, counter(ofSequence: 0) &+ UInt64(rows.lowerBound * columns))
    }
    precondition(
      Int(starts[starts.count - 1]) >= rows.upperBound,
      "Dropout needs the sequence of each row that it drops from.")
    // The last sequence that begins at or before the first row.
    var (sequence, beyond) = (0, starts.count - 1)
    while beyond - sequence > 1 {
      let middle = (sequence + beyond) / 2
      if Int(starts[middle]) <= rows.lowerBound { sequence = middle } else { beyond = middle }
    }
    var row = rows.lowerBound
    while row < rows.upperBound {
      let end = min(rows.upperBound, Int(starts[sequence + 1]))
      if end > row {
        body(row..<end, counter(ofSequence: sequence) &+ UInt64((row - Int(starts[sequence])) * columns))
        row = end
      }
      sequence += 1
    }
  }
}
