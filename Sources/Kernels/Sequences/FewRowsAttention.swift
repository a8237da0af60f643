import CKernels

/// Self-attention with its four linear layers for few rows: attention(x) Wₒᵀ + bₒ, worker by worker.
package struct FewRowsAttention {
  private let attention: AttentionKernel
  private let query: LinearKernel
  private let key: LinearKernel
  private let value: LinearKernel
  private let output: LinearKernel
  private let split: PartialSums
  private let tokens: Int
  private let queries: Int

  /// The kernel for packed sequences; nil where rows are too many, or workers more than can share the heads.
  package init?(
    query: LinearKernel, key: LinearKernel, value: LinearKernel, output: LinearKernel, heads: Int,
    starts: [Int32], queryStarts: [Int32]
  ) {
    (tokens, queries) = (Int(starts.last ?? 0), Int(queryStarts.last ?? 0))
    let features = query.inputs
    guard LinearSplit(rows: tokens, inputs: features, outputs: features).hasFewRows,
      let split = PartialSums(of: heads, work: 4 * tokens * features * features)
    else { return nil }
    attention = AttentionKernel(
      heads: heads, features: features, keyStarts: starts, queryStarts: queryStarts, mask: .none)
    (self.query, self.key, self.value, self.output, self.split) = (query, key, value, output, split)
  }

  /// Computes the result, [queries, features], of the rows `wanted`, which may be x itself.
  package func forward(_ x: Storage, wanted: Storage, into y: Storage) {
    let features = attention.features
    let share = HeadShare.space(attention, heads: split.largestShare, tokens: tokens, queries: queries)
    let space =
      FewRowsInput.space(rows: tokens, inputs: features) + FewRowsInput.space(rows: queries, inputs: features)
    split.add(into: y, scratch: space + share) { part, scratch in
      let share = HeadShare(attention: attention, heads: part.terms)
      let rows = FewRowsInput(x.pointer, rows: tokens, inputs: features, in: &scratch)
      let asking =
        wanted === x ? rows : FewRowsInput(wanted.pointer, rows: queries, inputs: features, in: &scratch)
      let mixed = share.mix(
        share.project(asking, query, in: &scratch), share.project(rows, key, in: &scratch),
        share.project(rows, value, in: &scratch), count: queries, in: &scratch)
      let input = FewRowsInput(mixed, rows: queries, inputs: share.width, in: &scratch)
      output.partialSum(input, ofInputs: share.columns, addsBias: part.isFirst, into: part.sums)
    }
  }
}

/// Some heads of an attention call, side by side in buffers of their own.
private struct HeadShare {
  let attention: AttentionKernel
  let heads: Range<Int>

  /// The heads' features.
  var width: Int { heads.count * attention.headSize }
  /// The places of the heads' features among all.
  var columns: Range<Int> { heads.lowerBound * attention.headSize..<heads.upperBound * attention.headSize }

  /// The scratch memory that so many heads need from their projections to their mixed values.
  static func space(_ attention: AttentionKernel, heads: Int, tokens: Int, queries: Int) -> Int {
    let width = heads * attention.headSize
    return 2 * Scratch.space(tokens * width) + 2 * Scratch.space(queries * width)
      + Scratch.space(kernelScratch(attention)) + FewRowsInput.space(rows: queries, inputs: width)
  }

  private static func kernelScratch(_ attention: AttentionKernel) -> Int {
    Int(ps_attention_scratch(Int64(ps_thin_rows), Int64(attention.headSize)))
  }

  /// The heads' part of a linear layer, [rows, width].
  func project(
    _ rows: FewRowsInput, _ layer: LinearKernel, in scratch: inout Scratch
  ) -> UnsafeMutablePointer<Float> {
    let result = scratch.take(rows.rows * width)
    layer.project(rows, columns: columns, into: result, stride: width)
    return result
  }

  /// The weighted values of every query, [count, width].
  func mix(
    _ queries: UnsafeMutablePointer<Float>, _ keys: UnsafeMutablePointer<Float>,
    _ values: UnsafeMutablePointer<Float>, count: Int, in scratch: inout Scratch
  ) -> UnsafeMutablePointer<Float> {
    let result = scratch.take(count * width)
    let kernelScratch = scratch.take(Self.kernelScratch(attention))
    WorkProfile.time(.attention) {
      for sequence in 0..<attention.sequenceCount {
        for head in 0..<heads.count {
          let unit = attention.unit(sequence, head)
          var shape = attention.kernelShape(of: unit, stride: width)
          let (query, key) = (unit.queryRow * width + unit.column, unit.keyRow * width + unit.column)
          ps_attention_forward(
            &shape, queries + query, keys + key, values + key, result + query, nil, nil, kernelScratch)
        }
      }
    }
    return result
  }
}
