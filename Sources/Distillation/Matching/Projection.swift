import ModelFormats
public import Tensors
import Training

/// Projection of a student's hidden states to the teacher's size: f(x Wᵀ + b).
///
/// It exists during the distillation only: optimised, clipped and kept in checkpoints like the student, but no part of
/// the exported model.
public final class Projection {
  /// Activation behind the linear map.
  public let kind: ProjectionConfig.Kind
  /// The weight, [teacher size, student size], drawn from N(0, 0.02).
  public let weight: Parameter
  /// The bias, [teacher size], zero at first.
  public let bias: Parameter

  /// A fresh projection.
  ///
  /// - Parameters:
  ///   - kind: The activation behind the linear map.
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

/// Configuration of a projection of a student's hidden states to the teacher's size; the `proj` of a match.
///
/// Written `["linear", 384, 768]`, with options `["linear", 384, 768, {"lr": 1e-3, "weight_decay": 0.01}]`, or
/// without sizes (`"linear"`), which then follow from the two models.
public struct ProjectionConfig: Sendable, Equatable {
  /// Activation behind the linear map; TextBrewer's `PROJ_MAP`.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// No activation.
    case linear
    /// max(x, 0).
    case relu
    /// The hyperbolic tangent.
    case tanh
  }

  /// Activation behind the linear map.
  public var kind: Kind
  /// The student's hidden size, if it was written.
  public var studentSize: Int?
  /// The teacher's hidden size, if it was written.
  public var teacherSize: Int?
  /// The projection's own learning rate; nil takes the student's.
  public var learningRate: Double?
  /// The projection's own weight decay; nil takes the student's.
  public var weightDecay: Double?

  /// A projection; what is left out follows from the models and the student's options.
  public init(
    _ kind: Kind = .linear, studentSize: Int? = nil, teacherSize: Int? = nil, learningRate: Double? = nil,
    weightDecay: Double? = nil
  ) {
    self.kind = kind
    self.studentSize = studentSize
    self.teacherSize = teacherSize
    self.learningRate = learningRate
    self.weightDecay = weightDecay
  }
}

extension ProjectionConfig {
  /// Faults of the projection of features of these sizes.
  func faults(_ field: String, studentSize own: Int, teacherSize other: Int) -> [Fault] {
    var faults: [Fault] = []
    for (side, written, actual) in [("student", studentSize, own), ("teacher", teacherSize, other)]
    where written != nil && written != actual {
      faults.append(
        Fault(
          field,
          "the \(side)'s size is \(actual), not \(written ?? 0); write "
            + "[\"\(kind.rawValue)\", \(own), \(other)], or leave the sizes out"))
    }
    if let rate = learningRate, !(rate > 0) || SinglePrecision.fault(of: rate) != nil {
      let reason = rate > 0 ? SinglePrecision.fault(of: rate) : nil
      faults.append(Fault("\(field).lr", "found \(rate), \(reason ?? "expected more than 0")"))
    }
    if let decay = weightDecay, !(decay >= 0) || SinglePrecision.fault(of: decay) != nil {
      let reason = decay >= 0 ? SinglePrecision.fault(of: decay) : nil
      faults.append(
        Fault("\(field).weight_decay", "found \(decay), \(reason ?? "expected at least 0")"))
    }
    return faults
  }
}

extension ProjectionConfig {
  var json: JSONValue {
    var parts: [JSONValue] = [.string(kind.rawValue)]
    if let studentSize, let teacherSize { parts += [.integer(studentSize), .integer(teacherSize)] }
    var options = JSONObject()
    options["lr"] = learningRate.map { .number($0) }
    options["weight_decay"] = weightDecay.map { .number($0) }
    return .array(options.isEmpty ? parts : parts + [.object(options)])
  }
}

extension ParameterGroup {
  /// One pair of groups for each set of options; biases do not decay, like the student's.
  static func projectionGroups(
    _ options: [ProjectionConfig?], _ projections: [[Projection]]
  ) -> [ParameterGroup] {
    var members: [(options: ProjectionConfig, projections: [Projection])] = []
    for (options, projections) in zip(options, projections) {
      guard let options else { continue }
      let index = members.firstIndex {
        $0.options.learningRate == options.learningRate && $0.options.weightDecay == options.weightDecay
      }
      if let index {
        members[index].projections += projections
      } else {
        members.append((options, projections))
      }
    }
    return members.flatMap { options, projections in
      [
        ParameterGroup(
          name: "projections", parameters: projections.map(\.weight), learningRate: options.learningRate,
          weightDecay: options.weightDecay),
        ParameterGroup(
          name: "projections_no_decay", parameters: projections.map(\.bias),
          learningRate: options.learningRate,
          weightDecay: 0),
      ]
    }
  }
}
