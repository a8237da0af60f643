/// Pairs in order of falling count, equal counts in order of the pair: a binary heap.
struct PairQueue {
  struct Entry {
    var pair: Pair
    var count: Int
    /// The words in which the pair was seen.
    var places: [Int32]

    fileprivate func precedes(_ other: Entry) -> Bool {
      count != other.count ? count > other.count : pair < other.pair
    }
  }

  private var heap: [Entry] = []

  mutating func push(_ entry: Entry) {
    heap.append(entry)
    var index = heap.count - 1
    while index > 0 {
      let parent = (index - 1) / 2
      if !heap[index].precedes(heap[parent]) { break }
      heap.swapAt(index, parent)
      index = parent
    }
  }

  mutating func pop() -> Entry? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return top }
    heap[0] = last
    var index = 0
    while true {
      var best = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child].precedes(heap[best])
      {
        best = child
      }
      if best == index { return top }
      heap.swapAt(index, best)
      index = best
    }
  }
}
