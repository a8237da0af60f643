import CKernels

/// Relations between the tokens of packed sequences, head by head: softmax(A Bᵀ / √d) within a sequence.
package struct RelationKernel {
  /// A and B of one side, [rows, width].
  package typealias Pair = (left: Storage, right: Storage)

  private let heads: Int
  private let sequences: [Range<Int>]
  private let rows: Int

  /// A kernel for sequences of these rows.
  package init(heads: Int, starts: [Int32]) {
    self.heads = heads
    sequences = zip(starts, starts.dropFirst()).map { Int($0)..<Int($1) }
    rows = Int(starts.last ?? 0)
  }

  /// Σ KL(teacher's row ‖ student's row) / (heads · rows); its gradient is added to the student's, where wanted.
  package func divergence(
    student: Pair, teacher: Pair, gradients: (left: Storage?, right: Storage?)
  ) -> Double {
    let (own, other) = (student.left.count / rows / heads, teacher.left.count / rows / heads)
    let longest = sequences.map(\.count).max() ?? 0
    let scratch = Int(ps_relation_scratch(Int64(longest), Int64(other), Int64(own)))
    let weight = 1 / Float(heads * rows)
    // Each unit's part for itself, so that the sum does not depend on how units are shared out.
    var parts = [Double](repeating: 0, count: sequences.count * heads)
    parts.withUnsafeMutableBufferPointer { parts in
      let costs = sequences.map { $0.count * $0.count * (own + other + 16) }
      SequenceHeads(costs: costs, heads: heads).forEach(scratch: scratch, as: .loss) {
        sequence, head, scratch in
        let range = sequences[sequence]
        let relation = { (pair: Pair, dim: Int) in
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
    return parts.reduce(0, +) / Double(heads * rows)
  }
}
