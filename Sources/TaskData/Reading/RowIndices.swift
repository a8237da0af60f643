import ModelFormats

/// The numbers that a file gives its own rows in a column `index`, as GLUE's files do.
package struct RowIndices {
  private var numbers: [Int: Int] = [:]
  private var isComplete = true

  /// No rows yet.
  package init() {}

  /// Adds what a row says; nil where it says nothing.
  package mutating func add(_ index: String?, ofRow row: Int) {
    guard let index, let number = wholeNumber(index), number >= 0 else {
      isComplete = false
      return
    }
    numbers[row] = number
  }

  /// The number of each row by its place; nil unless every row has a whole number of its own.
  package var ofRows: [Int: Int]? {
    isComplete && !numbers.isEmpty && Set(numbers.values).count == numbers.count ? numbers : nil
  }
}
