import Kernels

/// Result of multi-head attention.
public struct AttentionResult: Sendable {
  /// The weighted values of every query, [queries, features].
  public let output: Tensor
  /// The scaled scores before the softmax, if they were asked for.
  public let scores: AttentionMaps?
  /// The probabilities before dropout, if they were asked for.
  public let probabilities: AttentionMaps?
}

extension Tensor {
  /// Multi-head scaled dot-product attention over packed sequences (Vaswani and others 2017).
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
  ///   - context: The pass that dropout draws its bits for.
  public static func attention(
    query: Tensor, key: Tensor, value: Tensor, heads: Int, starts: [Int32], queryStarts: [Int32]? = nil,
    dropout: Float = 0, capturingScores: Bool = false, capturingProbabilities: Bool = false,
    in context: Context
  ) -> AttentionResult {
    let kernel = AttentionKernel(
      heads: heads, features: query.shape.lastDimension, keyStarts: starts,
      queryStarts: queryStarts ?? starts,
      mask: context.nextDropout(dropout))
    kernel.check(query: query, key: key, value: value)
    let output = Storage(uninitialized: query.count)
    let probabilities = capturingProbabilities ? Storage(uninitialized: kernel.mapCount) : nil
    let scores = capturingScores ? Storage(uninitialized: kernel.mapCount) : nil
    kernel.forward(
      query: query.storage, key: key.storage, value: value.storage, into: output, scores: scores,
      probabilities: probabilities)

    let result = Tensor.result(output, query.shape, from: query, key, value)
    let maps = { (storage: Storage) in
      AttentionMaps(
        values: Tensor.result(storage, [kernel.mapCount], from: query, key), heads: heads,
        queryStarts: kernel.queryStarts, keyStarts: kernel.keyStarts)
    }
    let capturedScores = scores.map(maps)
    let capturedProbabilities = probabilities.map(maps)
    if let tape = result.tape, let slot = result.slot {
      // Slots for what was not captured keep the three gradients at fixed places.
      let unused = GradientSlot(count: 0)
      tape.record(
        outputs: [slot, capturedProbabilities?.values.slot ?? unused, capturedScores?.values.slot ?? unused]
      ) { gradients in
        let upstream = AttentionKernel.Upstream(
          output: gradients[0], scores: gradients[2], probabilities: gradients[1])
        GradientSlot.contribute(to: [query.slot, key.slot, value.slot]) { targets in
          kernel.backward(
            query: query.storage, key: key.storage, value: value.storage, probabilities: probabilities,
            upstream: upstream, targets: targets)
        }
      }
    }
    return AttentionResult(output: result, scores: capturedScores, probabilities: capturedProbabilities)
  }
}

extension AttentionKernel {
  /// Ends the program with a sentence when tensors do not have the kernel's rows and features.
  fileprivate func check(query: Tensor, key: Tensor, value: Tensor) {
    let tokens = Int(keyStarts.last ?? 0)
    precondition(
      query.shape.rowCount == Int(queryStarts.last ?? 0),
      "Attention found \(query.shape.rowCount) queries, the starts say \(queryStarts.last ?? 0).")
    precondition(
      key.shape.rowCount == tokens && value.shape.rowCount == tokens,
      "Attention needs \(tokens) keys and values.")
    precondition(
      key.shape.lastDimension == features && value.shape.lastDimension == features,
      "Queries, keys and values must have as many features.")
  }
}

extension Tensor {
  /// The self-attention of few rows with its four linear layers, in inference: attention(x) Wₒᵀ + bₒ.
  ///
  /// A worker takes its heads from x to their part of the result, so that queries, keys, values and mixed values never leave
  /// its cache and the workers meet once.
  ///
  /// - Parameters:
  ///   - wanted: The rows whose results are wanted, [queries, features]: x itself, or some of its rows.
  ///   - query: The weight [features, features] and bias [features] of the queries; `key`, `value` and `output` likewise.
  ///   - heads: The number of heads; divides features.
  ///   - starts: Prefix sums of the sequences' tokens, [sequences + 1].
  ///   - queryStarts: Prefix sums of the sequences' queries, [sequences + 1].
  ///   - context: The pass this is part of.
  /// - Returns: The result, [queries, features]; nil where `linear` and `attention` are to be used, which give the same
  ///   but for rounding: with a tape, in training, with weights that are not dense, with many rows or with many workers.
  package func thinSelfAttention(
    wanted: Tensor, query: LinearWeights, key: LinearWeights, value: LinearWeights, output: LinearWeights,
    heads: Int, starts: [Int32], queryStarts: [Int32], in context: Context
  ) -> Tensor? {
    guard context.tape == nil, !context.isTraining, let query = query.dense, let key = key.dense,
      let value = value.dense, let output = output.dense,
      let kernel = FewRowsAttention(
        query: query.kernel, key: key.kernel, value: value.kernel, output: output.kernel, heads: heads,
        starts: starts, queryStarts: queryStarts)
    else { return nil }
    let y = Storage(uninitialized: wanted.count)
    kernel.forward(storage, wanted: wanted.storage, into: y)
    return Tensor(storage: y, shape: wanted.shape)
  }
}
