import Encoders
import Tensors

/// The losses between the self-attention of one layer of a student S and of a teacher T, over packed sequences.
///
/// With KL(T ‖ S) averaged over heads and over all tokens as rows, and the relation of A and B the row-wise
/// softmax(A Bᵀ / √d) of each sequence and head of d features:
/// - `minilm` (Wang and others 2020): KL of the attention distributions, the relation of queries and keys, plus KL of the
///   relations of values with values, both over the models' own heads, so that they must have as many;
/// - `minilmv2` (Wang and others 2021): KL of the relations of queries with queries, keys with keys and values with values,
///   after the heads of each side have been joined and split again into as many relation heads on either side.
///
/// The authors sum the relations with weight 1 each. They train on sequences of one length, for which the mean over tokens
/// is their mean over sequences.
package enum SelfAttentionLoss {
  /// Computes one loss of self-attention.
  ///
  /// - Parameters:
  ///   - type: `minilm` or `minilmv2`.
  ///   - student: The student's vectors.
  ///   - teacher: The teacher's over the same tokens; constants.
  ///   - heads: The heads on either side.
  ///   - weights: The factor of each of `type.relations`; nil takes 1 for each.
  ///   - starts: Prefix sums of the sequences' tokens, [sequences + 1].
  /// - Returns: The loss, a scalar.
  package static func compute(
    _ type: MatchLossType, student: SelfAttentionVectors, teacher: SelfAttentionVectors, heads: Int,
    weights: [Double]? = nil, starts: [Int32]
  ) -> Tensor {
    precondition(type.feature == .selfAttention, "\(type.rawValue) does not compare self-attention.")
    let relations = { (vectors: SelfAttentionVectors) -> [(left: Tensor, right: Tensor)] in
      let values = (vectors.values, vectors.values)
      return type == .minilm
        ? [(vectors.queries, vectors.keys), values]
        : [(vectors.queries, vectors.queries), (vectors.keys, vectors.keys), values]
    }
    let (own, other) = (relations(student), relations(teacher))
    let factors = weights ?? own.map { _ in 1 }
    var total: Tensor?
    for (index, factor) in factors.enumerated() where factor > 0 {
      let divergence = Tensor.relationDivergence(
        student: own[index], teacher: other[index], heads: heads, starts: starts)
      let term = factor == 1 ? divergence : divergence * Float(factor)
      total = total.map { $0 + term } ?? term
    }
    return total ?? Tensor(0)
  }
}
