import Kernels
import Tensors

/// Run of one parameter's values with everything their update needs.
struct UpdateChunk: Sendable {
  /// The number of the parameter among those of the step.
  let parameter: Int
  /// Range of its values among the parameter's.
  let range: Range<Int>
  /// The parameter's extents.
  let shape: Shape
  let values: Storage
  let gradient: Storage
  /// Memory of the rule, one storage for each of `UpdateRule.states(of:)`.
  let averages: [Storage]
  /// The updates that the parameter has had, this one included.
  let steps: Int
  let learningRate: Double
  let weightDecay: Double
  /// Whether the parameter's group turns decay off, as for biases and normalisation weights, whatever the run's decay is.
  let isExempt: Bool
  /// The rows of a table that have had a gradient; nil where all values are to be updated.
  let usedRows: UsedRows?
}

extension [UpdateChunk] {
  /// Runs `body` for each chunk, on all cores.
  func updateEach(_ body: (_ chunk: UpdateChunk) -> Void) {
    Parallel.forEach(count) { range in
      WorkProfile.time(.optimizer) { for index in range { body(self[index]) } }
    }
  }
}

/// Rows of an embedding table that have had a gradient.
///
/// Adam's averages of the other rows are zero and its update of them nothing but the decay, so most of a word table, of
/// which a data set uses a third, need not be read at all.
final class UsedRows: @unchecked Sendable {
  // Sendable because it only grows between the passes that read it.
  /// The values of a row.
  let columns: Int
  private var isUsed: [Bool]

  /// A table none of whose rows has been used.
  init(count: Int, columns: Int) {
    self.columns = columns
    isUsed = [Bool](repeating: false, count: count)
  }

  /// Marks rows as used.
  func add(_ rows: [Int32]) { for row in rows { isUsed[Int(row)] = true } }

  /// Cuts some of the table's values, whole rows, into the longest runs of used and of unused rows.
  func forEachRun(
    in values: Range<Int>, _ body: (_ isUsed: Bool, _ values: Range<Int>) -> Void
  ) {
    var row = values.lowerBound / columns
    let end = values.upperBound / columns
    while row < end {
      let first = row
      while row < end, isUsed[row] == isUsed[first] { row += 1 }
      body(isUsed[first], first * columns..<row * columns)
    }
  }
}

/// base^exponent by squaring: the same bits on every platform, unlike the C library's `pow`.
func power(_ base: Double, _ exponent: Int) -> Double {
  var result = 1.0
  var factor = base
  var rest = exponent
  while rest > 0 {
    if rest & 1 == 1 { result *= factor }
    factor *= factor
    rest >>= 1
  }
  return result
}
