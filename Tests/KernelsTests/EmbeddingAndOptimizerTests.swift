import CKernels
import Foundation
import Testing

@Suite struct EmbeddingTests {
  @Test(arguments: [0, 1, 5], [1, 16, 33])
  func sumsOfTables(rows: Int, cols: Int) {
    var samples = Samples(3)
    let (word, position, segment) = (
      samples.floats(11 * cols), samples.floats(7 * cols), samples.floats(2 * cols)
    )
    let ids = samples.indices(rows, below: 11)
    let positions = samples.indices(rows, below: 7)
    let segments = samples.indices(rows, below: 2)
    var y = [Float](repeating: 0, count: rows * cols)
    ps_embedding_sum(word, position, segment, ids, positions, segments, &y, Int64(rows), Int64(cols))
    var without = y
    ps_embedding_sum(word, position, nil, ids, positions, nil, &without, Int64(rows), Int64(cols))
    for r in 0..<rows {
      for c in 0..<cols {
        let sum = word[Int(ids[r]) * cols + c] + position[Int(positions[r]) * cols + c]
        #expect(without[r * cols + c] == sum)
        #expect(y[r * cols + c] == sum + segment[Int(segments[r]) * cols + c])
      }
    }
  }

  @Test func scatteredRowsAddUpInOrder() {
    let (rows, cols, vocabulary) = (40, 21, 5)
    var samples = Samples(4)
    let dy = samples.floats(rows * cols)
    let ids = samples.indices(rows, below: vocabulary)
    var expected = [Float](repeating: 1, count: vocabulary * cols)
    for r in 0..<rows { for c in 0..<cols { expected[Int(ids[r]) * cols + c] += dy[r * cols + c] } }
    var table = [Float](repeating: 1, count: vocabulary * cols)
    for range in [0..<4, 4..<20, 20..<21] {
      ps_scatter_add_rows(
        &table, ids, dy, Int64(rows), Int64(cols), Int64(range.lowerBound), Int64(range.upperBound))
    }
    #expect(table == expected)
  }
}

@Suite struct OptimizerTests {
  @Test(arguments: [0, 1, 19, 100])
  func adamWFollowsPyTorch(n: Int) {
    var samples = Samples(UInt64(n))
    var p = samples.floats(n)
    var (m, v) = ([Float](repeating: 0, count: n), [Float](repeating: 0, count: n))
    var (dp, dm, dv) = (
      p.map(Double.init), [Double](repeating: 0, count: n), [Double](repeating: 0, count: n)
    )
    let (rate, beta1, beta2, epsilon, decay, scale) = (0.01, 0.9, 0.999, 1e-8, 0.1, 0.5)
    for step in 1...5 {
      let g = samples.floats(n)
      let (bias1, bias2) = (1 - pow(beta1, Double(step)), 1 - pow(beta2, Double(step)))
      ps_adamw(
        &p, g, &m, &v, Int64(n), Float(rate), Float(beta1), Float(beta2), Float(epsilon),
        Float(1 - rate * decay),
        Float(bias1), Float(bias2), Float(scale))
      for i in 0..<n {
        let gradient = Double(g[i]) * scale
        dp[i] -= rate * decay * dp[i]
        dm[i] = beta1 * dm[i] + (1 - beta1) * gradient
        dv[i] = beta2 * dv[i] + (1 - beta2) * gradient * gradient
        dp[i] -= rate / bias1 * dm[i] / (dv[i].squareRoot() / bias2.squareRoot() + epsilon)
      }
    }
    #expect(worstError(p, dp) < 2e-6)
    #expect(worstError(m, dm) < 1e-6)
    #expect(worstError(v, dv) < 1e-6)
  }

  @Test(arguments: [false, true], [Float(0), 0.9])
  func sgdFollowsPyTorch(nesterov: Bool, momentum: Float) {
    let n = 37
    var samples = Samples(8)
    var p = samples.floats(n)
    var buffer = [Float](repeating: .nan, count: n)  // must not be read in the first step
    var (dp, db) = (p.map(Double.init), [Double](repeating: 0, count: n))
    for step in 1...4 {
      let g = samples.floats(n)
      ps_sgd(&p, g, &buffer, Int64(n), 0.1, momentum, 0.01, nesterov ? 1 : 0, step == 1 ? 1 : 0, 2)
      for i in 0..<n {
        let gradient = Double(g[i]) * 2 + Double(Float(0.01)) * dp[i]
        db[i] = step == 1 ? gradient : Double(momentum) * db[i] + gradient
        let direction = nesterov ? gradient + Double(momentum) * db[i] : db[i]
        dp[i] -= Double(Float(0.1)) * (momentum == 0 ? gradient : direction)
      }
    }
    #expect(worstError(p, dp) < 2e-6)
  }
}
