import CKernels
import Testing

/// A linear layer of few rows against sums in double precision.
@Suite struct FewRowsLinearTests {
  /// Rows around whole vectors; outputs and inputs below, at and above the kernel's blocks; a result with gaps.
  @Test(
    arguments: [1, 2, 3, 5, 8, 9, 16, 17, 24, 25, 32, 33, 40, 63, 64, 100, 512],
    [(7, 3), (64, 256), (65, 257), (200, 700)])
  func agreesWithPlainSums(rows: Int, size: (outputs: Int, inputs: Int)) {
    let layer = Layer(rows: rows, outputs: size.outputs, inputs: size.inputs)
    for bias in [layer.bias, nil] {
      #expect(layer.isResult(layer.fewRows(bias), bias))
      if rows <= Int(ps_few_rows) { #expect(layer.isResult(layer.few(bias), bias)) }
      #expect(layer.isTransposedResult(layer.transposed(bias), bias))
    }
  }
}

/// One layer's random values, its result by each kernel and by plain sums.
private struct Layer {
  let rows: Int
  let outputs: Int
  let inputs: Int
  let x: [Float]
  let weight: [Float]
  /// The weight with a gap of values that must not count behind every row.
  let gappedWeight: [Float]
  let bias: [Float]

  init(rows: Int, outputs: Int, inputs: Int) {
    (self.rows, self.outputs, self.inputs) = (rows, outputs, inputs)
    var samples = Samples(UInt64(rows * 1000 + inputs))
    (x, weight) = (samples.floats(rows * inputs), samples.floats(outputs * inputs))
    bias = samples.floats(outputs)
    let weight = weight
    gappedWeight = Swift.stride(from: 0, to: weight.count, by: inputs).flatMap {
      weight[$0..<$0 + inputs] + [.nan, .nan, .nan, .nan, .nan]
    }
  }

  private var width: Int { (rows + 7) / 8 * 8 }
  private var stride: Int { outputs + 3 }

  private func input() -> [Float] {
    var result = [Float](repeating: .nan, count: inputs * width)
    ps_transposed_rows(x, Int64(rows), Int64(inputs), &result, Int64(width))
    return result
  }

  func fewRows(_ bias: [Float]?) -> [Float] {
    var y = [Float](repeating: 42, count: rows * stride)
    ps_thin_linear(
      input(), Int64(width), gappedWeight, Int64(inputs + 5), bias, &y, Int64(rows), Int64(outputs),
      Int64(inputs),
      Int64(stride))
    return y
  }

  func few(_ bias: [Float]?) -> [Float] {
    var y = [Float](repeating: 42, count: rows * stride)
    ps_few_rows_linear(
      x, gappedWeight, Int64(inputs + 5), bias, &y, Int64(rows), Int64(outputs), Int64(inputs), Int64(stride))
    return y
  }

  func transposed(_ bias: [Float]?) -> [Float] {
    var y = [Float](repeating: 42, count: outputs * width)
    ps_thin_linear_transposed(input(), Int64(width), weight, bias, &y, Int64(outputs), Int64(inputs))
    return y
  }

  private func sum(_ row: Int, _ output: Int, _ bias: [Float]?) -> Double {
    (0..<inputs).reduce(Double(bias?[output] ?? 0)) {
      $0 + Double(x[row * inputs + $1]) * Double(weight[output * inputs + $1])
    }
  }

  /// Whether [rows, stride] holds the sums, and the gap behind every row what it held before.
  func isResult(_ y: [Float], _ bias: [Float]?) -> Bool {
    y.indices.allSatisfy { index in
      let (row, output) = index.quotientAndRemainder(dividingBy: stride)
      return output < outputs ? isClose(y[index], sum(row, output, bias)) : y[index] == 42
    }
  }

  /// Whether [outputs, width] holds the sums in its first `rows` columns.
  func isTransposedResult(_ y: [Float], _ bias: [Float]?) -> Bool {
    (0..<outputs).allSatisfy { output in
      (0..<rows).allSatisfy { isClose(y[output * width + $0], sum($0, output, bias)) }
    }
  }

  private func isClose(_ value: Float, _ expected: Double) -> Bool { abs(Double(value) - expected) < 5e-5 }
}
