/// Merges in order of rank, equal ranks in order of position: a binary heap.
struct MergeQueue {
  /// Rank and position of each entry, packed in this order.
  private var heap: [UInt64] = []

  /// Adds a merge; `Int32.max` stands for none and is left out.
  mutating func push(_ rank: Int32, _ position: Int32) {
    if rank == .max { return }
    let entry = UInt64(UInt32(bitPattern: rank)) << 32 | UInt64(UInt32(bitPattern: position))
    heap.append(entry)
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      if heap[parent] <= entry { break }
      heap[index] = heap[parent]
      index = parent
    }
    heap[index] = entry
  }

  /// Takes the first merge out.
  mutating func pop() -> (rank: Int32, position: Int32)? {
    guard let first = heap.first, let entry = heap.popLast() else { return nil }
    if !heap.isEmpty {
      var index = 0
      while true {
        var child = 2 * index + 1
        if child >= heap.count { break }
        if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
        if entry <= heap[child] { break }
        heap[index] = heap[child]
        index = child
      }
      heap[index] = entry
    }
    return (Int32(truncatingIfNeeded: first >> 32), Int32(truncatingIfNeeded: first))
  }
}
