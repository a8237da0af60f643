import CKernels

/// Adafactor (Shazeer and Stern 2018; `transformers.Adafactor`) on one parameter: a step's mean squares are kept for rows and columns
/// and not for each value.
///
/// With g the scaled gradient: row ← β row + (1 − β) mean(g² + ε), column likewise; u = g √(mean(row) / row) / √column;
/// u ← u / max(1, rms(u) / threshold); p ← kept · p − rate · u, or through a running mean of rate · u. Rows are shared among the
/// workers in blocks of a fixed size, so results do not depend on their number.
package struct AdafactorKernel {
  /// The part of the old mean squares that stays, β.
  private let squaresKept: Double
  private let epsilon: Double
  private let clippingThreshold: Double
  private let learningRate: Double
  private let beta1: Float
  private let kept: Float
  private let gradientScale: Float

  /// Values in a block of rows.
  private static let blockValues = 1 << 16

  /// Numbers of one step.
  ///
  /// - Parameters:
  ///   - squaresKept: β, from 0 to 1.
  ///   - epsilon: Added to squares.
  ///   - clippingThreshold: The root mean square that updates are scaled down to.
  ///   - beta1: The part of the running mean that stays, where there is one.
  ///   - kept: 1 − learning rate · weight decay.
  ///   - gradientScale: A factor on the gradient.
  package init(
    learningRate: Double, squaresKept: Double, epsilon: Double, clippingThreshold: Double, beta1: Float,
    kept: Float, gradientScale: Float
  ) {
    (self.learningRate, self.squaresKept, self.epsilon) = (learningRate, squaresKept, epsilon)
    (self.clippingThreshold, self.beta1, self.kept) = (clippingThreshold, beta1, kept)
    self.gradientScale = gradientScale
  }

  /// Updates a parameter of matrices [matrices, rows, columns].
  ///
  /// - Parameters:
  ///   - rowSquares: Mean squares of the rows, [matrices, rows]; nil for a parameter that keeps those of its values, which then
  ///     are one row and its columns.
  ///   - columnSquares: Mean squares of the columns, [matrices, columns].
  ///   - mean: Running mean of the updates, if it is kept.
  package func update(
    _ values: Storage, gradient: Storage, matrices: Int, rows: Int, columns: Int, rowSquares: Storage?,
    columnSquares: Storage, mean: Storage?
  ) {
    let blockRows = max(1, Self.blockValues / max(1, columns))
    let blocks = (rows + blockRows - 1) / blockRows
    // From the pool, so that a step that is like the one before allocates nothing.
    let rowFactors = Storage(uninitialized: matrices * rows)
    let columnFactors = Storage(uninitialized: matrices * columns)
    func part(_ index: Int) -> (matrix: Int, rows: Range<Int>) {
      let first = index % blocks * blockRows
      return (index / blocks, first..<min(first + blockRows, rows))
    }
    remember(gradient, matrices, rows, columns, blocks, part, rowSquares, columnSquares)
    for matrix in 0..<matrices {
      for column in 0..<columns {
        let square = columnSquares.pointer[matrix * columns + column]
        columnFactors.pointer[matrix * columns + column] = 1 / square.squareRoot()
      }
      guard let rowSquares else {
        (rowFactors.pointer + matrix * rows).update(repeating: 1, count: rows)
        continue
      }
      let squares = rowSquares.pointer + matrix * rows
      let whole = (0..<rows).reduce(0.0) { $0 + Double(squares[$1]) } / Double(rows)
      for row in 0..<rows {
        rowFactors.pointer[matrix * rows + row] = 1 / (squares[row] / Float(whole)).squareRoot()
      }
    }
    var norms = [Double](repeating: 0, count: matrices * blocks)
    Parallel.fill(&norms) { index in
      let (matrix, range) = part(index)
      let first = matrix * rows + range.lowerBound
      return ps_adafactor_norm(
        gradient.pointer + first * columns, rowFactors.pointer + first,
        columnFactors.pointer + matrix * columns, Int64(range.count), Int64(columns), gradientScale)
    }
    let root = (norms.reduce(0, +) / Double(matrices * rows * columns)).squareRoot()
    let step = Float(learningRate / max(1, root / clippingThreshold))
    Parallel.forEach(matrices * blocks, block: 1) { indices in
      for index in indices {
        let (matrix, range) = part(index)
        let first = matrix * rows + range.lowerBound
        ps_adafactor(
          values.pointer + first * columns, gradient.pointer + first * columns,
          mean.map { $0.pointer + first * columns }, rowFactors.pointer + first,
          columnFactors.pointer + matrix * columns, Int64(range.count), Int64(columns), step, beta1, kept,
          gradientScale)
      }
    }
  }

  /// Takes the squares of a gradient into the mean squares.
  private func remember(
    _ gradient: Storage, _ matrices: Int, _ rows: Int, _ columns: Int, _ blocks: Int,
    _ part: (Int) -> (matrix: Int, rows: Range<Int>), _ rowSquares: Storage?, _ columnSquares: Storage
  ) {
    // Doubles in the room of two floats each.
    let (rowRoom, columnRoom) = (
      Storage(uninitialized: 2 * matrices * rows), Storage(uninitialized: 2 * matrices * blocks * columns)
    )
    nonisolated(unsafe) let rowSums = Self.doubles(rowRoom)
    nonisolated(unsafe) let columnSums = Self.doubles(columnRoom)
    Parallel.forEach(matrices * blocks, block: 1) { indices in
      for index in indices {
        let (matrix, range) = part(index)
        let first = matrix * rows + range.lowerBound
        ps_adafactor_squares(
          gradient.pointer + first * columns, rowSums + first, columnSums + index * columns,
          Int64(range.count), Int64(columns), gradientScale)
      }
    }
    @Sendable func mix(_ old: Float, _ sum: Double, of count: Int) -> Float {
      Float(squaresKept * Double(old) + (1 - squaresKept) * (sum / Double(count) + epsilon))
    }
    // Each worker adds the blocks of some columns, in their order; a matrix has few columns and many blocks.
    let columnsOfPart = 64
    let parts = (columns + columnsOfPart - 1) / columnsOfPart
    Parallel.forEach(matrices * parts, block: 1) { indices in
      for index in indices {
        let (matrix, first) = (index / parts, index % parts * columnsOfPart)
        let count = min(columnsOfPart, columns - first)
        withUnsafeTemporaryAllocation(of: Double.self, capacity: count) { sums in
          sums.initialize(repeating: 0)
          for block in 0..<blocks {
            let row = columnSums + (matrix * blocks + block) * columns + first
            for column in 0..<count { sums[column] += row[column] }
          }
          for column in 0..<count {
            let place = matrix * columns + first + column
            columnSquares.pointer[place] = mix(columnSquares.pointer[place], sums[column], of: rows)
          }
        }
      }
    }
    defer { withExtendedLifetime((rowRoom, columnRoom)) {} }
    guard let rowSquares else { return }
    for row in 0..<matrices * rows {
      rowSquares.pointer[row] = mix(rowSquares.pointer[row], rowSums[row], of: columns)
    }
  }

  private static func doubles(_ room: Storage) -> UnsafeMutablePointer<Double> {
    UnsafeMutableRawPointer(room.pointer).bindMemory(to: Double.self, capacity: room.count / 2)
  }
}
