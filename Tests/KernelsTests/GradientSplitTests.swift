import Kernels
import TestSupport
import Testing

@Suite(.serialized) struct GradientSplitTests {
  private static func groups(_ threads: Int, rows: Int, inputs: Int, outputs: Int) -> Int {
    FixedThreads.run(threads) { GradientSplit(rows: rows, inputs: inputs, outputs: outputs).groups }
  }

  /// Rows are split where parts of the outputs would be thin, and only into groups that are worth their sums.
  @Test func groupsOfRows() {
    #expect(Self.groups(1, rows: 4_096, inputs: 8, outputs: 8) == 1)
    #expect(Self.groups(2, rows: 4_096, inputs: 384, outputs: 384) == 1)
    #expect(Self.groups(4, rows: 4_096, inputs: 384, outputs: 384) == 1)
    #expect(Self.groups(8, rows: 4_096, inputs: 384, outputs: 384) == 2)
    #expect(Self.groups(8, rows: 4_096, inputs: 1_536, outputs: 384) == 1)
    #expect(Self.groups(64, rows: 4_096, inputs: 384, outputs: 1_536) == 4)
    #expect(Self.groups(64, rows: 4_096, inputs: 384, outputs: 384) == 8)
    #expect(Self.groups(64, rows: 700, inputs: 384, outputs: 384) == 1)
    #expect(Self.groups(2, rows: 4_096, inputs: 64, outputs: 64) == 2)
  }

  @Test(arguments: [(1_100, 24, 40), (2_049, 40, 24), (1_600, 96, 7)], [1, 2, 3, 16])
  func agreesWithPlainSums(shape: (rows: Int, inputs: Int, outputs: Int), threads: Int) throws {
    let (rows, inputs, outputs) = shape
    let dy = Storage((0..<rows * outputs).map { Float($0 * 37 % 101 - 50) / 64 })
    let x = Storage((0..<rows * inputs).map { Float($0 * 53 % 89 - 44) / 64 })
    var expected = [Double](repeating: 0, count: inputs * outputs)
    for row in 0..<rows {
      for output in 0..<outputs {
        for input in 0..<inputs {
          expected[output * inputs + input] +=
            Double(dy[row * outputs + output]) * Double(x[row * inputs + input])
        }
      }
    }
    let kernel = LinearKernel(
      weight: Storage.filled(0, count: inputs * outputs), bias: nil, inputs: inputs, outputs: outputs)
    _ = try BLAS.load()
    FixedThreads.run(threads) {
      let sums = Storage.filled(.nan, count: inputs * outputs)
      kernel.weightGradient(dy, x, rows: rows, into: sums, adding: false)
      #expect(zip(sums.values, expected).allSatisfy { abs(Double($0) - $1) < 2e-3 })
      let again = Storage.filled(1, count: inputs * outputs)
      kernel.weightGradient(dy, x, rows: rows, into: again, adding: true)
      #expect(zip(again.values, expected).allSatisfy { abs(Double($0) - $1 - 1) < 2e-3 })
      let repeated = Storage.filled(0, count: inputs * outputs)
      kernel.weightGradient(dy, x, rows: rows, into: repeated, adding: false)
      #expect(repeated.values == sums.values)
    }
  }
}
