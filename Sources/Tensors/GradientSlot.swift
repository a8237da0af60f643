import CKernels
import Kernels

/// Collects the gradient of one tensor or parameter; contributions add up.
package final class GradientSlot {
  package let count: Int
  /// The gradient so far; meaningless while `isEmpty`.
  package private(set) var storage: Storage?
  /// True until the first contribution (since the last `clear()`).
  package private(set) var isEmpty = true

  /// Whether the buffer stays from step to step: a parameter's does, a tensor's goes with its backward pass.
  private let isLasting: Bool

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
  }

  /// Like `contribute`, for operations that only know how to add: a first contribution starts from zeros.
  func accumulate(
    as kind: WorkKind = .elementwise, _ body: (_ gradient: UnsafeMutablePointer<Float>) -> Void
  ) {
    contribute { gradient, isFirst in
      // A word embedding's gradient is tens of megabytes: every worker clears its part.
      if isFirst { RowBlocks.elements(count, as: kind) { ps_fill(gradient + $0, 0, $1) } }
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
  package func clear() { isEmpty = true }

  /// Forgets the gradient and gives the buffer back.
  package func release() {
    storage = nil
    isEmpty = true
  }
}
