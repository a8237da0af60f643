import Kernels

// MARK: Arithmetic under NumPy's broadcasting rules, on the tape of the operands

extension Tensor {
  /// The sum a + b, shapes broadcast: da = dy, db = dy.
  public static func + (a: Tensor, b: Tensor) -> Tensor { binary(.add, a, b) }

  /// The difference a − b, shapes broadcast: da = dy, db = −dy.
  public static func - (a: Tensor, b: Tensor) -> Tensor { binary(.subtract, a, b) }

  /// The product a · b of elements, shapes broadcast: da = dy b, db = dy a.
  public static func * (a: Tensor, b: Tensor) -> Tensor { binary(.multiply, a, b) }

  /// The quotient a / b of elements, shapes broadcast: da = dy / b, db = −dy a / b².
  public static func / (a: Tensor, b: Tensor) -> Tensor { binary(.divide, a, b) }

  /// The sum x + s with a constant: dx = dy.
  public static func + (x: Tensor, s: Float) -> Tensor { x.affine(factor: 1, shift: s) }

  /// The sum s + x with a constant: dx = dy.
  public static func + (s: Float, x: Tensor) -> Tensor { x.affine(factor: 1, shift: s) }

  /// The difference x − s with a constant: dx = dy.
  public static func - (x: Tensor, s: Float) -> Tensor { x.affine(factor: 1, shift: -s) }

  /// The difference s − x with a constant: dx = −dy.
  public static func - (s: Float, x: Tensor) -> Tensor { x.affine(factor: -1, shift: s) }

  /// The negative −x: dx = −dy.
  public static prefix func - (x: Tensor) -> Tensor { x.affine(factor: -1, shift: 0) }

  /// The product x · s with a constant: dx = s dy.
  public static func * (x: Tensor, s: Float) -> Tensor { x.affine(factor: s, shift: 0) }

  /// The product s · x with a constant: dx = s dy.
  public static func * (s: Float, x: Tensor) -> Tensor { x.affine(factor: s, shift: 0) }

  /// The quotient x / s with a constant, computed as x · (1 / s): dx = dy / s.
  public static func / (x: Tensor, s: Float) -> Tensor { x.affine(factor: 1 / s, shift: 0) }

  /// factor · x + shift, which a constant operand comes to; one of the two is trivial, so that nothing is rounded twice.
  private func affine(factor: Float, shift: Float, _ operation: StaticString = #function) -> Tensor {
    let y = Storage(uninitialized: count)
    Elementwise.affine(storage, factor: factor, shift: shift, into: y)
    let result = Tensor.result(y, shape, from: self, of: operation)
    if let tape = result.tape {
      tape.record(result) { dy in
        slot?.contribute { dx, adding in Elementwise.scale(dy, by: factor, into: dx, adding: adding) }
      }
    }
    return result
  }

  private static func binary(
    _ kernel: BinaryKernel, _ a: Tensor, _ b: Tensor, _ operation: StaticString = #function
  ) -> Tensor {
    let walk = Broadcast(a.shape.dimensions, b.shape.dimensions)
    let shape = Shape(walk.shape)
    let y = Storage(uninitialized: shape.count)
    if a.shape == b.shape {
      kernel.apply(a.storage, b.storage, into: y)
    } else {
      kernel.apply(a.storage, b.storage, broadcast: walk, into: y)
    }
    let result = Tensor.result(y, shape, from: a, b, of: operation)
    if let tape = result.tape {
      tape.record(result) { dy in
        a.slot?.accumulate { kernel.addFirstGradient(of: dy, b.storage, broadcast: walk, to: $0) }
        b.slot?.accumulate { kernel.addSecondGradient(of: dy, a.storage, b.storage, broadcast: walk, to: $0) }
      }
    }
    return result
  }
}

// MARK: Functions of one operand

extension Tensor {
  /// The values f(x) of an activation: dx = dy f′(x).
  public func applying(_ activation: Activation) -> Tensor {
    unary {
      activation.kernel.apply(storage, into: $0)
    } backward: { _, dy in
      activation.kernel.gradient(storage, dy: dy, into: dy)
    }
  }

