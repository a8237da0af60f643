/// An immutable array of Float32 with a shape, and the slot its gradient collects in when something upstream is trained.
public struct Tensor {
  /// The values, row-major.
  public let storage: Storage
  /// The extents, outermost first.
  public let shape: Shape
  /// Where gradients with respect to this tensor add up; nil when nothing upstream requires one.
  package let slot: GradientSlot?

  package init(storage: Storage, shape: Shape, slot: GradientSlot? = nil) {
    precondition(
      storage.count == shape.count,
      "A tensor of shape \(shape) needs \(shape.count) values, found \(storage.count).")
    self.storage = storage
    self.shape = shape
    self.slot = slot
  }

  /// A constant tensor with the given values, row-major.
  public init(_ values: [Float], shape: Shape) {
    self.init(storage: Storage(values), shape: shape)
  }

  /// A constant vector.
  public init(_ values: [Float]) { self.init(values, shape: [values.count]) }

  /// A constant scalar.
  public init(_ value: Float) { self.init([value], shape: []) }

  /// A constant tensor filled with one value.
  public init(repeating value: Float, shape: Shape) {
    self.init(storage: .filled(value, count: shape.count), shape: shape)
  }

  /// The number of elements.
  public var count: Int { shape.count }

  /// Whether backward passes reach this tensor.
  public var requiresGradient: Bool { slot != nil }

  /// The values, row-major.
  public var values: [Float] { storage.values }

  /// The value of a one-element tensor.
  public var item: Float {
    precondition(count == 1, "item needs a tensor of one element, found shape \(shape).")
    return storage.pointer[0]
  }

  /// The same values under another shape of as many elements; gradients flow through.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(
      shape.count == count, "Cannot view shape \(self.shape) as \(shape): the element counts differ.")
    return Tensor(storage: storage, shape: shape, slot: slot)
  }

  /// The same values cut off from the tape: a constant.
  public var detached: Tensor { Tensor(storage: storage, shape: shape) }

  package var pointer: UnsafeMutablePointer<Float> { storage.pointer }
}
