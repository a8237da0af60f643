import CKernels
import Foundation
import Testing

@Suite struct LayerNormTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let rows: Int
    let cols: Int
    let hasResidual: Bool
    let probability: Float
    var testDescription: String { "[\(rows), \(cols)], residual \(hasResidual), dropout \(probability)" }
  }

  static let cases: [Case] = [1, 2, 7, 16, 33, 312, 600, 1100].flatMap { cols in
    [Float(0), 0.3].flatMap { p in
      [true, false].map { Case(rows: 3, cols: cols, hasResidual: $0, probability: p) }
    }
  }

  static let (seed, stream, first) = (UInt64(5), UInt64(6), UInt64(0xffff_ff00))

  /// Everything a case needs, and the forward pass in double precision.
  struct Reference {
    let x, residual, gamma, beta, dy: [Float]
    let keep: [Double]
    var normalized: [Double] = []
    var y: [Double] = []
    var rstd: [Double] = []

    init(_ c: Case, epsilon: Double) {
      var samples = Samples(UInt64(c.cols))
      let n = c.rows * c.cols
      x = samples.floats(n, scale: 2)
      residual = samples.floats(n)
      gamma = samples.floats(c.cols).map { $0 + 1 }
      beta = samples.floats(c.cols)
      dy = samples.floats(n)
      var ones = [Float](repeating: 1, count: n)
      ps_dropout(
        ones, &ones, Int64(n), LayerNormTests.seed, LayerNormTests.stream, LayerNormTests.first, c.probability
      )
      keep = ones.map { $0 == 0 ? 0 : 1 / (1 - Double(c.probability)) }
      for r in 0..<c.rows {
        let z = (r * c.cols..<(r + 1) * c.cols).map {
          Double(x[$0]) * keep[$0] + (c.hasResidual ? Double(residual[$0]) : 0)
        }
        let mean = z.reduce(0, +) / Double(c.cols)
        let variance = z.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(c.cols)
        rstd.append(1 / (variance + epsilon).squareRoot())
        for col in 0..<c.cols {
          normalized.append((z[col] - mean) * rstd[r])
          y.append((z[col] - mean) * rstd[r] * Double(gamma[col]) + Double(beta[col]))
        }
      }
    }
  }

  @Test(arguments: cases)
  func forward(_ c: Case) {
    let reference = Reference(c, epsilon: 1e-5)
    let n = c.rows * c.cols
    var y = [Float](repeating: 0, count: n)
    var inference = y
    var normalized = y
    var rstd = [Float](repeating: 0, count: c.rows)
    reference.residual.withUnsafeBufferPointer { residual in
      let pointer = c.hasResidual ? residual.baseAddress : nil
      ps_residual_layer_norm(
        reference.x, pointer, reference.gamma, reference.beta, &y, &normalized, &rstd, Int64(c.rows),
        Int64(c.cols), 1e-5, Self.seed, Self.stream, Self.first, c.probability)
      ps_residual_layer_norm(
        reference.x, pointer, reference.gamma, reference.beta, &inference, nil, nil, Int64(c.rows),
        Int64(c.cols), 1e-5, Self.seed, Self.stream, Self.first, c.probability)
    }
    // A row of two close values multiplies their rounding by rstd, up to 316 with this epsilon.
    let tolerance = c.cols <= 2 ? 3e-5 : 2e-6
    #expect(worstError(y, reference.y) < tolerance)
    #expect(worstError(normalized, reference.normalized) < tolerance)
    #expect(worstError(rstd, reference.rstd) < tolerance)
    #expect(worstError(inference, y.map(Double.init)) < 1e-6)
  }

  @Test(arguments: cases.filter { $0.cols > 2 })
  func backward(_ c: Case) {
    let reference = Reference(c, epsilon: 1e-5)
    let n = c.rows * c.cols
    var (dz, dgamma, dbeta) = (
      [Double](), [Double](repeating: 1, count: c.cols), [Double](repeating: 2, count: c.cols)
    )
    for r in 0..<c.rows {
      let at = { r * c.cols + $0 }
      let g = (0..<c.cols).map { Double(reference.dy[at($0)]) * Double(reference.gamma[$0]) }
      let mean = g.reduce(0, +) / Double(c.cols)
      let slope = (0..<c.cols).reduce(0) { $0 + g[$1] * reference.normalized[at($1)] } / Double(c.cols)
      for col in 0..<c.cols {
        dz.append(reference.rstd[r] * (g[col] - mean - reference.normalized[at(col)] * slope))
        dgamma[col] += Double(reference.dy[at(col)]) * reference.normalized[at(col)]
        dbeta[col] += Double(reference.dy[at(col)])
      }
    }
    let normalized = reference.normalized.map(Float.init)
    let rstd = reference.rstd.map(Float.init)
    for (addX, addResidual) in [(Int32(0), Int32(1)), (1, 0)] {
      var dx = [Float](repeating: 10, count: n)
      var dresidual = [Float](repeating: 20, count: n)
      var foundGamma = [Float](repeating: 1, count: c.cols)
      var foundBeta = [Float](repeating: 2, count: c.cols)
      ps_residual_layer_norm_backward(
        reference.dy, normalized, rstd, reference.gamma, &dx, addX, &dresidual, addResidual, &foundGamma,
        &foundBeta, Int64(c.rows), Int64(c.cols), Self.seed, Self.stream, Self.first, c.probability)
      #expect(worstError(dx, (0..<n).map { dz[$0] * reference.keep[$0] + (addX == 1 ? 10 : 0) }) < 4e-6)
      #expect(worstError(dresidual, dz.map { $0 + (addResidual == 1 ? 20 : 0) }) < 4e-6)
      #expect(worstError(foundGamma, dgamma) < 2e-6)
      #expect(worstError(foundBeta, dbeta) < 2e-6)
      var only = [Float](repeating: 0, count: n)
      ps_residual_layer_norm_backward(
        reference.dy, normalized, rstd, reference.gamma, nil, 0, &only, 0, &foundGamma, &foundBeta,
        Int64(c.rows), Int64(c.cols), Self.seed, Self.stream, Self.first, c.probability)
      #expect(worstError(only, dz) < 4e-6)
    }
  }

  @Test func rowsMayBeSplitBetweenCalls() {
    let c = Case(rows: 6, cols: 50, hasResidual: true, probability: 0.2)
    let reference = Reference(c, epsilon: 1e-12)
    func run(_ rows: Range<Int>) -> [Float] {
      let n = rows.count * c.cols
      var y = [Float](repeating: 0, count: n)
      let begin = rows.lowerBound * c.cols
      ps_residual_layer_norm(
        Array(reference.x[begin...]), Array(reference.residual[begin...]), reference.gamma, reference.beta,
        &y,
        nil, nil, Int64(rows.count), Int64(c.cols), 1e-12, Self.seed, Self.stream, Self.first + UInt64(begin),
        c.probability)
      return y
    }
    #expect(run(0..<2) + run(2..<6) == run(0..<6))
  }
}
