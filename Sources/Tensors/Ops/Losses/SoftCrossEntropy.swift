import CKernels
import Kernels

/// Computes the mean cross-entropy between the softened distributions of a teacher and a student (Hinton, Vinyals and Dean 2015).
///
/// loss = −(1/R) Σ softmax(z_T/τ) · log softmax(z_S/τ) over the R rows, without the factor τ², which is the caller's
/// choice. Its minimum is the teacher's entropy. dz_S = (softmax(z_S/τ) − softmax(z_T/τ)) / (τ R). The teacher is a
/// constant.
///
/// - Parameters:
///   - student: The student's logits, [rows, classes].
///   - teacher: The teacher's logits, [rows, classes].
///   - temperature: τ > 0.
///   - context: The pass this is part of.
/// - Returns: The loss, a scalar.
public func softCrossEntropy(
  student: Tensor, teacher: Tensor, temperature: Float, in context: Context
) -> Tensor {
  precondition(
    student.shape == teacher.shape,
    "Teacher logits \(teacher.shape) must match the student's \(student.shape).")
  precondition(temperature > 0, "The temperature must be positive, found \(temperature).")
  let (rows, classes) = (student.shape.rowCount, student.shape.lastDimension)
  precondition(rows > 0, "The soft cross-entropy of no rows is undefined.")
  let teacherProbabilities = Storage(uninitialized: rows * classes)
  let studentLogs = Storage(uninitialized: rows * classes)
  let (r, c) = (Int64(rows), Int64(classes))
  ps_softmax(teacher.pointer, teacherProbabilities.pointer, r, c, c, c, 1 / temperature)
  ps_log_softmax(student.pointer, studentLogs.pointer, r, c, 1 / temperature)
  let loss = -ps_dot(teacherProbabilities.pointer, studentLogs.pointer, Int64(rows * classes)) / Double(rows)
  let result = context.result(Storage([Float(loss)]), [], from: [student])
  if let slot = result.slot {
    context.tape?.record(slot) { gradient in
      let dz = Storage(uninitialized: rows * classes)
      let count = Int64(rows * classes)
      ps_exp(studentLogs.pointer, dz.pointer, count)
      ps_subtract(dz.pointer, teacherProbabilities.pointer, dz.pointer, count)
      ps_scale(dz.pointer, gradient.pointer[0] / (temperature * Float(rows)), dz.pointer, count)
      student.slot?.add(dz)
    }
  }
  return result
}
