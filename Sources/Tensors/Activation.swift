import Kernels

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
