/// A map from some scalars to short sequences of scalars, found by binary search.
struct ScalarMap: Sendable {
  /// The mapped scalars, ascending.
  let keys: [UInt32]
  /// Where each key's sequence starts in `parts`, then the end of the last.
  let starts: [UInt32]
  /// All sequences, one after the other.
  let parts: [UInt32]

  /// - Parameter pairs: keys in ascending order, each once.
  init(_ pairs: [(UInt32, [UInt32])]) {
    var starts: [UInt32] = []
    var parts: [UInt32] = []
    starts.reserveCapacity(pairs.count + 1)
    for (_, sequence) in pairs {
      starts.append(UInt32(parts.count))
      parts.append(contentsOf: sequence)
    }
    starts.append(UInt32(parts.count))
    keys = pairs.map(\.0)
    self.starts = starts
    self.parts = parts
  }

  /// Where the sequence of a scalar lies in `parts`, nil when the scalar is not mapped.
  func range(of scalar: UInt32) -> Range<Int>? {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) >> 1
      if keys[middle] < scalar { low = middle + 1 } else { high = middle }
    }
    guard low < keys.count, keys[low] == scalar else { return nil }
    return Int(starts[low])..<Int(starts[low + 1])
  }
}
