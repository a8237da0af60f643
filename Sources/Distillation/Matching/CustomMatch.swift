import Tensors

/// A loss between two values inside the models, each named by its module in `transformers`; TextBrewer's `CustomMatch`.
///
/// `EncoderConfig.intermediates` lists the names: `encoder.layer.3.attention.output`, `encoder.layer.3.attention.self.query`,
/// `pooler`, `classifier` and so on. The values exist only while somebody asks for them.
public struct CustomMatch: Sendable, Equatable {
  /// What compares two values.
  public struct Loss: Sendable, Equatable {
    /// A loss of a student's value and a teacher's (a constant), each [rows, width], with the boundaries of the rows
    /// of each sequence [B + 1] and the pass it is part of.
    public typealias Function =
      @Sendable (_ student: Tensor, _ teacher: Tensor, _ starts: [Int32], _ context: Context) throws -> Tensor

    /// The name in logs.
    public let name: String
    /// The named loss that it is; nil for one of the caller's own.
    let type: MatchLossType?
    let function: Function

    /// A loss of the caller's own; two of one name count as equal.
    public init(_ name: String, _ function: @escaping Function) {
      (self.name, type, self.function) = (name, nil, function)
    }

    /// A loss of hidden states; those of two layers take each value twice.
    public static func named(_ type: MatchLossType) -> Loss { Loss(type) }

    private init(_ type: MatchLossType) {
      (name, self.type) = (type.rawValue, type)
      function = { student, teacher, starts, _ in
        let count = type.takesTwoLayers ? 2 : 1
        return HiddenMatchLoss.compute(
          type, student: [Tensor](repeating: student, count: count),
          teacher: [Tensor](repeating: teacher, count: count), starts: starts)
      }
    }

    /// Whether two losses are the same by name.
    public static func == (a: Loss, b: Loss) -> Bool { a.name == b.name && a.type == b.type }
  }

  /// The teacher's module.
  public var moduleT: String
  /// The student's module.
  public var moduleS: String
  /// What compares the two.
  public var loss: Loss
  /// The factor of the loss in the total, at least 0.
  public var weight: Double
  /// How the student's value is brought to the teacher's width, if it is.
  public var projection: ProjectionConfig?

  /// A match of two modules by a named loss or one of the caller's own.
  public init(
    moduleT: String, moduleS: String, loss: Loss = .named(.hiddenMSE), weight: Double = 1,
    projection: ProjectionConfig? = nil
  ) {
    self.moduleT = moduleT
    self.moduleS = moduleS
    self.loss = loss
    self.weight = weight
    self.projection = projection
  }

  /// The name its loss is logged under, such as `unweighted_custom_cos_encoder.layer.1_encoder.layer.3`: student first.
  public var logName: String { "unweighted_custom_\(loss.name)_\(moduleS)_\(moduleT)" }
}
