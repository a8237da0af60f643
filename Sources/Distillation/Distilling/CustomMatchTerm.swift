import Encoders
import Tensors

/// One custom match's part of a distiller's loss: finds the two values, projects, compares.
struct CustomMatchTerm {
  let match: ResolvedCustomMatch
  let projection: Projection?
  /// Prefix sums of the batch's tokens, [B + 1].
  let starts: [Int32]

  /// The unweighted loss.
  func loss(student: AdaptorResult, teacher: AdaptorResult, in context: Context) throws -> Tensor {
    var own = try value(match.student.name, of: student, side: "student")
    let other = try value(match.teacher.name, of: teacher, side: "teacher")
    if let projection { own = projection(own, in: context) }
    let needsEqualSizes = match.match.loss.type?.needsEqualSizes ?? false
    guard needsEqualSizes ? own.shape == other.shape : own.shape[0] == other.shape[0] else {
      throw DistillationError.adaptor(
        side: "student", field: "intermediates",
        message:
          "\(match.match.logName) compares \(own.shape) of the student with \(other.shape) of the teacher")
    }
    let rows = Int32(own.shape[0])
    guard rows > 0 else { return Tensor(0) }
    // What is no row of a token stands alone, as a sequence of one row.
    let boundaries = match.student.rows != .sequences && rows == starts.last ? starts : Array(0...rows)
    let loss = try match.match.loss.function(own, other, boundaries, context)
    guard loss.count == 1 else {
      throw DistillationError.adaptor(
        side: "student", field: "intermediates",
        message: "the loss \(match.match.loss.name) gave shape \(loss.shape), expected a scalar")
    }
    return loss
  }

  private func value(
    _ name: String, of result: AdaptorResult, side: String
  ) throws(DistillationError) -> Tensor {
    if let value = result.intermediates[name] { return value }
    throw .adaptor(
      side: side, field: "intermediates", message: "has no \(name), which \(match.match.logName) needs")
  }
}
