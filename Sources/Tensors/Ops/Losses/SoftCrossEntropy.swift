import CKernels
import Kernels

extension Tensor {
  /// Computes the mean cross-entropy between the softened distributions of a teacher and a student (Hinton, Vinyals and Dean 2015).
  ///
  /// loss = −(1/R) Σ softmax(z_T/τ) · log softmax(z_S/τ) over the R rows, without the factor τ², which is the caller's
  /// choice. Its minimum is the teacher's entropy. dz_S = (softmax(z_S/τ) − softmax(z_T/τ)) / (τ R). The teacher is a
  /// constant.
  ///
  /// - Parameters:
  ///   - teacher: The teacher's logits, [rows, classes].
  ///   - temperature: τ > 0.
  /// - Returns: The loss, a scalar.
  public func softCrossEntropy(teacher: Tensor, temperature: Float) -> Tensor {
    let student = self
    precondition(
      student.shape == teacher.shape,
      "Teacher logits \(teacher.shape) must match the student's \(student.shape).")
    precondition(temperature > 0, "The temperature must be positive, found \(temperature).")
    let (rows, classes) = (student.shape.rowCount, student.shape.lastDimension)
    precondition(rows > 0, "The soft cross-entropy of no rows is undefined.")
    let teacherProbabilities = Storage(uninitialized: rows * classes)
    let studentLogs = Storage(uninitialized: rows * classes)
    // Each row's part for itself, so that the sum does not depend on how rows are shared out.
    var products = [Double](repeating: 0, count: rows)
    products.withUnsafeMutableBufferPointer { products in
      RowBlocks.rows(rows, columns: classes, as: .loss) { range in
        let (start, r, c) = (range.lowerBound * classes, Int64(range.count), Int64(classes))
        ps_softmax(teacher.pointer + start, teacherProbabilities.pointer + start, r, c, c, c, 1 / temperature)
        ps_log_softmax(student.pointer + start, studentLogs.pointer + start, r, c, 1 / temperature)
        for row in range {
          products[row] = ps_dot(
            teacherProbabilities.pointer + row * classes, studentLogs.pointer + row * classes, c)
        }
      }
    }
    let loss = -products.reduce(0, +) / Double(rows)
    let result = Tensor.result(Storage([Float(loss)]), [], from: student)
    if let tape = result.tape {
      tape.record(result) { gradient in
        let dz = Storage(uninitialized: rows * classes)
        let factor = gradient.pointer[0] / (temperature * Float(rows))
        RowBlocks.elements(rows * classes, as: .loss) { offset, count in
          let part = dz.pointer + offset
          ps_exp(studentLogs.pointer + offset, part, count)
          ps_subtract(part, teacherProbabilities.pointer + offset, part, count)
          ps_scale(part, factor, part, count)
        }
        student.slot?.add(dz)
      }
    }
    return result
  }
}
