import Foundation
import Kernels
import ModelFormats
import Tensors
import TestSupport
import Testing

/// Linear layers of 8-bit integers against PyTorch's integers and NumPy's exact sums (`Tests/Reference/make_int8_fixtures.py`),
/// and every kernel of this machine against plain C.
@Suite struct QuantizedLinearTests {
  @Test(arguments: ["one_row", "odd", "positive", "tall"])
  func everyKernelGivesTheReferencesBits(name: String) throws {
    let golden = try SafetensorsFile(path: Fixtures.url("int8/\(name).safetensors").path)
    func tensor(_ key: String) throws -> Tensor {
      Tensor(try golden.floats(key), shape: Shape(try #require(golden[key]).shape))
    }
    let (x, weight) = (try tensor("x"), try tensor("weight"))
    let matrix = QuantizedMatrix(weight.storage, rows: weight.shape[0], columns: weight.shape[1])
    #expect(try integers(of: matrix) == golden.integers("weight_integers"))
    #expect(matrix.scales.values == (try golden.floats("weight_scale")))
    let layer = LinearWeights(.int8(matrix), bias: try tensor("bias"))
    for kernel in kernels {
      // The output has the bits of the exact sums, each scaled and shifted in two roundings.
      #expect(with(kernel) { x.linear(layer).values } == (try golden.floats("output")), "\(kernel.name)")
    }
    // Packing has not changed the integers.
    #expect(try integers(of: matrix) == golden.integers("weight_integers"))
  }

  /// Rows, outputs and inputs around a kernel's tiles, groups and panels.
  @Test(
    arguments: [1, 2, 3, 6, 7, 12, 13, 47, 49, 70], [(1, 1), (15, 3), (16, 4), (17, 5), (33, 66), (70, 131)])
  func kernelsAreEqualToTheBit(rows: Int, size: (outputs: Int, inputs: Int)) {
    let x = sample([rows, size.inputs], seed: 1)
    for bias in [sample([size.outputs], seed: 2), nil] {
      let layer = quantized(size.outputs, size.inputs, seed: 3, bias: bias)
      let plain = with(.c) { x.linear(layer, activation: .gelu).values }
      for kernel in kernels {
        #expect(with(kernel) { x.linear(layer, activation: .gelu).values } == plain, "\(kernel.name)")
      }
    }
  }

  /// Sums at their largest, which saturate where they are added up in 16 bits.
  @Test func nothingSaturates() {
    let inputs = 4099
    let x = Tensor(repeating: 3, shape: [9, inputs])
    for sign in [Float(1), -1] {
      let weight = Tensor(repeating: sign * 2, shape: [37, inputs])
      let layer = LinearWeights(
        .int8(QuantizedMatrix(weight.storage, rows: 37, columns: inputs)), bias: nil)
      for kernel in kernels {
        for y in with(kernel, { x.linear(layer).values }) {
          #expect(abs(y - sign * 6 * Float(inputs)) < 1e-5 * 6 * Float(inputs), "\(kernel.name)")
        }
      }
    }
  }

  /// Every output is off by at most half a step of each factor: |Δ| ≤ ½ Σ (|x| sw + |w| sx) + ¼ n sw sx.
  @Test func errorsStayWithinHalfSteps() {
    let (rows, inputs, outputs) = (20, 96, 40)
    let (x, w) = (sample([rows, inputs], seed: 5), sample([outputs, inputs], seed: 6))
    let exact = x.linear(LinearWeights(w)).values
    let matrix = QuantizedMatrix(w.storage, rows: outputs, columns: inputs)
    let found = x.linear(LinearWeights(.int8(matrix), bias: nil)).values
    let (xs, ws, scales) = (x.values, w.values, matrix.scales.values)
    for row in 0..<rows {
      let values = xs[row * inputs..<(row + 1) * inputs]
      let step = ((values.max() ?? 0) - (values.min() ?? 0)) / 255
      for output in 0..<outputs {
        var bound = 0.25 * Float(inputs) * step * scales[output]
        for i in 0..<inputs {
          bound += 0.5 * (abs(xs[row * inputs + i]) * scales[output] + abs(ws[output * inputs + i]) * step)
        }
        #expect(abs(found[row * outputs + output] - exact[row * outputs + output]) <= bound * 1.001)
      }
    }
  }

  /// Few rows and many, shared by one worker and several: groups and feed-forward halves are their layers one by one.
  @Test(arguments: [1, 9, 63, 64, 200])
  func neitherThreadsNorCompanyChangeABit(rows: Int) {
    let x = sample([rows, 24], seed: 1)
    let (inner, outer) = (
      quantized(90, 24, seed: 2, bias: sample([90], seed: 3)), quantized(24, 90, seed: 4, bias: nil)
    )
    let wide = FixedThreads.run(1) { x.linear(inner, activation: .gelu) }
    let expected = FixedThreads.run(1) { wide.linear(outer).values }
    let others = [quantized(24, 24, seed: 5, bias: nil), quantized(7, 24, seed: 6, bias: nil), inner]
    let separate = FixedThreads.run(1) { others.map { x.linear($0).values } }
    for threads in [1, 2, 3, 5] {
      FixedThreads.run(threads) {
        #expect(x.feedForward(inner: inner, outer: outer, activation: .gelu).values == expected)
        #expect(x.linear(others).map(\.values) == separate)
        #expect(x.linear(inner, activation: .gelu).values == wide.values)
        let last = x.rows(at: [Int32(rows - 1)])
        #expect(last.linear(others[0]).values == Array(separate[0].suffix(24)))
      }
    }
  }

  /// One layer of a feed-forward half or a group in floats, the other in integers.
  @Test func formsMix() {
    let x = sample([70, 24], seed: 1)
    let float = LinearWeights(sample([24, 90], seed: 4), bias: sample([24], seed: 7))
    let inner = quantized(90, 24, seed: 2, bias: nil)
    #expect(
      x.feedForward(inner: inner, outer: float, activation: .relu).values
        == x.linear(inner, activation: .relu).linear(float).values)
    let other = LinearWeights(sample([5, 24], seed: 8))
    #expect(x.linear([inner, other]).map(\.values) == [x.linear(inner).values, x.linear(other).values])
  }

  /// A NaN or infinite value spoils its own row and no other; a row of zeros gives the bias.
  @Test func faultsReachTheResult() {
    var values = sample([4, 20], seed: 1).values
    values[3] = .nan
    values[20 + 7] = .infinity
    for i in 40..<60 { values[i] = 0 }
    let bias = sample([17], seed: 2)
    let y = Tensor(values, shape: [4, 20]).linear(quantized(17, 20, seed: 3, bias: bias)).values
    #expect(y[..<34].allSatisfy { $0.isNaN })
    #expect(Array(y[34..<51]) == bias.values)
    #expect(y[51...].allSatisfy { $0.isFinite })
  }

  @Test func tablesGiveTheirRows() {
    let table = sample([11, 7], seed: 1)
    let matrix = QuantizedMatrix(table.storage, rows: 11, columns: 7)
    let rows: [Int32] = [10, 0, 3, 3]
    let found = Tensor.embedding(sumOf: [(.int8(matrix), rows), (.dense(table), [1, 1, 1, 2])])
    let whole = Tensor(storage: matrix.dequantized(), shape: [11, 7])
    let expected = whole.embedding(ids: rows) + table.embedding(ids: [1, 1, 1, 2])
    #expect(found.shape == [4, 7] && found.values == expected.values)
    for (a, b) in zip(whole.values, table.values) { #expect(abs(a - b) <= 1 / 254) }
  }

  private let kernels = Int8Kernel.allCases.filter(\.isAvailable)

  private func with<Result>(_ kernel: Int8Kernel, _ body: () -> Result) -> Result {
    FixedThreads.run {
      let before = Int8Kernel.current
      defer { Int8Kernel.current = before }
      Int8Kernel.current = kernel
      return body()
    }
  }

  private func quantized(_ outputs: Int, _ inputs: Int, seed: UInt64, bias: Tensor?) -> LinearWeights {
    let weight = sample([outputs, inputs], seed: seed)
    return LinearWeights(.int8(QuantizedMatrix(weight.storage, rows: outputs, columns: inputs)), bias: bias)
  }

  private func integers(of matrix: QuantizedMatrix) throws -> [Int] {
    matrix.withIntegers { $0.map { Int(Int8(bitPattern: $0)) } }
  }
}
