/// The rows of an embedding table that have had a gradient.
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
