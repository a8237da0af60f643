import Kernels

/// A named, trainable array: the only mutable state of a model.
///
/// Its values are floats, or 8-bit integers with a scale for each row, which are never trained. Identity matters: tied
/// weights are one object held twice.
public final class Parameter {
  /// The checkpoint name, such as `encoder.layer.0.attention.self.query.weight`.
  public let name: String
  /// The extents, as in the checkpoint (linear weights are [outputs, inputs]).
  public let shape: Shape
  private let held: Held
  /// The values as floats: those that optimizers change in place, or a copy of what the integers stand for.
  package var storage: Storage {
    switch held {
    case .floats(let storage): storage
    case .integers(let matrix): matrix.dequantized()
    case .blocks(let matrix): matrix.dense()
    }
  }
  /// The integers that the parameter is held in; nil where it is held in floats.
  package var quantized: QuantizedMatrix? {
    switch held {
    case .floats, .blocks: nil
    case .integers(let matrix): matrix
    }
  }
  /// The blocks that the parameter is held in; nil where it is held otherwise.
  package var blocks: BlockMatrix? {
    switch held {
    case .floats, .integers: nil
    case .blocks(let matrix): matrix
    }
  }
  /// The steps down from a model's answer, 0 for heads, by which layer-wise decay lowers learning rates.
  public let distance: Int
  /// Whether backward passes compute a gradient for it; never where it is held in integers or blocks.
  public var isTrainable: Bool {
    get { trains && quantized == nil && blocks == nil }
    set { trains = newValue }
  }
  private var trains: Bool
  /// Whether passes compute with the floats as their 8-bit integers would; of no effect where it is held in integers.
  package var simulatesInt8 = false
  package let slot: GradientSlot

  private enum Held {
    case floats(Storage)
    case integers(QuantizedMatrix)
    case blocks(BlockMatrix)
  }

  /// A parameter with the given initial value, whose memory it takes over: optimizers will write to it.
  public init(name: String, value: Tensor, distance: Int = 0, isTrainable: Bool = true) {
    self.name = name
    self.shape = value.shape
    held = .floats(value.storage)
    self.distance = distance
    trains = isTrainable
    self.slot = GradientSlot(count: value.count, isLasting: true)
  }

  /// A parameter that is held in 8-bit integers, [rows, columns].
  package convenience init(name: String, quantized matrix: QuantizedMatrix, distance: Int = 0) {
    self.init(name: name, [matrix.rows, matrix.columns], fixed: .integers(matrix), distance: distance)
  }

  /// A parameter that is held without its blocks of zeros, [rows, columns].
  package convenience init(name: String, blocks matrix: BlockMatrix, distance: Int = 0) {
    self.init(name: name, [matrix.rows, matrix.columns], fixed: .blocks(matrix), distance: distance)
  }

  /// A parameter that is never trained.
  private init(name: String, _ shape: Shape, fixed held: Held, distance: Int) {
    (self.name, self.shape, self.held, self.distance) = (name, shape, held, distance)
    trains = false
    slot = GradientSlot(count: 0)
  }

  /// The number of values.
  public var count: Int { shape.count }
  /// The bytes that the values take.
  public var byteCount: Int { quantized?.byteCount ?? blocks?.byteCount ?? 4 * count }

  /// The parameter as an operand of a pass, the only way it enters one: while it is trainable, the pass's tape brings
  /// gradients back here.
  public func tensor(in context: Context) -> Tensor {
    let tag = context.tape?.watch?.enter(self)
    guard isTrainable, let tape = context.tape else { return detached }
    slot.tag = tag
    tape.enter(slot)
    return Tensor(storage: storage, shape: shape, origin: Tensor.Origin(slot: slot, link: tape.link))
  }

  /// The parameter as the weight of a linear layer, with the bias, if any.
  ///
  /// Integers are multiplied as they are where the pass has no tape; where gradients pass through, their floats are.
  package func weights(bias: Tensor?, in context: Context) -> LinearWeights {
    if quantized == nil, simulatesInt8 {
      return LinearWeights(simulatingInt8: tensor(in: context), bias: bias)
    }
    if context.tape == nil, let blocks { return LinearWeights(.blocks(blocks), bias: bias) }
    guard context.tape == nil, let quantized else { return LinearWeights(tensor(in: context), bias: bias) }
    return LinearWeights(.int8(quantized), bias: bias)
  }

  /// The parameter as a table of embeddings, integers as they are where the pass has no tape.
  package func table(in context: Context) -> EmbeddingTable {
    if quantized == nil, simulatesInt8 { return .simulated(tensor(in: context)) }
    guard context.tape == nil, let quantized else { return .dense(tensor(in: context)) }
    return .int8(quantized)
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
    precondition(
      quantized == nil && blocks == nil,
      "Parameter \(name) is held in 8-bit integers or without its zeros; it cannot be assigned floats.")
    storage.assign(value.storage)
  }
}
