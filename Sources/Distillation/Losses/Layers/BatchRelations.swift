import Tensors

extension LayerLoss {
  /// Distances between the sequences of a batch; see `RelationalLoss`.
  static let rkdDistance = LayerLoss(
    .hidden { RelationalLoss.distance(student: $0.student[0], teacher: $0.teacher[0]) }, mean: nil
  ).ofFirstTokens

  /// Angles between the sequences of a batch; see `RelationalLoss`.
  static let rkdAngle = LayerLoss(
    .hidden { RelationalLoss.angle(student: $0.student[0], teacher: $0.teacher[0]) }, mean: nil
  ).ofFirstTokens

  /// Edges of the graph of a batch's sequences, of the last layers unless others are given; see `InstanceGraphLoss`.
  static let irg: LayerLoss = {
    var loss = LayerLoss(
      .hidden { InstanceGraphLoss.edges(student: $0.student[0], teacher: $0.teacher[0]) }, mean: nil
    ).ofFirstTokens
    loss.standardLayers = [-1]
    return loss
  }()

  /// Moves of the sequences of a batch between two different layers; see `InstanceGraphLoss`.
  static let irgTransformation: LayerLoss = {
    var loss = LayerLoss(
      .hidden { InstanceGraphLoss.transformation(student: $0.student, teacher: $0.teacher) }, layers: .two,
      mean: nil
    ).ofFirstTokens
    loss.comparesMoves = true
    return loss
  }()
}

/// Relational knowledge distillation (Park and others 2019): how the sequences of a batch lie to each other, seen at their
/// first tokens.
///
/// With h the smooth L1 loss, averaged over all pairs or triples of the batch:
/// - `rkd_distance`: h(‖sᵢ − sⱼ‖ / μ_S − ‖tᵢ − tⱼ‖ / μ_T), μ the mean distance of different sequences;
/// - `rkd_angle`: h(cos ∠ sⱼ sᵢ s_k − cos ∠ tⱼ tᵢ t_k), the angle at the sequence i.
///
/// Neither depends on width or scale, so no projection is needed. The authors weigh distances 25 and angles 50, and a batch
/// needs several sequences.
enum RelationalLoss {
  /// - Parameters:
  ///   - student: The student's states, [sequences, D].
  ///   - teacher: The teacher's, [sequences, D'], constants.
  /// - Returns: The loss of distances, a scalar.
  static func distance(student: Tensor, teacher: Tensor) -> Tensor {
    func distances(_ x: Tensor) -> Tensor? {
      let all = Tensor.concatenate((0..<x.shape[0]).map { differences(x, from: $0).lengths })
      let count = all.values.count { $0 > 0 }
      guard count > 0 else { return nil }
      return all / (all.sum() / Float(count)).reshaped([1, 1])
    }
    guard let own = distances(student), let other = distances(teacher) else { return Tensor(0) }
    return smoothL1(own, other)
  }

  /// - Parameters:
  ///   - student: The student's states, [sequences, D].
  ///   - teacher: The teacher's, [sequences, D'], constants.
  /// - Returns: The loss of angles, a scalar.
  static func angle(student: Tensor, teacher: Tensor) -> Tensor {
    func cosines(_ x: Tensor, at anchor: Int) -> Tensor {
      let directions = differences(x, from: anchor).directions
      return directions.matmul(directions, transposingSecond: true)
    }
    let count = student.shape[0]
    return weightedSum([Float](repeating: 1 / Float(count), count: count)) { anchor in
      smoothL1(cosines(student, at: anchor), cosines(teacher, at: anchor))
    }
  }

  /// Distances and directions of all rows from one of them.
  private static func differences(_ x: Tensor, from anchor: Int) -> UnitRows {
    UnitRows(x - x.rows(anchor..<anchor + 1))
  }

  /// The mean of d²/2 where |d| < 1 and |d| − 1/2 elsewhere, d = a − b.
  private static func smoothL1(_ a: Tensor, _ b: Tensor) -> Tensor {
    let difference = a - b
    let values = difference.values
    func constant(_ value: (Float) -> Float) -> Tensor { Tensor(values.map(value), shape: difference.shape) }
    let curved = difference * difference * constant { abs($0) < 1 ? 0.5 : 0 }
    let straight =
      difference * constant { abs($0) < 1 ? 0 : ($0 > 0 ? 1 : -1) } - constant { abs($0) < 1 ? 0 : 0.5 }
    return (curved + straight).mean()
  }
}

/// The instance-relationship graph of a batch (Liu and others 2019): how far its sequences lie apart at a layer, and how far
/// each moves from one layer to another, seen at their first tokens x.
///
/// Averaged over all pairs, or all sequences, of the batch:
/// - `irg`, the edges of the graph: (A_S − A_T)², Aᵢⱼ = ‖xᵢ − xⱼ‖² / max ‖xₖ − xₗ‖²;
/// - `irg_transformation`: (Λ_S − Λ_T)², Λᵢ = ‖xᵢ − yᵢ‖² / max ‖xₖ − yₖ‖², y the states of a second layer.
///
/// Divided by their largest, as the authors' code does it, the squares depend on neither width nor scale. The third part of
/// the paper, the vertices, is `hidden_mse`.
enum InstanceGraphLoss {
  /// - Parameters:
  ///   - student: The student's states, [sequences, D].
  ///   - teacher: The teacher's, [sequences, D'], constants.
  /// - Returns: The loss of the edges, a scalar; 0 where all sequences of one side are equal.
  static func edges(student: Tensor, teacher: Tensor) -> Tensor {
    distance(student.pairwiseSquaredDistances(), teacher.pairwiseSquaredDistances())
  }

  /// - Parameters:
  ///   - student: The student's states of two layers, [sequences, D] each.
  ///   - teacher: The teacher's, [sequences, D'] each, constants.
  /// - Returns: The loss of the transformation, a scalar; 0 where no sequence of one side moves.
  static func transformation(student: [Tensor], teacher: [Tensor]) -> Tensor {
    func moves(_ pair: [Tensor]) -> Tensor {
      let difference = pair[0] - pair[1]
      return (difference * difference).sum(axis: -1)
    }
    return distance(moves(student), moves(teacher))
  }

  private static func distance(_ student: Tensor, _ teacher: Tensor) -> Tensor {
    guard let own = normalized(student), let other = normalized(teacher) else { return Tensor(0) }
    return own.meanSquaredError(to: other)
  }

  /// The squares divided by the largest of them, through which the gradient flows too; nil when all are 0.
  private static func normalized(_ squares: Tensor) -> Tensor? {
    let values = squares.values
    guard let index = values.indices.max(by: { values[$0] < values[$1] }), values[index] > 0 else {
      return nil
    }
    let column = squares.reshaped([squares.count, 1])
    let largest = column.rows(index..<index + 1)
    return column / largest
  }
}
