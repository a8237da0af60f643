import Kernels
import Synchronization

/// Record of a forward pass, in order; `backward` replays it in reverse.
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
  /// The link that the tensors of this tape hold.
  package let link = Link()
  /// The watch for values that are not finite; nil looks at nothing.
  package let watch: AnomalyWatch?

  private struct Node: @unchecked Sendable {
    // Sendable because its closure runs once, in `backward`, and until then only lies in the list.
    let outputs: [GradientSlot]
    let backward: ([Storage?]) -> Void
  }
  /// A parameter's gradient, and the operations that were recorded before it first entered.
  private struct Entry: @unchecked Sendable {
    // Sendable because a slot's contents are touched by the backward pass alone.
    let slot: GradientSlot
    let place: Int
  }
  private struct Contents {
    var nodes: [Node] = []
    /// Parameters in the order in which they entered.
    var entries: [Entry] = []
    var known: Set<ObjectIdentifier> = []
  }
  // Locked since tensors may be sent to other threads, where arithmetic records on this tape.
  private let contents = Mutex(Contents())

  /// An empty tape.
  public convenience init() { self.init(watch: nil) }

  /// An empty tape whose pass is watched.
  package init(watch: AnomalyWatch?) {
    self.watch = watch
    link.tape = self
  }

  /// The number of recorded operations.
  public var count: Int { contents.withLock(\.nodes.count) }

  /// Gradients of the parameters that have entered, each once, in the order of their coming.
  package var entered: [GradientSlot] { contents.withLock { $0.entries.map(\.slot) } }

  /// Notes that a parameter is an operand of what is recorded from now on.
  func enter(_ slot: GradientSlot) {
    contents.withLock { contents in
      guard contents.known.insert(ObjectIdentifier(slot)).inserted else { return }
      contents.entries.append(Entry(slot: slot, place: contents.nodes.count))
    }
  }

  /// Records an operation with several outputs; `backward` gets the gradient of each, nil where none arrived.
  package func record(outputs: [GradientSlot], backward: @escaping ([Storage?]) -> Void) {
    let node = Node(outputs: outputs, backward: backward)
    contents.withLock { $0.nodes.append(node) }
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
    backward(from: loss, scale: scale) { _ in }
  }

  /// The same, telling of each parameter when nothing more will be added to its gradient.
  ///
  /// - Parameter done: Told of the gradients of all that have entered, the last first, while the pass goes on.
  package func backward(from loss: Tensor, scale: Float, done: (GradientSlot) -> Void) {
    precondition(loss.count == 1, "backward needs a loss of one element, found shape \(loss.shape).")
    precondition(
      loss.tape == nil || loss.tape === self, "backward needs a loss that was computed on this tape.")
    if let slot = loss.slot {
      slot.contribute { gradient, adding in
        gradient.assign(Storage(adding ? gradient[0] + scale : scale))
      }
      replay(done)
    } else {
      contents.withLock { $0.nodes.removeAll() }
      tellDone(done)
    }
  }

  /// Passes the gradients that lie in some outputs back to everything they depend on.
  func replay(_ done: (GradientSlot) -> Void = { _ in }) {
    tellDone(done)
    while let node = contents.withLock({ $0.nodes.popLast() }) {
      run(node)
      tellDone(done)
    }
  }

  private func run(_ node: Node) {
    let gradients = node.outputs.map { $0.isEmpty ? nil : $0.storage }
    guard gradients.contains(where: { $0 != nil }) else { return }
    for output in node.outputs { output.release() }
    guard let watch else { return node.backward(gradients) }
    let before = watch.begin(node.outputs.lazy.compactMap(\.tag).first?.name)
    node.backward(gradients)
    _ = watch.begin(before)
  }

  /// Tells of the parameters that entered behind all operations that are left.
  private func tellDone(_ done: (GradientSlot) -> Void) {
    while let entry = contents.withLock({ contents in
      contents.entries.last.map { $0.place >= contents.nodes.count } == true
        ? contents.entries.popLast() : nil
    }) {
      done(entry.slot)
    }
  }
}

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
  /// The name of the place, with the watch that looks at what is added up here; nil where nobody looks.
  var tag: AnomalyWatch.Tag?

  package init(count: Int, isLasting: Bool = false) {
    self.count = count
    self.isLasting = isLasting
  }

  /// Hands out the buffer to write a contribution to; with `adding` it must be added, otherwise the contents are undefined
  /// and must be overwritten.
  package func contribute(_ body: (_ gradient: Storage, _ adding: Bool) -> Void) {
    let buffer = storage ?? Storage(uninitialized: count, lasting: isLasting)
    storage = buffer
    body(buffer, !isEmpty)
    isEmpty = false
    rows = nil
    tag?.look(at: buffer)
  }

  /// Hands out the buffer to add to some rows of a table, as an embedding does: a first contribution starts from zeros.
  ///
  /// A word table's gradient is tens of megabytes of which a batch touches one percent, so only rows that an earlier
  /// step left behind are cleared, and `rows` tells the optimizer where to look.
  package func accumulate(
    rows indices: [Int32], columns: Int, as kind: WorkKind,
    _ body: (_ gradient: Storage) -> Void
  ) {
    let known = isEmpty ? [] : rows?.indices
    let stale = storage == nil ? nil : staleRows
    let isNew = storage == nil
    let buffer = storage ?? Storage(uninitialized: count, lasting: isLasting)
    storage = buffer
    if isEmpty {
      if let stale, stale.columns == columns {
        RowKernels.clear(stale.indices, of: buffer, columns: columns)
      } else if !(isNew && buffer.isZero) {
        Elementwise.fill(buffer, with: 0, as: kind)
      }
    }
    body(buffer)
    isEmpty = false
    rows = known.map { Rows(columns: columns, indices: Set($0 + indices).sorted()) }
    tag?.look(at: buffer)
  }

  /// Hands out the buffers of several slots at once, nil where there is no slot, for one kernel that writes all of them.
  ///
  /// One tensor may play several roles (self-attention written by hand); then each role writes a buffer of its own, which is
  /// added afterwards.
  package static func contribute(
    to slots: [GradientSlot?], _ body: (_ targets: [(storage: Storage, adding: Bool)?]) -> Void
  ) {
    let present = slots.compactMap { $0 }
    if Set(present.map(ObjectIdentifier.init)).count < present.count {
      let buffers = slots.map { $0.map { Storage(uninitialized: $0.count) } }
      body(buffers.map { $0.map { ($0, false) } })
      for (slot, buffer) in zip(slots, buffers) { if let buffer { slot?.add(buffer) } }
    } else {
      open(slots[...], [], body)
    }
  }

  private static func open(
    _ slots: ArraySlice<GradientSlot?>, _ opened: [(storage: Storage, adding: Bool)?],
    _ body: ([(storage: Storage, adding: Bool)?]) -> Void
  ) {
    guard let first = slots.first else { return body(opened) }
    guard let first else { return open(slots.dropFirst(), opened + [nil], body) }
    first.contribute { open(slots.dropFirst(), opened + [($0, $1)], body) }
  }

  /// Like `contribute`, for operations that only know how to add: a first contribution starts from zeros.
  package func accumulate(_ body: (_ gradient: Storage) -> Void) {
    contribute { gradient, adding in
      if !adding { Elementwise.fill(gradient, with: 0) }
      body(gradient)
    }
  }

  /// Adds a whole gradient.
  package func add(_ other: Storage) {
    contribute { gradient, adding in
      if adding { Elementwise.add(other, to: gradient) } else { gradient.assign(other) }
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
