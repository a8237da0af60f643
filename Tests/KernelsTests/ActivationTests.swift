import CKernels
import Foundation
import Testing

@Suite struct ActivationTests {
  static func value(_ kind: Int32, _ x: Double) -> Double {
    switch kind {
    case 1: x * 0.5 * erfc(-x / 2.0.squareRoot())
    case 2: 0.5 * x * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    case 3: max(0, x)
    case 4: tanh(x)
    case 5: x / (1 + exp(-x))
    case 6: 1 / (1 + exp(-x))
    case 7: x / (1 + exp(-1.702 * x))
    case 8: x * tanh(max(x, 0) + log1p(exp(-abs(x))))
    default: x
    }
  }

  static func slope(_ kind: Int32, _ x: Double) -> Double {
    let sigmoid = 1 / (1 + exp(-x))
    switch kind {
    case 1: return 0.5 * erfc(-x / 2.0.squareRoot()) + x * exp(-x * x / 2) / (2 * Double.pi).squareRoot()
    case 2:
      let root = (2 / Double.pi).squareRoot()
      let t = tanh(root * (x + 0.044715 * x * x * x))
      return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x)
    case 3: return x > 0 ? 1 : 0
    case 4: return 1 - tanh(x) * tanh(x)
    case 5: return sigmoid + x * sigmoid * (1 - sigmoid)
    case 6: return sigmoid * (1 - sigmoid)
    case 7:
      let gate = 1 / (1 + exp(-1.702 * x))
      return gate + 1.702 * x * gate * (1 - gate)
    case 8:
      let t = tanh(max(x, 0) + log1p(exp(-abs(x))))
      return t + x * (1 - t * t) * sigmoid
    default: return 1
    }
  }

  /// Small steps from -14 to 14 and a few numbers far out.
  static let points: [Float] = (-7_000...7_000).map { Float($0) / 500 } + [1e-30, -1e-30, 1e4, -1e4]

  @Test(arguments: Int32(0)...8)
  func values(kind: Int32) {
    var y = [Float](repeating: 0, count: Self.points.count)
    ps_activation(kind, Self.points, &y, Int64(y.count))
    // Two roundings of a float at 1: the polynomials themselves are an order better.
    #expect(worstError(y, Self.points.map { Self.value(kind, Double($0)) }) < 2e-7)
  }

  @Test(arguments: Int32(0)...8)
  func slopes(kind: Int32) {
    var samples = Samples(1)
    let upstream = samples.floats(Self.points.count)
    var dx = upstream
    ps_activation_backward(kind, Self.points, dx, &dx, Int64(dx.count))
    let expected = zip(Self.points, upstream).map { Self.slope(kind, Double($0)) * Double($1) }
    #expect(worstError(dx, expected) < 6e-7)
  }

  @Test(arguments: Int32(0)...8, sizes)
  func biasedRowsOfEverySize(kind: Int32, cols: Int) {
    let (rows, ldx, ldy) = (3, cols + 2, cols + 5)
    var samples = Samples(2)
    let original = samples.floats(rows * ldx, scale: 4)
    let bias = samples.floats(cols)
    var x = original
    var y = [Float](repeating: -77, count: rows * ldy)
    ps_bias_activation(kind, &x, bias, &y, Int64(rows), Int64(cols), Int64(ldx), Int64(ldy))
    for r in 0..<rows {
      for c in 0..<cols {
        let biased = original[r * ldx + c] + bias[c]
        #expect(x[r * ldx + c] == biased)
        #expect(abs(Double(y[r * ldy + c]) - Self.value(kind, Double(biased))) < 2e-6)
      }
      #expect(
        Array(x[(r * ldx + cols)..<((r + 1) * ldx)]) == Array(original[(r * ldx + cols)..<((r + 1) * ldx)]))
      #expect(y[(r * ldy + cols)..<((r + 1) * ldy)].allSatisfy { $0 == -77 })
    }
  }

  @Test func theFarEndsAreFinite() {
    let x: [Float] = [.infinity, 3e38, -3e38, -90, 90]
    for kind in Int32(1)...8 {
      var y = x
      ps_activation(kind, y, &y, Int64(y.count))
      #expect(y.dropFirst().allSatisfy { $0.isFinite }, "kind \(kind): \(y)")
      // tanh and sigmoid end at 1, the others grow.
      #expect(y[0] == ([4, 6].contains(kind) ? 1 : .infinity), "kind \(kind): \(y)")
    }
  }

  /// `transformers.activations.ACT2FN` and its gradient by PyTorch 2.15 in double precision.
  @Test func quickGeluAndMishArePyTorchs() {
    let x: [Float] = [-20, -3, -0.5, 0, 0.25, 1, 4, 30]
    let golden: [(Int32, values: [Double], slopes: [Double])] = [
      (
        7,
        [
          -3.2934102413993747e-14, -0.01807130970778597, -0.1496115633936199, 0, 0.1511996499001942,
          0.8457957659328212, 3.9955852758604187, 30,
        ],
        [
          -5.440713718791758e-14, -0.024548323905652352, 0.12077808803458576, 0.5, 0.7065004409742669,
          1.067779606556334, 1.0064018865453552, 1,
        ]
      ),
      (
        8,
        [
          -4.122307240628762e-08, -0.1456474612756246, -0.22074377465173, 0, 0.1695724096638176,
          0.8650983882673103, 3.9974128069762385, 30,
        ],
        [
          -3.916191874348969e-08, -0.09339311453232084, 0.28951067791351226, 0.6, 0.7541726677205928,
          1.0490362200997922, 1.0044328769037503, 1,
        ]
      ),
    ]
    for (kind, values, slopes) in golden {
      var y = x
      ps_activation(kind, x, &y, Int64(x.count))
      // Two roundings of a float of the value's size.
      for (found, value) in zip(y, values) {
        #expect(abs(Double(found) - value) <= 2e-7 * max(1, abs(value)))
      }
      var dx = [Float](repeating: 1, count: x.count)
      ps_activation_backward(kind, x, dx, &dx, Int64(x.count))
      for (found, slope) in zip(dx, slopes) { #expect(abs(Double(found) - slope) < 6e-7) }
    }
  }
}
