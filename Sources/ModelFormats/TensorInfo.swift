/// What a checkpoint says about one tensor: name, element type, shape and place.
public struct TensorInfo: Sendable, Equatable {
  /// The name in the checkpoint.
  public let name: String
  /// The element type in the file.
  public let dtype: DType
  /// The extents, outermost first; empty for a scalar.
  public let shape: [Int]
  /// Where the values lie, in bytes from the start of the file.
  public let byteRange: Range<Int>
  /// The distance of neighbours along each axis in elements, nil when the values follow each other row by row.
  ///
  /// Only PyTorch's files store transposed or cut tensors like this; `byteRange` then reaches from the first value used
  /// to the last.
  package let strides: [Int]?

  /// A tensor at a place that has been checked: the range holds exactly what shape and strides touch.
  init(name: String, dtype: DType, shape: [Int], byteRange: Range<Int>, strides: [Int]? = nil) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteRange = byteRange
    self.strides = strides
  }

  /// The number of elements.
  public var count: Int { shape.reduce(1, *) }
}
