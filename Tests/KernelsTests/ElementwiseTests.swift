import CKernels
import Foundation
import Testing

@Suite struct ElementwiseTests {
  typealias Binary = (UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int64) -> Void

  static var binary: [(String, Binary, (Double, Double) -> Double)] {
    [
      ("add", { ps_add($0, $1, $2, $3) }, { $0 + $1 }),
      ("subtract", { ps_subtract($0, $1, $2, $3) }, { $0 - $1 }),
      ("multiply", { ps_multiply($0, $1, $2, $3) }, { $0 * $1 }),
      ("divide", { ps_divide($0, $1, $2, $3) }, { $0 / $1 }),
    ]
  }

  @Test(arguments: sizes)
  func binaryOperationsAlsoInPlace(n: Int) {
    var samples = Samples(UInt64(n))
    let a = samples.floats(n)
    let b = samples.floats(n).map { $0 + 2 }
    for (name, run, reference) in Self.binary {
      let expected = zip(a, b).map { reference(Double($0), Double($1)) }
      var out = [Float](repeating: 0, count: n)
      run(a, b, &out, Int64(n))
      #expect(worstError(out, expected) < 1e-7, "\(name)")
      var left = a
      left.withUnsafeMutableBufferPointer { p in
        if let base = p.baseAddress { run(base, b, base, Int64(n)) }
      }
      #expect(left == out, "\(name) into its first operand")
      var right = b
      right.withUnsafeMutableBufferPointer { p in
        if let base = p.baseAddress { run(a, base, base, Int64(n)) }
      }
      #expect(right == out, "\(name) into its second operand")
    }
  }

  @Test(arguments: sizes)
  func scaledOperations(n: Int) {
    var samples = Samples(UInt64(n) + 1)
    let (a, b, old) = (samples.floats(n), samples.floats(n), samples.floats(n))
    var y = [Float](repeating: 0, count: n)
    ps_scale(a, -1.5, &y, Int64(n))
    #expect(worstError(y, a.map { Double($0) * -1.5 }) < 1e-7)
    y = old
    ps_axpy(0.3, a, &y, Int64(n))
    #expect(worstError(y, zip(old, a).map { Double($0) + Double(Float(0.3)) * Double($1) }) < 2e-7)
    y = old
    ps_multiply_add(a, b, &y, Int64(n))
    #expect(worstError(y, (0..<n).map { Double(old[$0]) + Double(a[$0]) * Double(b[$0]) }) < 2e-7)
    ps_fill(&y, 2.5, Int64(n))
    #expect(y.allSatisfy { $0 == 2.5 })
    ps_sqrt(a.map { abs($0) }, &y, Int64(n))
    #expect(y == a.map { abs($0).squareRoot() })
  }

  @Test func exponentialsOverTheWholeRange() {
    let x = (-103_500...88_700).map { Float($0) / 1000 }
    var y = x
    ps_exp(y, &y, Int64(y.count))
    for (x, y) in zip(x, y) {
      let expected = exp(Double(x))
      // 2 units in the last place; below 2^-126 the unit is fixed.
      #expect(abs(Double(y) - expected) <= max(1.2e-7 * expected, 1.5e-45), "exp(\(x)) = \(y)")
    }
    var edges: [Float] = [.infinity, -.infinity, .nan, 89, -200, 0]
    ps_exp(edges, &edges, 6)
    #expect(edges[0] == .infinity && edges[1] == 0 && edges[2].isNaN)
    #expect(edges[3] == .infinity && edges[4] == 0 && edges[5] == 1)
  }

  @Test func logarithmsOverTheWholeRange() {
    let x = (-1_490...1_279).map { Float(pow(2, Double($0) / 10)) } + (1...4_000).map { Float($0) / 2_000 }
    var y = x
    ps_log(y, &y, Int64(y.count))
    for (x, y) in zip(x, y) {
      let expected = log(Double(x))
      #expect(abs(Double(y) - expected) <= 1.5e-7 * abs(expected), "log(\(x)) = \(y)")
    }
    var edges: [Float] = [0, -1, .infinity, .nan, 1]
    ps_log(edges, &edges, 5)
    #expect(
      edges[0] == -.infinity && edges[1].isNaN && edges[2] == .infinity && edges[3].isNaN && edges[4] == 0)
  }

  @Test func halfPrecisionConvertsExactly() {
    let every = (0...UInt16.max).map { $0 }
    var y = [Float](repeating: 0, count: every.count)
    ps_f16_to_f32(every, &y, Int64(y.count))
    for bits in every {
      let (sign, exponent, mantissa) = (bits >> 15, Int(bits >> 10) & 31, Double(bits & 1023))
      var expected =
        exponent == 0 ? mantissa * pow(2, -24) : (1 + mantissa / 1024) * pow(2, Double(exponent - 15))
      if exponent == 31 { expected = mantissa == 0 ? .infinity : .nan }
      let found = Double(y[Int(bits)])
      #expect(expected.isNaN ? found.isNaN : found == (sign == 1 ? -expected : expected), "bits \(bits)")
    }
    ps_bf16_to_f32(every, &y, Int64(y.count))
    #expect(every.allSatisfy { y[Int($0)].bitPattern == UInt32($0) << 16 })
  }
}
