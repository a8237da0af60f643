import Kernels

/// A named, trainable array: the only mutable state of a model.
///
/// Identity matters: tied weights are one object held twice.
public final class Parameter {
  /// The checkpoint name, such as `encoder.layer.0.attention.self.query.weight`.
  public let name: String
  /// The extents, as in the checkpoint (linear weights are [outputs, inputs]).
  public let shape: Shape
  /// The values; optimizers change them in place.
  package private(set) var storage: Storage
  /// The steps down from a model's answer, 0 for heads, by which layer-wise decay lowers learning rates.
  public let distance: Int
  /// Whether backward passes compute a gradient for it.
  public var isTrainable: Bool
  package let slot: GradientSlot

  /// A parameter with the given initial value, whose memory it takes over: optimizers will write to it.
  public init(name: String, value: Tensor, distance: Int = 0, isTrainable: Bool = true) {
    self.name = name
    self.shape = value.shape
    self.storage = value.storage
    self.distance = distance
    self.isTrainable = isTrainable
    self.slot = GradientSlot(count: value.count, isLasting: true)
  }

  /// The number of values.
  public var count: Int { shape.count }

  /// The parameter as an operand of a pass, the only way it enters one: while it is trainable, the pass's tape brings
  /// gradients back here.
  public func tensor(in context: Context) -> Tensor {
    guard isTrainable, let tape = context.tape else { return detached }
    return Tensor(storage: storage, shape: shape, origin: Tensor.Origin(slot: slot, link: tape.link))
  }

  /// The parameter as a constant, which no gradient comes back from; it shares the values.
  public var detached: Tensor { Tensor(storage: storage, shape: shape) }

  /// A copy of the values, row-major.
  public var values: [Float] { storage.values }

  /// The gradient collected so far, nil when there is none.
  public var gradient: Tensor? {
    guard !slot.isEmpty, let storage = slot.storage else { return nil }
    return Tensor(storage: storage, shape: shape)
  }

  /// Forgets the gradient; its buffer stays for the next step.
  public func zeroGradient() { slot.clear() }

  /// Replaces the values by a copy of another tensor's, which must have the same shape.
  public func assign(_ value: Tensor) {
    precondition(value.shape == shape, "Parameter \(name) has shape \(shape); cannot assign \(value.shape).")
    storage.assign(value.storage)
  }
}
