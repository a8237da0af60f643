import Kernels
import Synchronization

/// What happened in a forward pass, in order; `backward` replays it in reverse.
///
/// Execution order is already a topological order, so there is no graph search. A tape serves one backward pass: each
/// node is dropped as soon as it has run, which frees the activations it saved.
public final class Tape {
  /// The way from a tensor to its tape, weak since the tape's nodes hold tensors.
  ///
  /// Sendable because it is written once, by the tape that makes it, and reading a weak reference is atomic.
  package final class Link: @unchecked Sendable {
    package fileprivate(set) weak var tape: Tape?
  }
  /// What the tensors of this tape hold.
  package let link = Link()

  private struct Node: @unchecked Sendable {
    // Sendable because its closure runs once, in `backward`, and until then only lies in the list.
    let outputs: [GradientSlot]
    let backward: ([Storage?]) -> Void
  }
  // Locked since tensors may be sent to other threads, where arithmetic records on this tape.
  private let nodes = Mutex<[Node]>([])

  /// An empty tape.
  public init() { link.tape = self }

  /// The number of recorded operations.
  public var count: Int { nodes.withLock(\.count) }

  /// Records an operation with several outputs; `backward` gets the gradient of each, nil where none arrived.
  package func record(outputs: [GradientSlot], backward: @escaping ([Storage?]) -> Void) {
    let node = Node(outputs: outputs, backward: backward)
    nodes.withLock { $0.append(node) }
  }

  /// Records an operation with one output, which has a slot.
  package func record(_ output: Tensor, backward: @escaping (Storage) -> Void) {
    guard let slot = output.slot else { return }
    record(outputs: [slot]) { gradients in if let gradient = gradients[0] { backward(gradient) } }
  }

  /// Adds d(scale · loss)/d(parameter) to the gradient of every parameter the loss depends on, and empties the tape.
  ///
  /// - Parameters:
  ///   - loss: A tensor of one element that was computed on this tape; a constant leaves every gradient as it is.
  ///   - scale: A factor on the loss, such as 1 / accumulation steps.
  public func backward(from loss: Tensor, scale: Float = 1) {
    precondition(loss.count == 1, "backward needs a loss of one element, found shape \(loss.shape).")
    precondition(
      loss.tape == nil || loss.tape === self, "backward needs a loss that was computed on this tape.")
    defer { nodes.withLock { $0.removeAll() } }
    guard let slot = loss.slot else { return }
    slot.contribute { gradient, adding in gradient.assign(Storage(adding ? gradient[0] + scale : scale)) }
    while let node = nodes.withLock({ $0.popLast() }) {
      let gradients = node.outputs.map { $0.isEmpty ? nil : $0.storage }
      guard gradients.contains(where: { $0 != nil }) else { continue }
      for output in node.outputs { output.release() }
      node.backward(gradients)
    }
  }
}
