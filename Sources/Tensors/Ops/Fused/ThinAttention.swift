import CKernels
import Kernels

extension Tensor {
  /// Computes self-attention with its four linear layers for few rows, in inference: attention(x) Wₒᵀ + bₒ.
  ///
  /// A worker takes its heads from x to their part of the result, so that queries, keys, values and mixed values never leave
  /// its cache and the workers meet once.
  ///
  /// - Parameters:
  ///   - wanted: The rows that ask, [queries, features]: x itself, or some of its rows.
  ///   - query: The weight [features, features] and bias [features] of the queries; `key`, `value` and `output` likewise.
  ///   - heads: The number of heads; divides features.
  ///   - starts: Prefix sums of the sequences' tokens, [sequences + 1].
  ///   - queryStarts: Prefix sums of the sequences' queries, [sequences + 1].
  ///   - context: The pass this is part of.
  /// - Returns: The result, [queries, features]; nil where `linear` and `attention` are to be used, which give the same
  ///   but for rounding: with a tape, in training, with many rows or with many workers.
  package func thinSelfAttention(
    wanted: Tensor, query: LinearWeights, key: LinearWeights, value: LinearWeights, output: LinearWeights,
    heads: Int, starts: [Int32], queryStarts: [Int32], in context: Context
  ) -> Tensor? {
    let x = self
    let (tokens, features) = (x.shape.rowCount, x.shape.lastDimension)
    let layer = LinearKernel(rows: tokens, inputs: features, outputs: features)
    guard context.tape == nil, !context.isTraining, layer.isThin,
      let split = PartialSums(of: heads, work: 4 * tokens * features * features)
    else { return nil }
    let plan = AttentionPlan(
      heads: heads, features: features, keyStarts: starts, queryStarts: queryStarts, mask: .none)
    let y = Storage(uninitialized: wanted.count)
    let queries = wanted.shape.rowCount
    let share = HeadShare.space(plan, heads: split.largestShare, tokens: tokens, queries: queries)
    let space =
      ThinInput.space(rows: tokens, inputs: features) + ThinInput.space(rows: queries, inputs: features)
    split.add(into: y, scratch: space + share) { part, scratch in
      let share = HeadShare(plan: plan, heads: part.terms)
      let rows = ThinInput(x.pointer, rows: tokens, inputs: features, in: &scratch)
      let asking =
        wanted.storage === x.storage
        ? rows : ThinInput(wanted.pointer, rows: queries, inputs: features, in: &scratch)
      let mixed = share.mix(
        share.project(asking, count: queries, query, in: &scratch),
        share.project(rows, count: tokens, key, in: &scratch),
        share.project(rows, count: tokens, value, in: &scratch), count: queries, in: &scratch)
      ThinInput(mixed, rows: queries, inputs: share.width, in: &scratch).product(
        output.weight.pointer + share.column, weightStride: features,
        part.isFirst ? output.bias?.pointer : nil,
        outputs: features, into: part.sums, stride: features)
    }
    return Tensor(storage: y, shape: wanted.shape)
  }
}

/// Some heads of an attention call, side by side in buffers of their own.
private struct HeadShare {
  let plan: AttentionPlan
  let heads: Range<Int>

  /// Where the heads' features begin among all.
  var column: Int { heads.lowerBound * plan.headSize }
  /// The heads' features.
  var width: Int { heads.count * plan.headSize }

  /// The scratch memory that so many heads need from their projections to their mixed values.
  static func space(_ plan: AttentionPlan, heads: Int, tokens: Int, queries: Int) -> Int {
    let width = heads * plan.headSize
    return 2 * Scratch.space(tokens * width) + 2 * Scratch.space(queries * width)
      + Scratch.space(kernelScratch(plan)) + ThinInput.space(rows: queries, inputs: width)
  }

  private static func kernelScratch(_ plan: AttentionPlan) -> Int {
    Int(ps_attention_scratch(Int64(ps_thin_rows), Int64(plan.headSize)))
  }

  /// The heads' part of a linear layer, [count, width].
  func project(
    _ rows: ThinInput, count: Int, _ layer: LinearWeights, in scratch: inout Scratch
  ) -> UnsafeMutablePointer<Float> {
    let result = scratch.take(count * width)
    rows.product(
      layer.weight.pointer + column * plan.features, layer.bias.map { $0.pointer + column }, outputs: width,
      into: result,
      stride: width)
    return result
  }

  /// The weighted values of every query, [count, width].
  func mix(
    _ queries: UnsafeMutablePointer<Float>, _ keys: UnsafeMutablePointer<Float>,
    _ values: UnsafeMutablePointer<Float>, count: Int, in scratch: inout Scratch
  ) -> UnsafeMutablePointer<Float> {
    let result = scratch.take(count * width)
    let kernelScratch = scratch.take(Self.kernelScratch(plan))
    WorkProfile.time(.attention) {
      for sequence in 0..<plan.sequenceCount {
        for head in 0..<heads.count {
          let unit = plan.unit(sequence, head)
          var shape = plan.kernelShape(of: unit, stride: width)
          let (query, key) = (unit.queryRow * width + unit.column, unit.keyRow * width + unit.column)
          ps_attention_forward(
            &shape, queries + query, keys + key, values + key, result + query, nil, nil, kernelScratch)
        }
      }
    }
    return result
  }
}
