import CKernels

/// Distances between rows, with their gradients.
package enum Distances {
  /// Values of a pair of rows that backward needs.
  package struct CosinePair: Sendable {
    let cosine: Double
    /// 1 / (‖a‖ ‖b‖), 0 where that has no direction; 1 / ‖a‖² and 1 / ‖b‖².
    let (product, a, b): (Double, Double, Double)

    fileprivate init(_ cosine: Double, product: Double, a: Double, b: Double) {
      self.cosine = cosine
      (self.product, self.a, self.b) = (product, a, b)
    }
  }

  /// Σ over rows of 1 − cos(a, b), and what backward needs of each row.
  package static func cosine(
    _ a: Storage, _ b: Storage, rows: Int, columns: Int
  ) -> (total: Double, pairs: [CosinePair]) {
    let width = Int64(columns)
    var pairs: [CosinePair] = []
    pairs.reserveCapacity(rows)
    var total = 0.0
    for row in 0..<rows {
      let (x, y) = (a.pointer + row * columns, b.pointer + row * columns)
      let (xx, yy) = (ps_sum_squares(x, width), ps_sum_squares(y, width))
      let norms = (xx * yy).squareRoot()
      let product = norms > 1e-8 ? 1 / norms : 0
      let cosine = ps_dot(x, y, width) * product
      total += 1 - cosine
      pairs.append(CosinePair(cosine, product: product, a: xx > 0 ? 1 / xx : 0, b: yy > 0 ? 1 / yy : 0))
    }
    return (total, pairs)
  }

  /// dx += factor d cos / dx of each row, d cos / da = b / (‖a‖ ‖b‖) − cos · a / ‖a‖².
  ///
  /// - Parameter isFirst: Whether x is a and `other` b.
  package static func addCosineGradient(
    _ pairs: [CosinePair], of x: Storage, other: Storage, isFirst: Bool, factor: Double, columns: Int,
    to dx: Storage
  ) {
    let width = Int64(columns)
    RowBlocks.rows(pairs.count, columns: columns, as: .loss) { range in
      for row in range {
        let (start, pair) = (row * columns, pairs[row])
        ps_axpy(Float(factor * pair.product), other.pointer + start, dx.pointer + start, width)
        ps_axpy(
          Float(-factor * pair.cosine * (isFirst ? pair.a : pair.b)), x.pointer + start, dx.pointer + start,
          width)
      }
    }
  }

  /// y[i, j] = ‖xᵢ − xⱼ‖² of all pairs of rows.
  package static func squaresOfPairs(_ x: Storage, rows: Int, columns: Int) -> Storage {
    let y = Storage(uninitialized: rows * rows)
    let width = Int64(columns)
    // A row of memory for each row, so that workers share none.
    let differences = Storage(uninitialized: x.count)
    RowBlocks.rows(rows, columns: rows * columns, as: .loss) { range in
      for i in range {
        let difference = differences.pointer + i * columns
        for j in 0..<rows {
          ps_subtract(x.pointer + i * columns, x.pointer + j * columns, difference, width)
          y.pointer[i * rows + j] = Float(ps_sum_squares(difference, width))
        }
      }
    }
    return y
  }

  /// dxᵢ += 2 Σⱼ (dyᵢⱼ + dyⱼᵢ) (xᵢ − xⱼ).
  package static func addGradientOfPairs(
    _ dy: Storage, _ x: Storage, rows: Int, columns: Int, to dx: Storage
  ) {
    let width = Int64(columns)
    RowBlocks.rows(rows, columns: rows * columns, as: .loss) { range in
      for i in range {
        let target = dx.pointer + i * columns
        for j in 0..<rows where j != i {
          let factor = 2 * (dy.pointer[i * rows + j] + dy.pointer[j * rows + i])
          ps_axpy(factor, x.pointer + i * columns, target, width)
          ps_axpy(-factor, x.pointer + j * columns, target, width)
        }
      }
    }
  }
}

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
