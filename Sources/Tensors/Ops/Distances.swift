import Kernels

extension Tensor {
  /// The mean over all elements of (a − b)², a scalar, a being this tensor.
  ///
  /// da = 2 (a − b) / n, db = −da.
  ///
  /// - Parameter b: A tensor of the same shape.
  public func meanSquaredError(to b: Tensor) -> Tensor {
    precondition(
      shape == b.shape, "The mean squared error needs equal shapes, found \(shape) and \(b.shape).")
    precondition(count > 0, "The mean squared error of nothing is undefined.")
    let difference = Storage(uninitialized: count)
    BinaryKernel.subtract.apply(storage, b.storage, into: difference, as: .loss)
    let mean = Reductions.sumOfSquares(difference) / Double(count)
    let result = Tensor.result(Storage(Float(mean)), [], from: self, b)
    if let tape = result.tape {
      tape.record(result) { dy in
        let factor = 2 * dy[0] / Float(count)
        for (input, sign) in [(self, Float(1)), (b, Float(-1))] {
          input.slot?.contribute { target, adding in
            Elementwise.scale(difference, by: sign * factor, into: target, adding: adding, as: .loss)
          }
        }
      }
    }
    return result
  }

  /// The mean over rows of 1 − cos(a, b), a scalar from 0 to 2, a being these rows [..., features].
  ///
  /// A pair with ‖a‖ ‖b‖ ≤ 1e-8 has no direction: it costs 1 and gets no gradient (PyTorch divides by 1e-8 there, whose
  /// derivative would swamp the rest of the batch). d cos / da = b / (‖a‖ ‖b‖) − cos · a / ‖a‖², and for b likewise.
  ///
  /// - Parameter b: Rows of the same shape.
  public func cosineDistance(to b: Tensor) -> Tensor {
    precondition(shape == b.shape, "The cosine distance needs equal shapes, found \(shape) and \(b.shape).")
    let (rows, columns) = (shape.rowCount, shape.lastDimension)
    precondition(rows > 0, "The cosine distance of no rows is undefined.")
    let (total, pairs) = Distances.cosine(storage, b.storage, rows: rows, columns: columns)
    let result = Tensor.result(Storage(Float(total / Double(rows))), [], from: self, b)
    if let tape = result.tape {
      tape.record(result) { dy in
        let factor = -Double(dy[0]) / Double(rows)
        for (own, other, isFirst) in [(self, b, true), (b, self, false)] {
          own.slot?.accumulate { target in
            Distances.addCosineGradient(
              pairs, of: own.storage, other: other.storage, isFirst: isFirst, factor: factor,
              columns: columns,
              to: target)
          }
        }
      }
    }
    return result
  }

  /// The squares ‖xᵢ − xⱼ‖² of all pairs of these rows x, [rows, features] to [rows, rows].
  ///
  /// dxᵢ = 2 Σⱼ (dyᵢⱼ + dyⱼᵢ) (xᵢ − xⱼ).
  public func pairwiseSquaredDistances() -> Tensor {
    precondition(shape.rank == 2, "Distances need a matrix, found \(shape).")
    let (rows, columns) = (shape[0], shape[1])
    let y = Distances.squaresOfPairs(storage, rows: rows, columns: columns)
    let result = Tensor.result(y, [rows, rows], from: self)
    if let tape = result.tape {
      tape.record(result) { dy in
        slot?.accumulate { Distances.addGradientOfPairs(dy, storage, rows: rows, columns: columns, to: $0) }
      }
    }
    return result
  }

  /// The divergence of a student's relations between the tokens of a sequence from a teacher's (Wang and others 2020, 2021).
  ///
  /// With the columns of each tensor split into R heads of d columns, a relation is softmax(A Bᵀ / √d) within a sequence,
  /// row by row: A and B are queries and keys, or twice the values, and so on. The loss is
  /// Σ KL(teacher's row ‖ student's row) / (R T) over sequences, heads and rows, T the rows in all. With P the relations,
  /// dS = (P_S − P_T) / (R T √d), dA = dS B, dB = dSᵀ A; the gradient is computed beside the loss, while the maps are in
  /// cache, and no map is kept.
  ///
  /// - Parameters:
  ///   - student: A and B, [rows, width] each; one tensor may be both.
  ///   - teacher: The teacher's, [rows, another width]; constants.
  ///   - heads: R; divides both widths.
  ///   - starts: Prefix sums of the sequences' rows, [sequences + 1].
  /// - Returns: The loss, a scalar.
  public static func relationDivergence(
    student: (left: Tensor, right: Tensor), teacher: (left: Tensor, right: Tensor), heads: Int,
    starts: [Int32]
  ) -> Tensor {
    let rows = Int(starts.last ?? 0)
    precondition(rows > 0, "The divergence of no relations is undefined.")
    for (left, right) in [student, teacher] {
      precondition(
        left.shape == right.shape && left.shape.rank == 2 && left.shape[0] == rows,
        "Relations need two tensors of \(rows) rows and one width, found \(left.shape) and \(right.shape).")
      precondition(
        heads > 0 && left.shape[1] % heads == 0, "\(heads) heads must divide \(left.shape[1]) columns.")
    }
    // One buffer where both are the same tensor.
    let buffer = { (tensor: Tensor) in tensor.tape == nil ? nil : Storage.filled(0, count: tensor.count) }
    let isOne = student.left.slot === student.right.slot
    let left = buffer(student.left)
    let right = isOne ? left : buffer(student.right)
    let loss = RelationKernel(heads: heads, starts: starts).divergence(
      student: (student.left.storage, student.right.storage),
      teacher: (teacher.left.storage, teacher.right.storage), gradients: (left, right))
    let result = Tensor.result(Storage(Float(loss)), [], from: student.left, student.right)
    if let tape = result.tape {
      tape.record(result) { dy in
        for (slot, gradient) in [(student.left.slot, left), (isOne ? nil : student.right.slot, right)] {
          guard let slot, let gradient else { continue }
          slot.contribute { Elementwise.scale(gradient, by: dy[0], into: $0, adding: $1, as: .loss) }
        }
      }
    }
    return result
  }
}
