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
  func rows(_ index: Int) -> Tensor {
    let block = maps.values.rows(ranges[index])
    return block.reshaped([block.count / keys[index], keys[index]])
  }

  /// The sums over heads of the scores of one sequence, [queries, keys].
  func sumOverHeads(_ index: Int) -> Tensor {
    let block = maps.values.rows(ranges[index])
    let perHead = block.count / maps.heads
    return block.reshaped([maps.heads, perHead]).sum(axis: 0)
      .reshaped([perHead / keys[index], keys[index]])
  }

  /// The means over heads of the scores of one sequence, [queries, keys].
  func meanOverHeads(_ index: Int) -> Tensor {
    sumOverHeads(index) / Float(maps.heads)
  }
}
