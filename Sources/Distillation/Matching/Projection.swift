import Tensors

/// Brings a student's hidden states to the teacher's size: f(x Wᵀ + b).
///
/// It exists during the distillation only: optimised, clipped and kept in checkpoints like the student, but no part of
/// the exported model.
public final class Projection {
  /// What follows the linear map.
  public let kind: ProjectionConfig.Kind
  /// The weight, [teacher size, student size], drawn from N(0, 0.02).
  public let weight: Parameter
  /// The bias, [teacher size], zero at first.
  public let bias: Parameter

  /// A fresh projection.
  ///
  /// - Parameters:
  ///   - kind: What follows the linear map.
  ///   - studentSize: The size of what goes in.
  ///   - teacherSize: The size of what comes out.
  ///   - name: The prefix of the parameters' names, such as `projections.0`.
  ///   - seed: Decides, with `stream`, the weights.
  ///   - stream: A number no other projection of the run has.
  public init(
    _ kind: ProjectionConfig.Kind, studentSize: Int, teacherSize: Int, name: String, seed: UInt64,
    stream: UInt64
  ) {
    self.kind = kind
    weight = Parameter(
      name: "\(name).weight",
      value: .normal(
        shape: [teacherSize, studentSize], standardDeviation: 0.02,
        random: RandomSource(seed: seed, stream: stream)))
    bias = Parameter(name: "\(name).bias", value: Tensor(repeating: 0, shape: [teacherSize]))
  }

  /// A fresh projection as its options say; nil while they leave the sizes open.
  convenience init?(_ options: ProjectionConfig, name: String, seed: UInt64, stream: UInt64) {
    guard let inputs = options.studentSize, let outputs = options.teacherSize else { return nil }
    self.init(options.kind, studentSize: inputs, teacherSize: outputs, name: name, seed: seed, stream: stream)
  }

  /// The weight and the bias.
  public var parameters: [Parameter] { [weight, bias] }

  /// Projects rows, [..., student size] to [..., teacher size].
  public func callAsFunction(_ x: Tensor, in context: Context) -> Tensor {
    x.linear(
      LinearWeights(weight.tensor(in: context), bias: bias.tensor(in: context)), activation: activation)
  }

  private var activation: Activation {
    switch kind {
    case .linear: .identity
    case .relu: .relu
    case .tanh: .tanh
    }
  }
}
