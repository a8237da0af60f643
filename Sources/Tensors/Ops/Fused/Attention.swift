import CKernels
import Kernels

/// The attention maps of a batch: for each sequence, each head and each query, one value per key of that sequence.
public struct AttentionMaps {
  /// All maps in one run: sequence after sequence, head after head, row-major [queries, keys].
  public let values: Tensor
  /// The number of heads.
  public let heads: Int
  /// Prefix sums of the queries of each sequence, [sequences + 1].
  public let queryStarts: [Int32]
  /// Prefix sums of the keys of each sequence, [sequences + 1].
  public let keyStarts: [Int32]

  package init(values: Tensor, heads: Int, queryStarts: [Int32], keyStarts: [Int32]) {
    self.values = values
    self.heads = heads
    self.queryStarts = queryStarts
    self.keyStarts = keyStarts
  }
}

/// What multi-head attention returns.
public struct AttentionResult {
  /// The weighted values of every query, [queries, features].
  public let output: Tensor
  /// The scaled scores before the softmax, if they were asked for.
  public let scores: AttentionMaps?
  /// The probabilities before dropout, if they were asked for.
  public let probabilities: AttentionMaps?
}

extension Tensor {
  /// Computes multi-head scaled dot-product attention over packed sequences (Vaswani and others 2017).
  ///
  /// For each sequence and head: S = Q Kᵀ / √d, P = softmax(S) over that sequence's keys, output = dropout(P) V. There
  /// is no padding and so no mask. P is kept for the caller only: backward computes it again from Q and K, as
  /// FlashAttention does (Dao and others 2022), since memory for it grows with the square of the lengths.
  ///
  /// - Parameters:
  ///   - query: The queries, [queries, features]; heads are adjacent blocks of features / heads columns.
  ///   - key: The keys, [tokens, features].
  ///   - value: The values, [tokens, features].
  ///   - heads: The number of heads; divides features.
  ///   - starts: Prefix sums of the sequences' tokens, [sequences + 1].
  ///   - queryStarts: Prefix sums of the sequences' queries where they differ from `starts` (a classifier's last layer
  ///     asks for the first row of each sequence only).
  ///   - dropout: The probability of dropping an attention probability, 0 ..< 1; only in training.
  ///   - capturingScores: Whether to return the scores.
  ///   - capturingProbabilities: Whether to return the probabilities.
  public static func attention(
    query: Tensor, key: Tensor, value: Tensor, heads: Int, starts: [Int32], queryStarts: [Int32]? = nil,
    dropout: Float = 0, capturingScores: Bool = false, capturingProbabilities: Bool = false,
    in context: Context
  ) -> AttentionResult {
    let plan = AttentionPlan(
      heads: heads, features: query.shape.lastDimension, keyStarts: starts,
      queryStarts: queryStarts ?? starts,
      mask: context.nextDropout(dropout))
    plan.check(query: query, key: key, value: value)

    let output = Storage(uninitialized: query.count)
    let probabilities = capturingProbabilities ? Storage(uninitialized: plan.mapCount) : nil
    let scores = capturingScores ? Storage(uninitialized: plan.mapCount) : nil
    AttentionForward(
      plan: plan, query: query.pointer, key: key.pointer, value: value.pointer, output: output.pointer,
      probabilities: probabilities?.pointer, scores: scores?.pointer
    ).run()

    let result = Tensor.result(output, query.shape, from: query, key, value)
    let maps = { (storage: Storage) in
      AttentionMaps(
        values: Tensor.result(storage, [plan.mapCount], from: query, key), heads: heads,
        queryStarts: plan.queryStarts, keyStarts: plan.keyStarts)
    }
    let capturedScores = scores.map(maps)
    let capturedProbabilities = probabilities.map(maps)
    if let tape = result.tape, let slot = result.slot {
      // Slots for what was not captured keep the three gradients at fixed places.
      let unused = GradientSlot(count: 0)
      tape.record(
        outputs: [slot, capturedProbabilities?.values.slot ?? unused, capturedScores?.values.slot ?? unused]
      ) { gradients in
        AttentionBackward(
          plan: plan, query: query, key: key, value: value, probabilities: probabilities?.pointer,
          outputGradient: gradients[0], probabilityGradient: gradients[1], scoreGradient: gradients[2]
        ).run()
      }
    }
    return AttentionResult(output: result, scores: capturedScores, probabilities: capturedProbabilities)
  }
}

/// The geometry of one attention call and how its (sequence, head) units are shared among workers.
struct AttentionPlan {
  let heads: Int
  let features: Int
  let keyStarts: [Int32]
  let queryStarts: [Int32]
  let mask: Dropout
  /// Where each sequence's maps begin, [sequences + 1].
  let mapStarts: [Int]

  /// One head of one sequence.
  struct Unit {
    let queryRow: Int
    let keyRow: Int
    let queries: Int
    let keys: Int
    /// The first column of the head.
    let column: Int
    /// Where its map begins.
    let map: Int
    /// The dropout counter of its map's first element, which the sequence's row of the global batch and the head decide.
    let counter: UInt64

    /// Whether the kernel for short sequences is faster than BLAS calls.
    var isShort: Bool { keys <= AttentionPlan.shortKeys }
  }

  /// Up to this many keys the products of one head are too small for BLAS (measured with heads of 32 and 64).
  private static let shortKeys = 128

  init(heads: Int, features: Int, keyStarts: [Int32], queryStarts: [Int32], mask: Dropout) {
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
  var mapCount: Int { mapStarts[sequenceCount] }

  func unit(_ sequence: Int, _ head: Int) -> Unit {
    let queries = Int(queryStarts[sequence + 1] - queryStarts[sequence])
    let keys = Int(keyStarts[sequence + 1] - keyStarts[sequence])
    return Unit(
      queryRow: Int(queryStarts[sequence]), keyRow: Int(keyStarts[sequence]), queries: queries, keys: keys,
      column: head * headSize, map: mapStarts[sequence] + head * queries * keys,
      counter: mask.counter(ofSequence: sequence) &+ UInt64(head * queries * keys))
  }

  /// What the kernel for short sequences needs to know of a unit whose rows are so many values apart (nil: all features).
  func kernelShape(of unit: Unit, stride: Int? = nil) -> ps_attention {
    let stride = Int64(stride ?? features)
    return ps_attention(
      queries: Int64(unit.queries), keys: Int64(unit.keys), head_dim: Int64(headSize), ldq: stride,
      ldk: stride,
      ldv: stride, ldo: stride, scale: scale, probability: mask.probability, seed: mask.seed,
      stream: mask.stream,
      first: unit.counter)
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

  func check(query: Tensor, key: Tensor, value: Tensor) {
    let tokens = Int(keyStarts[sequenceCount])
    precondition(
      query.shape.rowCount == Int(queryStarts[sequenceCount]),
      "Attention found \(query.shape.rowCount) queries, the starts say \(queryStarts[sequenceCount]).")
    precondition(
      key.shape.rowCount == tokens && value.shape.rowCount == tokens,
      "Attention needs \(tokens) keys and values.")
    precondition(
      key.shape.lastDimension == features && value.shape.lastDimension == features,
      "Queries, keys and values must have as many features.")
  }
}
