import CKernels

/// Packed multi-head attention: its geometry, and how its (sequence, head) units are shared among workers.
///
/// For each unit S = Q Kᵀ / √d, P = softmax(S), O = dropout(P) V. Up to `shortKeys` keys a kernel in C takes a unit whole
/// (`ps_attention_forward`, `ps_attention_backward`); longer units are BLAS products around a softmax. `AttentionPasses`
/// holds both, `FewRowsAttention` the pass of few rows with its linear layers.
package struct AttentionKernel: Sendable {
  package let heads: Int
  package let features: Int
  package let keyStarts: [Int32]
  package let queryStarts: [Int32]
  let mask: DropoutMask
  /// Starts of each sequence's maps, [sequences + 1].
  let mapStarts: [Int]

  /// One head of one sequence.
  struct Unit {
    let queryRow: Int
    let keyRow: Int
    let queries: Int
    let keys: Int
    /// The first column of the head.
    let column: Int
    /// The start of its map.
    let map: Int
    /// The dropout counter of its map's first element, which the sequence's row of the global batch and the head decide.
    let counter: UInt64

    /// Whether the kernel for short sequences is faster than BLAS calls.
    var isShort: Bool { keys <= AttentionKernel.shortKeys }
  }

  /// Up to this many keys the products of one head are too small for BLAS (measured with heads of 32 and 64).
  private static let shortKeys = 128

  /// The kernel of packed sequences.
  ///
  /// - Parameters:
  ///   - keyStarts: Prefix sums of the keys of each sequence, [sequences + 1].
  ///   - queryStarts: Prefix sums of its queries, likewise.
  package init(heads: Int, features: Int, keyStarts: [Int32], queryStarts: [Int32], mask: DropoutMask) {
    precondition(heads > 0 && features % heads == 0, "\(heads) heads must divide \(features) features.")
    precondition(
      keyStarts.count == queryStarts.count && !keyStarts.isEmpty,
      "Attention needs as many query starts as key starts.")
    (self.heads, self.features, self.keyStarts, self.queryStarts, self.mask) =
      (heads, features, keyStarts, queryStarts, mask)
    var starts = [0]
    for index in 0..<keyStarts.count - 1 {
      let keys = Int(keyStarts[index + 1] - keyStarts[index])
      let queries = Int(queryStarts[index + 1] - queryStarts[index])
      precondition(keys > 0 && queries >= 0, "Sequence \(index) has \(keys) keys and \(queries) queries.")
      starts.append(starts[index] + heads * keys * queries)
    }
    mapStarts = starts
  }

  var headSize: Int { features / heads }
  var scale: Float { 1 / Float(headSize).squareRoot() }
  var sequenceCount: Int { keyStarts.count - 1 }
  /// The values of all maps.
  package var mapCount: Int { mapStarts[sequenceCount] }

  func unit(_ sequence: Int, _ head: Int) -> Unit {
    let queries = Int(queryStarts[sequence + 1] - queryStarts[sequence])
    let keys = Int(keyStarts[sequence + 1] - keyStarts[sequence])
    return Unit(
      queryRow: Int(queryStarts[sequence]), keyRow: Int(keyStarts[sequence]), queries: queries, keys: keys,
      column: head * headSize, map: mapStarts[sequence] + head * queries * keys,
      counter: mask.counter(ofSequence: sequence) &+ UInt64(head * queries * keys))
  }

  /// The shape of a unit for the kernel of short sequences; its rows are `stride` values apart (nil: all features).
  func kernelShape(of unit: Unit, stride: Int? = nil) -> ps_attention {
    let stride = Int64(stride ?? features)
    return ps_attention(
      queries: Int64(unit.queries), keys: Int64(unit.keys), head_dim: Int64(headSize), ldq: stride,
      ldk: stride, ldv: stride, ldo: stride, scale: scale, probability: mask.probability, seed: mask.seed,
      stream: mask.stream, first: unit.counter)
  }

  /// The largest map of one head, in values.
  var largestMap: Int {
    (0..<sequenceCount).reduce(0) { max($0, (mapStarts[$1 + 1] - mapStarts[$1]) / heads) }
  }

  /// Runs `body` for every unit with the worker's scratch memory; workers get contiguous ranges of about equal cost.
  func forEachUnit(_ body: (Unit, UnsafeMutablePointer<Float>) -> Void) {
    let scratch = max(3 * largestMap, Int(ps_attention_scratch(Int64(Self.shortKeys), Int64(headSize))))
    let costs = (0..<sequenceCount).map { (sequence: Int) -> Int in
      let one = unit(sequence, 0)
      return one.queries * one.keys * headSize + 64 * (one.queries + one.keys)
    }
    SequenceHeads(costs: costs, heads: heads).forEach(scratch: scratch, as: .attention) {
      sequence, head, scratch in
      body(unit(sequence, head), scratch)
    }
  }
}
