import Tensors

/// The loss between the logits of a student and a teacher.
///
/// With τ the temperature and R rows of C classes:
/// - `ce`: −(1/R) Σ softmax(z_T/τ) · log softmax(z_S/τ);
/// - `mse`: (1/RC) Σ ((z_S − z_T)/τ)².
///
/// Both shrink as 1/τ², so each is multiplied by τ² (Hinton et al. 2015), which makes a weight mean the same at every
/// temperature; TextBrewer leaves the factor out, and so does `isCompensated` = false.
public struct KDLoss: Sendable, Equatable {
  /// Which loss.
  public let type: KDLossType
  /// Whether the loss is multiplied by τ².
  public let isCompensated: Bool

  /// A loss of the given type.
  public init(_ type: KDLossType, isCompensated: Bool = true) {
    self.type = type
    self.isCompensated = isCompensated
  }

  /// Computes the loss with one temperature for all rows.
  ///
  /// - Parameters:
  ///   - student: The student's logits, [rows, classes].
  ///   - teacher: The teacher's logits, [rows, classes]; a constant.
  ///   - temperature: τ > 0.
  ///   - context: The pass this is part of.
  /// - Returns: The loss, a scalar.
  public func callAsFunction(
    student: Tensor, teacher: Tensor, temperature: Double, in context: Context
  ) -> Tensor {
    let tau = Float(temperature)
    switch type {
    case .ce:
      let loss = softCrossEntropy(student: student, teacher: teacher, temperature: tau, in: context)
      return isCompensated ? scale(loss, by: tau * tau, in: context) : loss
    case .mse:
      let loss = meanSquaredError(student, teacher.detached, in: context)
      return isCompensated ? loss : scale(loss, by: 1 / (tau * tau), in: context)
    }
  }

  /// Computes the loss with a temperature for each row.
  ///
  /// - Parameters:
  ///   - student: The student's logits, [rows, classes].
  ///   - teacher: The teacher's logits, [rows, classes]; a constant.
  ///   - temperatures: τ > 0 of each row, [rows].
  ///   - context: The pass this is part of.
  /// - Returns: The loss, a scalar.
  public func callAsFunction(
    student: Tensor, teacher: Tensor, temperatures: [Float], in context: Context
  ) -> Tensor {
    precondition(
      temperatures.count == student.shape.rowCount,
      "A loss over \(student.shape.rowCount) rows needs as many temperatures, found \(temperatures.count).")
    let column: Shape = [temperatures.count, 1]
    let inverse = Tensor(temperatures.map { 1 / $0 }, shape: column)
    let softStudent = multiply(student, inverse, in: context)
    let softTeacher = multiply(teacher.detached, inverse, in: .inference)
    let perRow: Tensor
    switch type {
    case .ce:
      let probabilities = softmax(softTeacher, in: .inference)
      let logs = logSoftmax(softStudent, in: context)
      let products = multiply(logs, probabilities, in: context)
      perRow = scale(sum(products, axis: -1, keepsDimension: true, in: context), by: -1, in: context)
    case .mse:
      let difference = subtract(softStudent, softTeacher, in: context)
      let squares = multiply(difference, difference, in: context)
      perRow = mean(squares, axis: -1, keepsDimension: true, in: context)
    }
    guard isCompensated else { return mean(perRow, in: context) }
    let factors = Tensor(temperatures.map { $0 * $0 }, shape: column)
    return mean(multiply(perRow, factors, in: context), in: context)
  }
}
