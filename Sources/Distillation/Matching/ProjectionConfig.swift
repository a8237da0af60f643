import ModelFormats

/// How a student's hidden states are brought to the teacher's size; the `proj` of a match.
///
/// Written `["linear", 384, 768]`, with options `["linear", 384, 768, {"lr": 1e-3, "weight_decay": 0.01}]`, or
/// without sizes (`"linear"`), which then follow from the two models.
public struct ProjectionConfig: Sendable, Equatable {
  /// What follows the linear map; TextBrewer's `PROJ_MAP`.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// Nothing.
    case linear
    /// max(x, 0).
    case relu
    /// The hyperbolic tangent.
    case tanh
  }

  /// What follows the linear map.
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
  /// What is wrong with the projection of features of these sizes.
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
