import Encoders
import Tensors

/// Relation between two kinds of vectors of one layer's self-attention, under a name for its weight.
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
package struct Relation: Sendable {
  /// Name in `LayerLoss.relations`.
  let name: String
  /// Rows of the relation.
  let left: @Sendable (SelfAttentionVectors) -> Tensor
  /// Columns of the relation.
  let right: @Sendable (SelfAttentionVectors) -> Tensor

  /// Relation of some vectors with themselves.
  static func among(_ name: String, _ vectors: @escaping @Sendable (SelfAttentionVectors) -> Tensor)
    -> Relation
  {
    Relation(name: name, left: vectors, right: vectors)
  }
}

extension LayerLoss {
  /// Attention distributions and relations of values; see `Relation`.
  static let minilm: LayerLoss = {
    var loss = LayerLoss(
      .selfAttention([
        Relation(name: "attention", left: { $0.queries }, right: { $0.keys }), .among("values") { $0.values },
      ]), mean: .tokens)
    loss.lossForUnequalHeads = .minilmv2
    loss.standardLayers = [-1]
    return loss
  }()

  /// Relations of queries, of keys and of values; see `Relation`.
  static let minilmv2: LayerLoss = {
    var loss = LayerLoss(
      .selfAttention([
        .among("queries") { $0.queries }, .among("keys") { $0.keys }, .among("values") { $0.values },
      ]), mean: .tokens)
    loss.splitsHeads = true
    loss.standardLayers = [-1]
    return loss
  }()

  /// Loss of self-attention, a scalar.
  ///
  /// - Parameters:
  ///   - student: The student's vectors.
  ///   - teacher: The teacher's over the same tokens; constants.
  ///   - heads: The heads on either side.
  ///   - weights: The factor of each of `relations`; nil takes 1 for each.
  ///   - starts: Prefix sums of the sequences' tokens, [sequences + 1].
  package func ofSelfAttention(
    student: SelfAttentionVectors, teacher: SelfAttentionVectors, heads: Int, weights: [Double]? = nil,
    starts: [Int32]
  ) -> Tensor {
    guard case .selfAttention(let relations) = formula else {
      preconditionFailure("A loss of \(feature.rawValue) does not compare self-attention.")
    }
    var total: Tensor?
    for (relation, factor) in zip(relations, weights ?? relations.map { _ in 1 }) where factor > 0 {
      let divergence = Tensor.relationDivergence(
        student: (relation.left(student), relation.right(student)),
        teacher: (relation.left(teacher), relation.right(teacher)), heads: heads, starts: starts)
      let term = factor == 1 ? divergence : divergence * Float(factor)
      total = total.map { $0 + term } ?? term
    }
    return total ?? Tensor(0)
  }
}
