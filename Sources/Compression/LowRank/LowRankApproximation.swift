import Encoders
import Kernels
import Tensors

/// Weights by which the errors of a matrix's approximation are counted.
enum ErrorWeights: Sendable {
  /// All alike.
  case none
  /// A factor for what belongs to each input, of a table to each row.
  case diagonal([Double])
  /// The second moments Σ x xᵀ of a linear layer's inputs, [inputs, inputs].
  case moments(DoubleMatrix)
}

/// The best approximations W′ of a weight W by a matrix of every rank: those of the smallest error ‖(W − W′) S‖ (Frobenius), where S is
/// the identity, a diagonal, or a root of the inputs' second moments C = S Sᵀ, for which that is the error of the layer's outputs.
///
/// With the singular value decomposition W S = U Σ Vᵀ the best of rank r is U_r Σ_r V_rᵀ S⁻¹, which is U_r U_rᵀ W: no S has to be
/// inverted, and inputs that never were keep what W made of them. U comes from the smaller of W S and W C Wᵀ. Of a table E, whose
/// rows are weighted, it is E V_r V_rᵀ in the same way. The squared error is what the dropped singular values have.
struct LowRankApproximation: Sendable {
  /// The singular values σ of W S, the largest first.
  let spectrum: [Double]
  private let weight: Tensor
  private let isTable: Bool
  /// U, [outputs, k]; of a table Vᵀ, [k, features].
  private let directions: DoubleMatrix

  /// Approximations of a weight.
  ///
  /// - Parameters:
  ///   - weight: W, [outputs, inputs], or a table, [rows, features].
  ///   - isTable: Whether it is a table.
  ///   - weights: What errors are counted by.
  init(_ weight: Tensor, isTable: Bool, by weights: ErrorWeights) {
    (self.weight, self.isTable) = (weight, isTable)
    let whole = DoubleMatrix(weight.storage, rows: weight.shape[0], columns: weight.shape[1])
    if isTable {
      let weighted = whole.scaled(rows: weights.diagonal)
      let gram = SingularValues(weighted.multiplied(by: weighted, transposingSelf: true))
      let count = min(weight.shape[0], weight.shape[1])
      directions = gram.right
      spectrum = gram.values.prefix(count).map { max(0, $0).squareRoot() }
      return
    }
    switch weights {
    case .none, .diagonal:
      let svd = SingularValues(whole.scaled(columns: weights.diagonal))
      (directions, spectrum) = (svd.left, svd.values)
    case .moments(let moments) where whole.rows <= whole.columns:
      let outputs = whole.multiplied(by: moments).multiplied(by: whole, transposingOther: true)
      let svd = SingularValues(outputs)
      (directions, spectrum) = (svd.left, svd.values.map { max(0, $0).squareRoot() })
    case .moments(let moments):
      let root = SingularValues(moments)
      let factors = root.values.map { max(0, $0).squareRoot() }
      let svd = SingularValues(whole.multiplied(by: root.left).scaled(columns: factors))
      (directions, spectrum) = (svd.left, svd.values)
    }
  }

  /// The shape of the whole.
  var shape: Shape { weight.shape }

  /// Values that two factors of some rank have.
  func factorCount(rank: Int) -> Int { Self.factorCount(rank: rank, of: shape) }

  /// Values that two factors of some rank have in the place of a matrix.
  static func factorCount(rank: Int, of shape: Shape) -> Int { rank * (shape[0] + shape[1]) }

  /// Whether two factors of some rank have fewer values than the whole.
  func pays(rank: Int) -> Bool { factorCount(rank: rank) < shape.count }

  /// The share of Σ σ² that is left by some rank, 1 where there is nothing.
  func energy(rank: Int) -> Double {
    let total = spectrum.reduce(0) { $0 + $1 * $1 }
    return total > 0 ? spectrum.prefix(rank).reduce(0) { $0 + $1 * $1 } / total : 1
  }

  /// The least rank that leaves a share of Σ σ².
  func rank(energy: Double) -> Int {
    let limit = energy * spectrum.reduce(0) { $0 + $1 * $1 }
    var sum = 0.0
    for (index, value) in spectrum.enumerated() {
      sum += value * value
      if sum >= limit { return index + 1 }
    }
    return max(1, spectrum.count)
  }

  /// The largest rank that has no more than a share of the whole's values, at least 1.
  func rank(share: Double) -> Int { Self.rank(share: share, of: shape) }

  /// The largest rank that has no more than a share of a matrix' values, at least 1.
  static func rank(share: Double, of shape: Shape) -> Int {
    max(1, Int(share * Double(shape.count) / Double(shape[0] + shape[1])))
  }

  /// The factors of the best approximation of some rank.
  ///
  /// Each pair of a row and a column is scaled so that both have the same mean square, as training wants it.
  func factors(rank: Int) -> WeightFactors {
    let whole = DoubleMatrix(weight.storage, rows: shape[0], columns: shape[1])
    var up = isTable ? directions.firstRows(rank).transposed : directions.firstColumns(rank)
    // [inputs, rank], or [rows, rank]
    var narrow =
      isTable ? whole.multiplied(by: up) : whole.multiplied(by: up, transposingSelf: true)
    for column in 0..<rank {
      let (a, b) = (narrow.meanSquare(ofColumn: column), up.meanSquare(ofColumn: column))
      guard a > 0, b > 0 else { continue }
      let factor = (a / b).squareRoot().squareRoot()
      narrow.scale(column: column, by: 1 / factor)
      up.scale(column: column, by: factor)
    }
    if !isTable { narrow = narrow.transposed }
    return WeightFactors(
      narrow: Tensor(narrow.floats, shape: [narrow.rows, narrow.columns]),
      up: Tensor(up.floats, shape: [up.rows, up.columns]))
  }
}

extension ErrorWeights {
  /// The factors of the diagonal; nil where there are none.
  fileprivate var diagonal: [Double]? {
    switch self {
    case .none, .moments: nil
    case .diagonal(let factors): factors
    }
  }
}

extension DoubleMatrix {
  /// The matrix with each column times a factor.
  fileprivate func scaled(columns factors: [Double]?) -> DoubleMatrix {
    guard let factors else { return self }
    var result = self
    for index in values.indices { result.values[index] *= factors[index % columns] }
    return result
  }

  /// The matrix with each row times a factor.
  fileprivate func scaled(rows factors: [Double]?) -> DoubleMatrix {
    guard let factors else { return self }
    var result = self
    for index in values.indices { result.values[index] *= factors[index / columns] }
    return result
  }

  fileprivate func firstRows(_ count: Int) -> DoubleMatrix {
    DoubleMatrix(Array(values[..<(count * columns)]), rows: count, columns: columns)
  }

  fileprivate func firstColumns(_ count: Int) -> DoubleMatrix {
    DoubleMatrix(
      (0..<rows).flatMap { values[$0 * columns..<$0 * columns + count] }, rows: rows, columns: count)
  }

  fileprivate func meanSquare(ofColumn column: Int) -> Double {
    (0..<rows).reduce(0.0) { sum, row in
      let value = values[row * columns + column]
      return sum + value * value
    } / Double(max(1, rows))
  }

  fileprivate mutating func scale(column: Int, by factor: Double) {
    for row in 0..<rows { values[row * columns + column] *= factor }
  }
}
