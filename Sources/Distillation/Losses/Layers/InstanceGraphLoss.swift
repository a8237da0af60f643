import Tensors

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
