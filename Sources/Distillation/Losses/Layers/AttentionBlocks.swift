import Tensors

/// The attention scores of one side, sequence by sequence; sequences without queries are left out.
struct AttentionBlocks {
  private let maps: AttentionMaps
  private let ranges: [Range<Int>]
  /// The keys of each sequence.
  let keys: [Int]

  init(_ maps: AttentionMaps) {
    self.maps = maps
    var (ranges, keys, offset): ([Range<Int>], [Int], Int) = ([], [], 0)
    for (queries, tokens) in zip(Sequences(maps.queryStarts).ranges, Sequences(maps.keyStarts).ranges) {
      let count = maps.heads * queries.count * tokens.count
      ranges.append(offset..<offset + count)
      keys.append(tokens.count)
      offset += count
    }
    self.ranges = ranges
    self.keys = keys
  }

  /// The scores of one sequence, [heads · queries, keys].
  func rows(_ index: Int, in context: Context) -> Tensor {
    let block = sliceRows(maps.values, ranges[index], in: context)
    return block.reshaped([block.count / keys[index], keys[index]])
  }

  /// The sums over heads of the scores of one sequence, [queries, keys].
  func sumOverHeads(_ index: Int, in context: Context) -> Tensor {
    let block = sliceRows(maps.values, ranges[index], in: context)
    let perHead = block.count / maps.heads
    return sum(block.reshaped([maps.heads, perHead]), axis: 0, in: context)
      .reshaped([perHead / keys[index], keys[index]])
  }

  /// The means over heads of the scores of one sequence, [queries, keys].
  func meanOverHeads(_ index: Int, in context: Context) -> Tensor {
    scale(sumOverHeads(index, in: context), by: 1 / Float(maps.heads), in: context)
  }
}