  /// The exponentials y = eˣ: dx = dy y.
  public func exp() -> Tensor {
    unary {
      Elementwise.exp(storage, into: $0)
    } backward: { y, dy in
      BinaryKernel.multiply.apply(y, dy, into: dy)
    }
  }

  /// The natural logarithms of positive values: dx = dy / x.
  public func log() -> Tensor {
    unary {
      Elementwise.log(storage, into: $0)
    } backward: { _, dy in
      BinaryKernel.divide.apply(dy, storage, into: dy)
    }
  }

  /// The square roots y of values of at least 0: dx = dy / (2 y).
  public func sqrt() -> Tensor {
    unary {
      Elementwise.sqrt(storage, into: $0)
    } backward: { y, dy in
      BinaryKernel.divide.apply(dy, y, into: dy)
      Elementwise.scale(dy, by: 0.5, into: dy)
    }
  }

  /// The values with some dropped by chance and the rest scaled by 1 / (1 − probability), in training only.
  ///
  /// Whether an element is kept depends on the seed, the operation's place in the pass, the row of the global batch that its
  /// sequence is, and its place inside the sequence alone. dx = dy through the same mask.
  ///
  /// - Parameters:
  ///   - probability: The probability of dropping an element, 0 ..< 1.
  ///   - starts: Where the rows of each sequence begin, and their number, [sequences + 1]; nil takes x as one sequence.
  ///   - context: The pass that the bits are drawn for.
  public func dropout(probability: Float, starts: [Int32]? = nil, in context: Context) -> Tensor {
    let mask = context.nextDropout(probability, starts: starts)
    guard mask.probability > 0 else { return self }
    let (rows, columns) = (shape.rowCount, shape.lastDimension)
    return unary {
      Elementwise.drop(storage, rows: rows, columns: columns, mask: mask, into: $0)
    } backward: {
      Elementwise.drop($1, rows: rows, columns: columns, mask: mask, into: $1)
    }
  }

  /// An element-wise result; backward turns the output's gradient, ours once its slot has been released, into the input's.
  private func unary(
    _ operation: StaticString = #function, _ forward: (_ y: Storage) -> Void,
    backward: @escaping (_ y: Storage, _ dy: Storage) -> Void
  ) -> Tensor {
    let y = Storage(uninitialized: count)
    forward(y)
    let result = Tensor.result(y, shape, from: self, of: operation)
    if let tape = result.tape {
      tape.record(result) { dy in
        backward(y, dy)
        slot?.add(dy)
      }
    }
    return result
  }
}

/// An element-wise nonlinearity, by the name it has in Hugging Face configurations (`hidden_act`).
public enum Activation: String, Sendable, Codable, CaseIterable {
  /// f(x) = x.
  case identity
  /// f(x) = x Φ(x) with the exact normal distribution function (Hendrycks & Gimpel 2016).
  case gelu
  /// The tanh approximation of GELU used by GPT-2.
  case geluNew = "gelu_new"
  /// f(x) = max(x, 0).
  case relu
  /// The hyperbolic tangent.
  case tanh
  /// f(x) = x σ(x), also known as swish.
  case silu
  /// The logistic function.
  case sigmoid
  /// f(x) = x σ(1.702 x), the logistic approximation of GELU used by CLIP.
  case quickGelu = "quick_gelu"
  /// f(x) = x tanh(ln(1 + eˣ)) (Misra 2019).
  case mish

  /// The activation with a Hugging Face name, synonyms included; nil for an unknown one.
  public init?(huggingFaceName name: String) {
    switch name {
    case "swish": self = .silu
    case "gelu_python": self = .gelu
    case "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate": self = .geluNew
    case "linear": self = .identity
    default: self.init(rawValue: name)
    }
  }

  /// The loops that compute it.
  package var kernel: ActivationKernel {
    switch self {
    case .identity: .identity
    case .gelu: .gelu
    case .geluNew: .geluNew
    case .relu: .relu
    case .tanh: .tanh
    case .silu: .silu
    case .sigmoid: .sigmoid
    case .quickGelu: .quickGelu
    case .mish: .mish
    }
  }
}
