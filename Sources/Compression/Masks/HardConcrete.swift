import Foundation

/// Distribution of gates between 0 and 1 that are often exactly 0 or 1: the hard concrete of Louizos, Welling and Kingma
/// (2018), with the constants of CoFi (Xia, Zhong and Chen 2022, `models/l0_module.py`).
///
/// With u uniform, s = σ((log u − log(1 − u) + log α) / β), and the gate is s (ζ − γ) + γ clipped to 0 ... 1; β = 2/3, ζ = 1.1,
/// γ = −0.1. It is open, above 0, with the probability 1 − σ(β log(−γ / ζ) − log α).
public enum HardConcrete {
  /// The temperature β.
  public static let temperature = 2.0 / 3
  /// The ends γ and ζ between which s is stretched.
  public static let stretch = -0.1...1.1
  /// How near probabilities and draws come to 0 and 1.
  static let epsilon = 1e-6
  /// The bounds that log α is kept within: those of CoFi's `constrain_parameters`.
  package static let bounds = log(1e-2)...log(1e2)

  /// A number with its derivative by log α.
  package struct Value {
    package var value: Double
    package var slope: Double
  }

  /// The gate that a draw gives.
  ///
  /// - Parameters:
  ///   - logAlpha: The parameter log α.
  ///   - u: The draw, between 0 and 1.
  package static func gate(_ logAlpha: Double, u: Double) -> Value {
    let s = sigmoid((log(u) - log(1 - u) + logAlpha) / temperature)
    let width = stretch.upperBound - stretch.lowerBound
    let stretched = s * width + stretch.lowerBound
    let slope = stretched > 0 && stretched < 1 ? width * s * (1 - s) / temperature : 0
    return Value(value: min(1, max(0, stretched)), slope: slope)
  }

  /// A draw for `gate` of a uniform number, 0 ..< 1.
  package static func draw(_ uniform: Double) -> Double { epsilon + (1 - 2 * epsilon) * uniform }

  /// The probability that a gate is open.
  package static func openness(_ logAlpha: Double) -> Value {
    let x = -stretch.lowerBound / (stretch.upperBound - stretch.lowerBound)
    let closed = sigmoid((log(x) - log(1 - x)) * temperature - logAlpha)
    let clipped = min(1 - epsilon, max(epsilon, closed))
    return Value(value: 1 - clipped, slope: clipped == closed ? closed * (1 - closed) : 0)
  }

  /// Gates without chance, by which a model is evaluated and cut: as many as are expected to be closed are 0, those with the
  /// smallest σ(0.8 log α / β), and the others are this value.
  ///
  /// - Parameters:
  ///   - logAlphas: The parameters of gates of one kind.
  ///   - multiple: What the number of open gates must be a multiple of, the nearest one from one multiple on; CoFi has 1.
  package static func settled(_ logAlphas: [Double], multipleOf multiple: Int = 1) -> [Double] {
    let expected = logAlphas.reduce(0) { $0 + openness($1).value }
    var zeros = Int((Double(logAlphas.count) - expected).rounded(.toNearestOrEven))
    if multiple > 1 {
      let whole = (Double(logAlphas.count - zeros) / Double(multiple)).rounded()
      zeros = logAlphas.count - min(logAlphas.count, max(1, Int(whole)) * multiple)
    }
    var gates = logAlphas.map(softness)
    for index in gates.indices.sorted(by: { (gates[$0], $0) < (gates[$1], $1) }).prefix(zeros) {
      gates[index] = 0
    }
    return gates
  }

  /// The value of an open gate without chance.
  static func softness(_ logAlpha: Double) -> Double { sigmoid(logAlpha / temperature * 0.8) }

  private static func sigmoid(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
}
