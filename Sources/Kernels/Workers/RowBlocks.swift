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
