import Kernels

/// An immutable array of Float32 with a shape.
///
/// Where something upstream is trained it has a slot in which its gradient collects, and knows the tape of its pass: what is
/// computed from it is recorded there. Anything else is a constant. Sendable because values are written once, by the operation
/// that makes them.
public struct Tensor: Sendable {
  /// The values, row-major.
  package let storage: Storage
  /// The extents, outermost first.
  public let shape: Shape
  /// The slot where gradients with respect to this tensor add up, and its tape; nil for a constant.
  package let origin: Origin?

  /// The place of a tensor in the pass that computed it.
  package struct Origin: Sendable {
    package let slot: GradientSlot
    package let link: Tape.Link
  }

  package init(storage: Storage, shape: Shape, origin: Origin? = nil) {
    precondition(
      storage.count == shape.count,
      "A tensor of shape \(shape) needs \(shape.count) values, found \(storage.count).")
    self.storage = storage
    self.shape = shape
    self.origin = origin
  }

  /// Makes the result of an operation: on the tape of its inputs, a constant where they are.
  ///
  /// - Parameter operation: The name of the operation: by default that of the function that makes it.
  package static func result(
    _ storage: Storage, _ shape: Shape, from inputs: Tensor?..., of operation: StaticString = #function
  ) -> Tensor {
    result(storage, shape, on: tape(of: inputs), inputs, of: operation)
  }

  /// Makes the result of an operation that has a tape, or none; the values are there already.
  package static func result(
    _ storage: Storage, _ shape: Shape, on tape: Tape?, _ inputs: [Tensor?] = [],
    of operation: StaticString = #function
  ) -> Tensor {
    guard let tape else { return Tensor(storage: storage, shape: shape) }
    let slot = GradientSlot(count: shape.count)
    if let watch = tape.watch { slot.tag = watch.look(at: storage, shape, of: operation, inputs: inputs) }
    return Tensor(storage: storage, shape: shape, origin: Origin(slot: slot, link: tape.link))
  }

  /// The tape that an operation on these tensors is recorded on, that of the first which has one.
  package static func tape(of inputs: [Tensor?]) -> Tape? {
    var found: Tape?
    for input in inputs {
      guard let tape = input?.tape else { continue }
      precondition(
        found == nil || found === tape, "The operands of an operation must belong to one tape, found two.")
      found = tape
    }
    return found
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
  public var requiresGradient: Bool { origin != nil }

  /// The slot where gradients with respect to this tensor add up; nil for a constant.
  package var slot: GradientSlot? { origin?.slot }

  /// The tape it was computed on; nil for a constant, and once the pass is over.
  package var tape: Tape? { origin?.link.tape }

  /// The values, row-major.
  public var values: [Float] { storage.values }

  /// The value of a one-element tensor.
  public var item: Float {
    precondition(count == 1, "item needs a tensor of one element, found shape \(shape).")
    return storage[0]
  }

  /// The same values under another shape of as many elements; gradients flow through.
  public func reshaped(_ shape: Shape) -> Tensor {
    precondition(
      shape.count == count, "Cannot view shape \(self.shape) as \(shape): the element counts differ.")
    return Tensor(storage: storage, shape: shape, origin: origin)
  }

  /// The same values cut off from the tape: a constant.
  public var detached: Tensor { Tensor(storage: storage, shape: shape) }
}

/// The extents of a tensor, outermost first; a scalar has none.
public struct Shape: Equatable, Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The extents, outermost first.
  public let dimensions: [Int]

  /// A shape with the given extents, each at least 0.
  public init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 }, "A shape's extents must not be negative: \(dimensions).")
    self.dimensions = dimensions
  }

  /// A shape from a literal such as `[32, 384]`.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The number of elements; 1 for a scalar.
  public var count: Int { dimensions.reduce(1, *) }

  /// The extent of the last axis; 1 for a scalar.
  public var lastDimension: Int { dimensions.last ?? 1 }

  /// The number of rows when every axis but the last is folded into one.
  public var rowCount: Int { dimensions.dropLast().reduce(1, *) }

  /// The extent of one axis.
  public subscript(axis: Int) -> Int { dimensions[axis] }

  /// The shape as `[32, 384]`.
  public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}
