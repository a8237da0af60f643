import Foundation
import Kernels
import Testing

@Suite struct DoubleMatrixTests {
  private func matrix(_ rows: Int, _ columns: Int, seed: Int) -> DoubleMatrix {
    DoubleMatrix((0..<rows * columns).map { sin(Double($0 * 7 + seed * 31)) }, rows: rows, columns: columns)
  }

  private func loops(_ a: DoubleMatrix, _ b: DoubleMatrix) -> [Double] {
    (0..<a.rows).flatMap { row in
      (0..<b.columns).map { column in
        (0..<a.columns).reduce(0) { $0 + a.values[row * a.columns + $1] * b.values[$1 * b.columns + column] }
      }
    }
  }

  @Test func productsOfEveryFormAreThoseOfLoops() {
    let (a, b) = (matrix(5, 7, seed: 1), matrix(7, 4, seed: 2))
    let expected = loops(a, b)
    for (first, second) in [(false, false), (true, false), (false, true), (true, true)] {
      let found = (first ? a.transposed : a).multiplied(
        by: second ? b.transposed : b, transposingSelf: first, transposingOther: second)
      #expect(found.rows == 5 && found.columns == 4)
      // Sums of seven products of numbers up to 1 in double precision.
      #expect(zip(found.values, expected).allSatisfy { abs($0 - $1) < 1e-14 }, "\(first), \(second)")
    }
    #expect(matrix(0, 3, seed: 1).multiplied(by: matrix(3, 2, seed: 1)).values.isEmpty)
  }

  @Test(arguments: [(6, 6), (9, 4), (4, 9), (1, 5), (5, 1), (70, 33)])
  func aDecompositionRebuildsItsMatrix(rows: Int, columns: Int) throws {
    let whole = matrix(rows, columns, seed: 3)
    let (left, values, right) = try #require(whole.decomposed())
    let count = min(rows, columns)
    #expect(left.columns == count && right.rows == count && values == values.sorted(by: >))
    var scaled = left
    for index in scaled.values.indices { scaled.values[index] *= values[index % count] }
    let rebuilt = scaled.multiplied(by: right).values
    // Of values up to 1, in double precision.
    #expect(zip(rebuilt, whole.values).allSatisfy { abs($0 - $1) < 1e-12 })
    for directions in [
      left.multiplied(by: left, transposingSelf: true), right.multiplied(by: right, transposingOther: true),
    ] {
      for (index, value) in directions.values.enumerated() {
        #expect(abs(value - (index / count == index % count ? 1 : 0)) < 1e-12)
      }
    }
  }

  @Test func whatIsNoNumberIsNotDecomposed() {
    #expect(DoubleMatrix([1, .nan, 2, 3], rows: 2, columns: 2).decomposed() == nil)
    #expect(DoubleMatrix([], rows: 0, columns: 2).decomposed() == nil)
  }
}
