import CKernels

/// An element-wise nonlinearity as the C loops know it.
package enum ActivationKernel: Int32, Sendable {
  case identity, gelu, geluNew, relu, tanh, silu, sigmoid, quickGelu, mish

  /// Computes y = f(x); y may be x.
  package func apply(_ x: Storage, into y: Storage, as kind: WorkKind = .elementwise) {
    RowBlocks.elements(x.count, as: kind) { ps_activation(rawValue, x.pointer + $0, y.pointer + $0, $1) }
  }

  /// Computes dx = dy f′(x) from x before the activation; dx may be dy.
  package func gradient(_ x: Storage, dy: Storage, into dx: Storage) {
    RowBlocks.elements(x.count) {
      ps_activation_backward(rawValue, x.pointer + $0, dy.pointer + $0, dx.pointer + $0, $1)
    }
  }
}
