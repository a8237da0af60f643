import Foundation
import Tensors
import Testing

@Suite struct LinearAlgebraTests {
  private func table(_ rows: Int, _ columns: Int, seed: UInt64 = 3) -> Tensor {
    .normal(shape: [rows, columns], standardDeviation: 1, random: RandomSource(seed: seed))
  }

  @Test func eigenvectorsAreThoseOfAKnownMatrix() {
    // The path of n points: eigenvalues 2 − 2 cos(kπ / (n + 1)).
    let n = 9
    var matrix = [Double](repeating: 0, count: n * n)
    for index in 0..<n {
      matrix[index * n + index] = 2
      if index > 0 { (matrix[index * n + index - 1], matrix[(index - 1) * n + index]) = (-1, -1) }
    }
    let eigen = SymmetricEigenvectors(matrix, n: n)
    for (index, value) in eigen.values.enumerated() {
      #expect(abs(value - (2 - 2 * cos(Double(n - index) * .pi / Double(n + 1)))) < 1e-12)
      let vector = eigen.vectors[index]
      for row in 0..<n {
        let product = (0..<n).reduce(0.0) { $0 + matrix[row * n + $1] * vector[$1] }
        #expect(abs(product - value * vector[row]) < 1e-12)
      }
      #expect((vector.max { abs($0) < abs($1) } ?? 0) > 0)
    }
  }

  @Test(arguments: [1, 2, 17, 40])
  func eigenvectorsRebuildTheirMatrix(_ n: Int) {
    let x = table(n, n).values.map { Double($0) }
    var matrix = [Double](repeating: 0, count: n * n)
    for i in 0..<n { for j in 0..<n { matrix[i * n + j] = x[i * n + j] + x[j * n + i] } }
    let eigen = SymmetricEigenvectors(matrix, n: n)
    #expect(eigen.values == eigen.values.sorted(by: >))
    for i in 0..<n {
      for j in 0..<n {
        let sum = (0..<n).reduce(0.0) { $0 + eigen.values[$1] * eigen.vectors[$1][i] * eigen.vectors[$1][j] }
        #expect(abs(sum - matrix[i * n + j]) < 1e-11)
      }
    }
  }

  @Test func theRestIsWhatTheDroppedDirectionsHold() {
    // Eckart and Young: the squared error is the sum of the dropped squared singular values.
    let table = table(50, 12)
    let gram = table.matmul(table, transposingFirst: true).values.map { Double($0) }
    let values = SymmetricEigenvectors(gram, n: 12).values
    for rank in [1, 5, 12] {
      let svd = TruncatedSVD(table, rank: rank)
      let rebuilt = svd.rows.matmul(svd.basis)
      let error = zip(rebuilt.values, table.values).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }
      #expect(abs(error - values[rank...].reduce(0, +)) < 1e-4 * values.reduce(0, +))
    }
  }
}
