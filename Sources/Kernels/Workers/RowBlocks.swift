import CKernels

/// Blocks of rows (or columns, or elements) that workers take.
enum RowBlocks {
  /// About the least work that is worth waking another worker for, in element operations.
  static let worthwhile = 16_384
  /// Shares of equal cost per worker where each needs memory of its own, so that workers on busy cores take fewer.
  static let sharesOfWorker = 4

  /// Runs `body` over `count` elements split among the workers, serially when there are few.
  static func elements(
    _ count: Int, as kind: WorkKind = .elementwise, _ body: (_ offset: Int, _ count: Int64) -> Void
  ) {
    Parallel.forEach(count, grain: worthwhile) { range in
      WorkProfile.time(kind) { body(range.lowerBound, Int64(range.count)) }
    }
  }

  /// Runs `body` over rows of `columns` elements split among the workers.
  static func rows(
    _ count: Int, columns: Int, as kind: WorkKind = .elementwise, _ body: (_ rows: Range<Int>) -> Void
  ) {
    Parallel.forEach(count, grain: max(1, worthwhile / max(1, columns))) { range in
      WorkProfile.time(kind) { body(range) }
    }
  }

  /// Runs `body` once per block of rows with a buffer of `partialCount` zeros each, then adds the buffers up in block
  /// order, so that one thread count always gives the same bits.
  static func reducingRows(
    _ count: Int, columns: Int, partialCount: Int, as kind: WorkKind,
    into total: UnsafeMutablePointer<Float>,
    _ body: (_ rows: Range<Int>, _ partial: UnsafeMutablePointer<Float>) -> Void
  ) {
    let blocks = max(1, min(Parallel.threadCount * sharesOfWorker, count * max(1, columns) / worthwhile))
    let partials = Storage.filled(0, count: blocks * partialCount)
    let base = partials.pointer
    Parallel.forEach(blocks, block: 1) { range in
      for block in range {
        WorkProfile.time(kind) {
          body(count * block / blocks..<count * (block + 1) / blocks, base + block * partialCount)
        }
      }
    }
    for block in 0..<blocks {
      for index in 0..<partialCount { total[index] += base[block * partialCount + index] }
    }
  }
}

/// The (sequence, head) units of packed sequences, in contiguous shares of about equal cost that workers take.
struct SequenceHeads {
  /// Costs of one head of each sequence, in multiplications.
  let costs: [Int]
  /// The heads of every sequence.
  let heads: Int

  /// Runs `body` for every unit, each share with `scratch` values of memory of its own.
  func forEach(
    scratch: Int, as kind: WorkKind,
    _ body: (_ sequence: Int, _ head: Int, _ scratch: UnsafeMutablePointer<Float>) -> Void
  ) {
    let total = costs.reduce(0, +) * heads
    let most = min(Parallel.threadCount * RowBlocks.sharesOfWorker, costs.count * heads)
    let shares = max(1, min(most, total / (RowBlocks.worthwhile * 4)))
    let buffers = Storage(uninitialized: max(1, shares * scratch))
    Parallel.forEach(shares, block: 1) { range in
      for share in range {
        let (lower, upper) = (total * share / shares, total * (share + 1) / shares)
        var done = 0
        for (sequence, cost) in costs.enumerated() {
          if done >= upper { break }
          if done + cost * heads > lower {
            for head in 0..<heads where done + cost * head >= lower && done + cost * head < upper {
              WorkProfile.time(kind) { body(sequence, head, buffers.pointer + share * scratch) }
            }
          }
          done += cost * heads
        }
      }
    }
  }
}

/// Workers that each take a share of a sum's terms, such as a part of the features between two layers.
///
/// For few rows: what lies between the layers stays with the worker that computed it, and the workers meet once instead of
/// after every product. The result's last bits depend on the number of workers.
struct PartialSums {
  private let terms: Int
  private let workers: Int

  /// The most workers; with more, adding their sums takes longer than what it saves.
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
    /// The place of the sum, as large as the result.
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
    RowBlocks.elements(count) { offset, length in
      for other in 0..<workers - 1 {
        let target = y.pointer + offset
        ps_add(target, others.pointer + other * count + offset, target, length)
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

  /// Room that `take` needs for so many values: whole lines of the cache.
  static func space(_ count: Int) -> Int { (count + 15) / 16 * 16 }

  /// The next `count` values, uninitialised.
  mutating func take(_ count: Int) -> UnsafeMutablePointer<Float> {
    let taken = next
    next += Self.space(count)
    precondition(next <= end, "A worker's scratch memory is too small by \(next - end) values.")
    return taken
  }
}
