import CKernels
import Kernels

extension Tensor {
  /// Computes the mean cross-entropy between a teacher's and a student's softened distributions over the rows of each sequence.
  ///
  /// loss = −(1/B) Σ softmax(z_T/τ) · log softmax(z_S/τ) over the B sequences that have rows, without the factor τ²: what
  /// `softCrossEntropy` computes for the start or end scores of question answering, which TextBrewer gives it as [B, L].
  /// dz_S = (softmax(z_S/τ) − softmax(z_T/τ)) / (τ B). The teacher is a constant.
  ///
  /// - Parameters:
  ///   - teacher: The teacher's scores, [rows].
  ///   - starts: Where each sequence begins, and the number of rows, [sequences + 1].
  ///   - temperature: τ > 0.
  /// - Returns: The loss, a scalar.
  public func softPositionCrossEntropy(teacher: Tensor, starts: [Int32], temperature: Float) -> Tensor {
    let student = self
    precondition(
      student.shape == teacher.shape,
      "Teacher scores \(teacher.shape) must match the student's \(student.shape).")
    precondition(temperature > 0, "The temperature must be positive, found \(temperature).")
    let sequences = sequenceRows(starts, of: student).filter { !$0.isEmpty }
    precondition(!sequences.isEmpty, "The soft cross-entropy of no positions is undefined.")
    let count = student.count
    let teacherProbabilities = Storage(uninitialized: count)
    let studentLogs = Storage(uninitialized: count)
    RowBlocks.rows(sequences.count, columns: count / sequences.count, as: .loss) { range in
      for rows in sequences[range] {
        let (start, n) = (rows.lowerBound, Int64(rows.count))
        ps_softmax(teacher.pointer + start, teacherProbabilities.pointer + start, 1, n, n, n, 1 / temperature)
        ps_log_softmax(student.pointer + start, studentLogs.pointer + start, 1, n, 1 / temperature)
      }
    }
    let total = -ps_dot(teacherProbabilities.pointer, studentLogs.pointer, Int64(count))
    let result = Tensor.result(Storage([Float(total / Double(sequences.count))]), [], from: student)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let dz = Storage(uninitialized: count)
        ps_exp(studentLogs.pointer, dz.pointer, Int64(count))
        ps_subtract(dz.pointer, teacherProbabilities.pointer, dz.pointer, Int64(count))
        ps_scale(
          dz.pointer, gradient.pointer[0] / (temperature * Float(sequences.count)), dz.pointer, Int64(count))
        student.slot?.add(dz)
      }
    }
    return result
  }
}
