import CKernels

/// Workers that each take a share of a sum's terms, such as a part of the features between two layers.
///
/// For few rows: what lies between the layers stays with the worker that computed it, and the workers meet once instead of
/// after every product. The result's last bits depend on the number of workers.
struct PartialSums {
  private let terms: Int
  private let workers: Int

  /// With more workers, adding their sums takes longer than what it saves.
  private static let mostWorkers = 16

  /// A split of so many terms whose whole work is so many element operations; nil where more workers could be used
  /// than share the terms well.
  init?(of terms: Int, work: Int) {
    guard Parallel.threadCount <= min(terms, Self.mostWorkers) else { return nil }
    self.terms = terms
    workers = max(1, min(Parallel.threadCount, work / RowBlocks.worthwhile))
  }

  /// The most terms that a worker gets.
  var largestShare: Int { (terms + workers - 1) / workers }

  /// One worker's share.
  struct Share {
    /// The terms to add up.
    let terms: Range<Int>
    /// Whether this share adds what is added once, such as a bias.
    let isFirst: Bool
    /// Where the sum belongs, as large as the result.
    let sums: UnsafeMutablePointer<Float>
  }

  /// y = the sum of what `body` computes for each share, with so many values of scratch memory each.
  func add(into y: Storage, scratch space: Int, _ body: (_ share: Share, _ scratch: inout Scratch) -> Void) {
    let count = y.count
    let others = Storage(uninitialized: (workers - 1) * count)
    let memory = Storage(uninitialized: workers * space)
    Parallel.forEach(workers) { range in
      for worker in range {
        var scratch = Scratch(memory.pointer + worker * space, count: space)
        let share = Share(
          terms: terms * worker / workers..<terms * (worker + 1) / workers, isFirst: worker == 0,
          sums: worker == 0 ? y.pointer : others.pointer + (worker - 1) * count)
        body(share, &scratch)
      }
    }
    for other in 0..<workers - 1 {
      WorkProfile.time(.elementwise) {
        ps_add(y.pointer, others.pointer + other * count, y.pointer, Int64(count))
      }
    }
  }
}

/// Memory for what one worker computes on the way, handed out from front to back.
///
/// Taken from the pool before a region starts: workers that all ask the pool at once would wait for each other.
struct Scratch {
  private var next: UnsafeMutablePointer<Float>
  private let end: UnsafeMutablePointer<Float>

  /// The first `count` values at `pointer`, which must stay as long as anything taken from here is used.
  init(_ pointer: UnsafeMutablePointer<Float>, count: Int) {
    (next, end) = (pointer, pointer + count)
  }

  /// What `take` needs for so many values: whole lines of the cache.
  static func space(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  /// The next `count` values, uninitialised.
  mutating func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    let taken = next
    next += Self.space(count)
    precondition(next <= end, "A worker's scratch memory is too small by \(next - end) values.")
    return taken
  }
}
