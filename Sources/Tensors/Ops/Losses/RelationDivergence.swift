import CKernels
import Kernels

extension Tensor {
  /// Computes how far a student's relations between the tokens of a sequence are from a teacher's (Wang and others 2020, 2021).
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
    let sequences = Array(zip(starts, starts.dropFirst()).map { Int($0)..<Int($1) })
    let (own, other) = (student.left.shape[1] / heads, teacher.left.shape[1] / heads)
    let longest = sequences.map(\.count).max() ?? 0
    let scratch = Int(ps_relation_scratch(Int64(longest), Int64(other), Int64(own)))

    let gradients = RelationGradients(student)
    let weight = 1 / Float(heads * rows)
    // Each unit's part for itself, so that the sum does not depend on how units are shared out.
    var parts = [Double](repeating: 0, count: sequences.count * heads)
    parts.withUnsafeMutableBufferPointer { parts in
      let costs = sequences.map { $0.count * $0.count * (own + other + 16) }
      SequenceHeads(costs: costs, heads: heads).forEach(scratch: scratch, as: .loss) {
        sequence, head, scratch in
        let range = sequences[sequence]
        let relation = { (pair: (left: Tensor, right: Tensor), dim: Int) in
          let offset = range.lowerBound * dim * heads + head * dim
          return ps_relation(
            a: pair.left.pointer + offset, b: pair.right.pointer + offset, dim: Int64(dim),
            ld: Int64(dim * heads), scale: 1 / Float(dim).squareRoot())
        }
        var (taught, learnt) = (relation(teacher, other), relation(student, own))
        let offset = range.lowerBound * own * heads + head * own
        parts[sequence * heads + head] = ps_relation_divergence(
          Int64(range.count), &taught, &learnt, weight, gradients.left.map { $0.pointer + offset },
          gradients.right.map { $0.pointer + offset }, scratch)
      }
    }
    let loss = parts.reduce(0, +) / Double(heads * rows)
    let result = Tensor.result(Storage([Float(loss)]), [], from: student.left, student.right)
    if let tape = result.tape {
      tape.record(result) { gradients.contribute(scaledBy: $0.pointer[0]) }
    }
    return result
  }
}

/// The gradients of a student's tensors, one buffer where both are the same tensor.
private struct RelationGradients {
  let left: Storage?
  let right: Storage?
  private let slots: [(slot: GradientSlot, gradient: Storage)]

  init(_ student: (left: Tensor, right: Tensor)) {
    let buffer = { (tensor: Tensor) -> Storage? in
      tensor.tape == nil ? nil : Storage.filled(0, count: tensor.count)
    }
    left = buffer(student.left)
    right = student.left.slot === student.right.slot ? left : buffer(student.right)
    var slots: [(GradientSlot, Storage)] = []
    if let left, let slot = student.left.slot { slots.append((slot, left)) }
    if let right, let slot = student.right.slot, right !== left { slots.append((slot, right)) }
    self.slots = slots
  }

  func contribute(scaledBy factor: Float) {
    for (slot, gradient) in slots {
      slot.contribute { target, isFirst in
        RowBlocks.elements(gradient.count, as: .loss) { offset, count in
          if isFirst {
            ps_scale(gradient.pointer + offset, factor, target + offset, count)
          } else {
            ps_axpy(factor, gradient.pointer + offset, target + offset, count)
          }
        }
      }
    }
  }
}
