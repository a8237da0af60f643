import CKernels
import Testing

/// A linear layer of few rows against sums in double precision.
@Suite struct ThinLinearTests {
  /// Rows around whole vectors; outputs and inputs below, at and above the kernel's blocks; a result with gaps.
  @Test(arguments: [1, 5, 16, 17, 32, 33, 63, 64], [(7, 3), (64, 256), (65, 257), (200, 700)])
  func agreesWithPlainSums(rows: Int, size: (outputs: Int, inputs: Int)) {
    let (outputs, inputs) = size
    var samples = Samples(UInt64(rows * 1000 + inputs))
    let (x, weight) = (samples.floats(rows * inputs), samples.floats(outputs * inputs))
    let width = (rows + 15) / 16 * 16
    let stride = outputs + 3
    var transposed = [Float](repeating: .nan, count: inputs * width)
    var y = [Float](repeating: 42, count: rows * stride)
    ps_transposed_rows(x, Int64(rows), Int64(inputs), &transposed, Int64(width))
    ps_thin_linear(
      transposed, Int64(width), weight, &y, Int64(rows), Int64(outputs), Int64(inputs), Int64(stride))

    // The gap behind every row keeps what it held.
    var expected = [Double](repeating: 42, count: rows * stride)
    for row in 0..<rows {
      for output in 0..<outputs {
        expected[row * stride + output] = (0..<inputs).reduce(0.0) {
          $0 + Double(x[row * inputs + $1]) * Double(weight[output * inputs + $1])
        }
      }
    }
    #expect(zip(y, expected).allSatisfy { abs(Double($0) - $1) < 5e-5 })
  }
}
