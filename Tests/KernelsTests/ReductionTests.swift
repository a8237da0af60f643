import CKernels
import Foundation
import Testing

@Suite struct ReductionTests {
  @Test(arguments: sizes + [10_007])
  func sums(n: Int) {
    var samples = Samples(UInt64(n))
    let (a, b) = (samples.floats(n), samples.floats(n))
    #expect(abs(ps_sum(a, Int64(n)) - a.reduce(0.0) { $0 + Double($1) }) < 1e-10)
    #expect(abs(ps_dot(a, b, Int64(n)) - zip(a, b).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }) < 1e-10)
    #expect(abs(ps_sum_squares(a, Int64(n)) - a.reduce(0.0) { $0 + Double($1) * Double($1) }) < 1e-10)
  }

  @Test(arguments: [0, 1, 3, 4, 9], sizes)
  func columnSumsDoNotDependOnBlocking(rows: Int, cols: Int) {
    let ldx = cols + 3
    var samples = Samples(5)
    let x = samples.floats(rows * ldx)
    let start = samples.floats(cols)
    var whole = start
    ps_column_sums(x, &whole, Int64(rows), Int64(cols), Int64(ldx))
    let expected = (0..<cols).map { c in (0..<rows).reduce(Double(start[c])) { $0 + Double(x[$1 * ldx + c]) }
    }
    #expect(worstError(whole, expected) < 1e-6)
    for cut in 0...rows {
      var parts = start
      ps_column_sums(x, &parts, Int64(cut), Int64(cols), Int64(ldx))
      ps_column_sums(Array(x[(cut * ldx)...]), &parts, Int64(rows - cut), Int64(cols), Int64(ldx))
      #expect(parts == whole, "cut at row \(cut)")
    }
  }

  @Test(arguments: [1, 2, 13, 15, 16, 17, 31, 64, 130], [Float(1), 0.125, -2])
  func softmaxRows(cols: Int, scale: Float) {
    let (rows, ldx, ldy) = (5, cols + 1, cols + 4)
    var samples = Samples(UInt64(cols))
    var x = samples.floats(rows * ldx, scale: 20)
    for c in 0..<cols { x[c] -= scale * 500 }  // far from zero: only differences count
    if cols > 2 { x[ldx] = scale < 0 ? .infinity : -.infinity }  // an excluded element
    var y = [Float](repeating: -7, count: rows * ldy)
    ps_softmax(x, &y, Int64(rows), Int64(cols), Int64(ldx), Int64(ldy), scale)
    var compact: [Float] = []
    for r in 0..<rows { compact += x[(r * ldx)..<(r * ldx + cols)] }
    var logs = compact
    ps_log_softmax(logs, &logs, Int64(rows), Int64(cols), scale)
    var inPlace = compact
    inPlace.withUnsafeMutableBufferPointer { p in
      if let base = p.baseAddress {
        ps_softmax(base, base, Int64(rows), Int64(cols), Int64(cols), Int64(cols), scale)
      }
    }
    for r in 0..<rows {
      let scaled = x[(r * ldx)..<(r * ldx + cols)].map { Double($0) * Double(scale) }
      let peak = scaled.max() ?? 0
      let sum = scaled.reduce(0) { $0 + exp($1 - peak) }
      let expected = scaled.map { exp($0 - peak) / sum }
      let found = Array(y[(r * ldy)..<(r * ldy + cols)])
      #expect(worstError(found, expected) < 4e-6)  // the float rounding of scale * x, times the size of x
      #expect(found == Array(inPlace[(r * cols)..<((r + 1) * cols)]))
      #expect(
        worstError(Array(logs[(r * cols)..<((r + 1) * cols)]), scaled.map { $0 - peak - log(sum) }) < 4e-6)
      #expect(y[(r * ldy + cols)..<((r + 1) * ldy)].allSatisfy { $0 == -7 })
    }
  }

  @Test func aNaNReachesTheWholeRow() {
    for cols in [5, 40] {
      var x = [Float](repeating: 1, count: cols)
      x[cols - 2] = .nan
      ps_softmax(x, &x, 1, Int64(cols), Int64(cols), Int64(cols), 1)
      #expect(x.allSatisfy { $0.isNaN })
    }
  }

  @Test(arguments: [1, 2, 13, 16, 33, 130])
  func softmaxBackward(cols: Int) {
    let rows = 4
    var samples = Samples(UInt64(cols))
    var y = samples.floats(rows * cols, scale: 3)
    ps_softmax(y, &y, Int64(rows), Int64(cols), Int64(cols), Int64(cols), 1)
    let dy = samples.floats(rows * cols)
    var dx = dy
    let n = Int64(cols)
    ps_softmax_backward(y, dx, &dx, Int64(rows), n, n, n, n, 0.5)
    var expected: [Double] = []
    for r in 0..<rows {
      let row = (r * cols)..<((r + 1) * cols)
      let dot = row.reduce(0.0) { $0 + Double(y[$1]) * Double(dy[$1]) }
      expected += row.map { 0.5 * Double(y[$0]) * (Double(dy[$0]) - dot) }
    }
    #expect(worstError(dx, expected) < 3e-7)
  }
}
