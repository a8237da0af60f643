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
