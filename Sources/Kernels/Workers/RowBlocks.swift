/// Cuts rows (or columns, or elements) into the blocks that workers take.
enum RowBlocks {
  /// About the least work that is worth waking another worker for, in element operations.
  static let worthwhile = 16_384

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
    let blocks = max(1, min(Parallel.threadCount, count * max(1, columns) / worthwhile))
    let partials = Storage.filled(0, count: blocks * partialCount)
    let base = partials.pointer
    Parallel.forEach(blocks) { range in
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

/// The (sequence, head) units of packed sequences, shared among workers in contiguous ranges of about equal cost.
struct SequenceHeads {
  /// What one head of each sequence costs, in multiplications.
  let costs: [Int]
  /// The heads of every sequence.
  let heads: Int

  /// Runs `body` for every unit, each worker with `scratch` values of memory of its own.
  func forEach(
    scratch: Int, as kind: WorkKind,
    _ body: (_ sequence: Int, _ head: Int, _ scratch: UnsafeMutablePointer<Float>) -> Void
  ) {
    let total = costs.reduce(0, +) * heads
    let workers = max(1, min(Parallel.threadCount, costs.count * heads, total / (RowBlocks.worthwhile * 4)))
    let buffers = Storage(uninitialized: max(1, workers * scratch))
    Parallel.forEach(workers) { range in
      for worker in range {
        let (lower, upper) = (total * worker / workers, total * (worker + 1) / workers)
        var done = 0
        for (sequence, cost) in costs.enumerated() {
          if done >= upper { break }
          if done + cost * heads > lower {
            for head in 0..<heads where done + cost * head >= lower && done + cost * head < upper {
              WorkProfile.time(kind) { body(sequence, head, buffers.pointer + worker * scratch) }
            }
          }
          done += cost * heads
        }
      }
    }
  }
}
