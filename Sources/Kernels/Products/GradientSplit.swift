import CKernels

/// Split of a weight's gradient, dW = dyᵀ x, among workers: parts of the longer side of W, and groups of rows where the parts
/// would be thin.
///
/// Each part is a product that packs all of its rows, which costs a thin one more than it computes. A group's sums go to memory of
/// its own and are added up in the order of the groups, so that one thread count always gives the same bits.
package struct GradientSplit {
  private let rows: Int
  private let inputs: Int
  private let outputs: Int
  private let workers: Int
  /// The groups of rows.
  package let groups: Int

  /// The least length of a part that needs no groups.
  private static let leastPart = 96
  /// The fewest rows of a group: with fewer, adding its sums costs as much as it saves.
  private static let leastRows = 512

  /// The split of the gradient of [outputs, inputs] over so many rows among the workers that there are.
  package init(rows: Int, inputs: Int, outputs: Int) {
    let (workers, longer) = (Parallel.threadCount, max(inputs, outputs))
    (self.rows, self.inputs, self.outputs, self.workers) = (rows, inputs, outputs, workers)
    let wanted = (workers * Self.leastPart + longer - 1) / longer
    // A number that leaves no worker without a part.
    let possible = (1...max(1, min(workers, rows / Self.leastRows))).filter { workers.isMultiple(of: $0) }
    groups = possible.first { $0 >= wanted } ?? possible.last ?? 1
  }

  /// Part of a group's sums.
  struct Part {
    let rows: Range<Int>
    let outputs: Range<Int>
    let inputs: Range<Int>
  }

  /// Computes dW = the sum over the groups, or dW += it; `body` computes one part into memory laid out as W.
  func add(
    into dw: Storage, adding: Bool,
    _ body: (_ part: Part, _ sums: UnsafeMutablePointer<Float>, _ adding: Bool) -> Void
  ) {
    guard groups > 1 else {
      let grain = max(1, RowBlocks.worthwhile / max(1, rows * min(inputs, outputs)))
      Parallel.forEach(max(inputs, outputs), grain: grain, least: LinearSplit.leastGradient) {
        body(part($0, of: 0), dw.pointer, adding)
      }
      return
    }
    let (parts, longer) = (workers / groups, max(inputs, outputs))
    let others = Storage(uninitialized: (groups - 1) * inputs * outputs)
    Parallel.forEach(groups * parts, block: 1) { range in
      for index in range {
        let (group, place) = index.quotientAndRemainder(dividingBy: parts)
        let part = part(longer * place / parts..<longer * (place + 1) / parts, of: group)
        if group == 0 {
          body(part, dw.pointer, adding)
        } else {
          body(part, others.pointer + (group - 1) * inputs * outputs, false)
        }
      }
    }
    RowBlocks.elements(inputs * outputs) { offset, count in
      for group in 0..<groups - 1 {
        let sums = dw.pointer + offset
        ps_add(sums, others.pointer + group * inputs * outputs + offset, sums, count)
      }
    }
  }

  /// A range of the longer side, of one group.
  private func part(_ range: Range<Int>, of group: Int) -> Part {
    let isOfOutputs = outputs >= inputs
    return Part(
      rows: rows * group / groups..<rows * (group + 1) / groups,
      outputs: isOfOutputs ? range : 0..<outputs, inputs: isOfOutputs ? 0..<inputs : range)
  }
}
