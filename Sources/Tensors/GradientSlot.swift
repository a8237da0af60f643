import CKernels
import Kernels

/// The gradient of one tensor or parameter, in which contributions add up.
///
/// Sendable because tensors only carry it about: its contents are touched by a backward pass or an optimizer alone, and
/// tapes and parameters stay where they are.
package final class GradientSlot: @unchecked Sendable {
  package let count: Int
  /// The gradient so far; meaningless while `isEmpty`.
  package private(set) var storage: Storage?
  /// True until the first contribution (since the last `clear()`).
  package private(set) var isEmpty = true

  /// Whether the buffer stays from step to step: a parameter's does, a tensor's goes with its backward pass.
  private let isLasting: Bool

  /// Some rows of a table.
  package struct Rows: Equatable {
    /// The values of a row.
    package let columns: Int
    /// The rows, ascending, each once.
    package let indices: [Int32]
  }
  /// The only rows that are not zero, when all contributions were to rows of a table; nil when any value may be.
  package private(set) var rows: Rows?
  /// The same of what the buffer still holds from before `clear()`.
  private var staleRows: Rows?

  package init(count: Int, isLasting: Bool = false) {
    self.count = count
    self.isLasting = isLasting
  }

  /// Hands out the buffer to write a contribution to; with `isFirst` the contents are undefined and must be
  /// overwritten, otherwise the contribution must be added (BLAS: beta = isFirst ? 0 : 1).
  package func contribute(_ body: (_ gradient: UnsafeMutablePointer<Float>, _ isFirst: Bool) -> Void) {
    let buffer = storage ?? Storage(uninitialized: count, lasting: isLasting)
    storage = buffer
    body(buffer.pointer, isEmpty)
    isEmpty = false
    rows = nil
  }

  /// Hands out the buffer to add to some rows of a table, as an embedding does: a first contribution starts from zeros.
  ///
  /// A word table's gradient is tens of megabytes of which a batch touches one percent, so only rows that an earlier
  /// step left behind are cleared, and `rows` tells the optimizer where to look.
  func accumulate(
    rows indices: [Int32], columns: Int, as kind: WorkKind,
    _ body: (_ gradient: UnsafeMutablePointer<Float>) -> Void
  ) {
    let known = isEmpty ? [] : rows?.indices
    let stale = storage == nil ? nil : staleRows
    let isNew = storage == nil
    let buffer = storage ?? Storage(uninitialized: count, lasting: isLasting)
    storage = buffer
    if isEmpty {
      if let stale, stale.columns == columns {
        for row in stale.indices { ps_fill(buffer.pointer + Int(row) * columns, 0, Int64(columns)) }
      } else if !(isNew && buffer.isZero) {
        RowBlocks.elements(count, as: kind) { ps_fill(buffer.pointer + $0, 0, $1) }
      }
    }
    body(buffer.pointer)
    isEmpty = false
    rows = known.map { Rows(columns: columns, indices: Set($0 + indices).sorted()) }
  }

  /// Like `contribute`, for operations that only know how to add: a first contribution starts from zeros.
  package func accumulate(_ body: (_ gradient: UnsafeMutablePointer<Float>) -> Void) {
    contribute { gradient, isFirst in
      if isFirst { RowBlocks.elements(count) { ps_fill(gradient + $0, 0, $1) } }
      body(gradient)
    }
  }

  /// Adds a whole gradient.
  package func add(_ other: Storage) {
    contribute { gradient, isFirst in
      if isFirst {
        gradient.update(from: other.pointer, count: count)
      } else {
        ps_add(gradient, other.pointer, gradient, Int64(count))
      }
    }
  }

  /// Forgets the gradient but keeps the buffer.
  package func clear() {
    if isEmpty { return }
    staleRows = rows
    rows = nil
    isEmpty = true
  }

  /// Forgets the gradient and gives the buffer back.
  package func release() {
    storage = nil
    rows = nil
    staleRows = nil
    isEmpty = true
  }
}
