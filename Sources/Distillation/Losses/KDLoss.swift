import Tensors

/// The loss between the logits of a student and a teacher.
///
/// With τ the temperature and R rows of C classes:
/// - `ce`: −(1/R) Σ softmax(z_T/τ) · log softmax(z_S/τ);
/// - `mse`: (1/RC) Σ ((z_S − z_T)/τ)².
///
/// Start or end scores of question answering are one row a sequence, over its tokens. Where labels hold side by side, `ce` is
/// the mean binary cross-entropy between σ(z_T/τ) and σ(z_S/τ), the recipe of TextBrewer's maintainer (issue 50); where
/// outputs are numbers, both are `mse`.
///
/// All shrink as 1/τ², so each is multiplied by τ² (Hinton et al. 2015), which makes a weight mean the same at every
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
  ///   - student: The student's logits, [rows, classes] or as `kind` says.
  ///   - teacher: The teacher's logits, the same shape; a constant.
  ///   - kind: What the logits mean.
  ///   - temperature: τ > 0.
  ///   - context: The pass this is part of.
  /// - Returns: The loss, a scalar.
  public func callAsFunction(
    student: Tensor, teacher: Tensor, kind: LogitsKind = .classes, temperature: Double, in context: Context
  ) -> Tensor {
    let tau = Float(temperature)
    if type == .mse || kind == .values {
      let loss = meanSquaredError(student, teacher.detached, in: context)
      return isCompensated ? loss : scale(loss, by: 1 / (tau * tau), in: context)
    }
    let loss: Tensor
    switch kind {
    case .classes, .values:
      loss = softCrossEntropy(student: student, teacher: teacher, temperature: tau, in: context)
    case .positions(let starts):
      loss = softPositionCrossEntropy(
        student: student, teacher: teacher, starts: starts, temperature: tau, in: context)
    case .independentLabels:
      let targets = activate(
        scale(teacher.detached, by: 1 / tau, in: .inference), .sigmoid, in: .inference)
      loss = binaryCrossEntropy(scale(student, by: 1 / tau, in: context), targets: targets, in: context)
    }
    return isCompensated ? scale(loss, by: tau * tau, in: context) : loss
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
