import Foundation
import Kernels
import Tensors
import Testing

/// Layers of two thin matrices, and the decomposition that makes them.
@Suite struct LowRankLinearTests {
  private func layer(_ tensors: ArraySlice<Tensor>) -> LinearWeights {
    let t = Array(tensors)
    return LinearWeights(narrow: LinearWeights(t[0]), up: LinearWeights(t[1], bias: t[2]))
  }

  /// narrow [rank, inputs], up [outputs, rank] and bias [outputs].
  private func factors(_ inputs: Int, _ outputs: Int, rank: Int = 3, seed: UInt64) -> [Tensor] {
    [
      sample([rank, inputs], seed: seed), sample([outputs, rank], seed: seed + 1),
      sample([outputs], seed: seed + 2),
    ]
  }

  private func expectClose(_ found: Tensor, _ expected: Tensor) {
    #expect(found.shape == expected.shape)
    // Float32 sums of some ten products of order 1, in another order.
    #expect(zip(found.values, expected.values).allSatisfy { abs($0 - $1) < 1e-5 })
  }

  @Test(arguments: [1, 5, 70])
  func twoThinProductsAreTheWholeOne(rows: Int) {
    let x = sample([rows, 9], seed: 1)
    let parts = factors(9, 12, seed: 2)
    let thin = layer(parts[...])
    let whole = LinearWeights(parts[1].matmul(parts[0]), bias: parts[2])
    #expect(thin.inputs == 9 && thin.outputs == 12 && thin.dense == nil)
    expectClose(x.linear(thin, activation: .gelu), x.linear(whole, activation: .gelu))
    let others = factors(9, 4, seed: 8)
    let mixed = [thin, LinearWeights(others[1].matmul(others[0])), layer(others[...])]
    for (found, expected) in zip(x.linear(mixed), mixed.map { x.linear($0) }) { expectClose(found, expected) }
    for (found, expected) in zip(
      x.linear([thin, layer(others[...])]), [mixed[0], mixed[2]].map { x.linear($0) })
    {
      expectClose(found, expected)
    }
    let back = factors(12, 9, seed: 20)
    let wholeBack = LinearWeights(back[1].matmul(back[0]), bias: back[2])
    let expected = x.feedForward(inner: whole, outer: wholeBack, activation: .gelu)
    for (inner, outer) in [(thin, layer(back[...])), (thin, wholeBack), (whole, layer(back[...]))] {
      expectClose(x.feedForward(inner: inner, outer: outer, activation: .gelu), expected)
    }
  }

  @Test func gradientsReachBothFactors() {
    let x = sample([5, 6], seed: 1)
    let (first, second) = (factors(6, 7, seed: 2), factors(6, 4, seed: 7))
    checkGradients([x] + first) { t in t[0].linear(layer(t[1...3]), activation: .tanh) }
    checkGradients([x] + first + second) { t in
      let y = t[0].linear([layer(t[1...3]), layer(t[4...6])])
      return Tensor.concatenate(y, axis: 1)
    }
    let back = factors(7, 6, seed: 12)
    checkGradients([x] + first + back) { t in
      t[0].feedForward(inner: layer(t[1...3]), outer: layer(t[4...6]), activation: .gelu)
    }
    checkGradients([sample([8, 3], seed: 30), sample([5, 3], seed: 31), sample([4, 5], seed: 32)]) { t in
      .embedding(sumOf: [
        (.product(narrow: .dense(t[0]), up: LinearWeights(t[1])), [3, 0, 7, 3]),
        (.dense(t[2]), [0, 1, 2, 3]),
      ])
    }
  }

  @Test func factorsCanBeIntegers() {
    func integers(_ tensor: Tensor, bias: Tensor? = nil) -> LinearWeights {
      LinearWeights(
        .int8(QuantizedMatrix(tensor.storage, rows: tensor.shape[0], columns: tensor.shape[1])), bias: bias)
    }
    let x = sample([5, 9], seed: 1)
    let (parts, back) = (factors(9, 12, seed: 2), factors(12, 9, seed: 5))
    let (narrow, up) = (integers(parts[0]), integers(parts[1], bias: parts[2]))
    let thin = LinearWeights(narrow: narrow, up: up)
    #expect(x.linear(thin).values == x.linear(narrow).linear(up).values)
    #expect(
      x.linear([thin, thin]).map(\.values) == [x.linear(thin), x.linear(thin)].map(\.values))
    let outer = LinearWeights(narrow: integers(back[0]), up: integers(back[1], bias: back[2]))
    let found = x.feedForward(inner: thin, outer: outer, activation: .relu)
    // Integers of the same rows, activation by activation.
    expectClose(found, x.linear(thin, activation: .relu).linear(outer))
  }

  @Test(arguments: [(40, 12), (12, 40), (9, 9), (1, 4)])
  func bothWaysToDecomposeAgree(rows: Int, columns: Int) {
    let table = sample([rows, columns], seed: 4)
    let matrix = DoubleMatrix(table.storage, rows: rows, columns: columns)
    let (first, second) = (SingularValues(matrix), SingularValues(matrix, usesLAPACK: false))
    let count = min(rows, columns)
    for svd in [first, second] {
      #expect(svd.left.columns == count && svd.right.rows == count && svd.values.count == count)
      var scaled = svd.left
      for index in scaled.values.indices { scaled.values[index] *= svd.values[index % count] }
      let rebuilt = scaled.multiplied(by: svd.right).values
      // Squares lose half of the digits of small values.
      #expect(zip(rebuilt, matrix.values).allSatisfy { abs($0 - $1) < 1e-7 })
    }
    #expect(zip(first.values, second.values).allSatisfy { abs($0 - $1) < 1e-7 })
  }
}
