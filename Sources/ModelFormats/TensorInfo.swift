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

  /// The number of elements.
  public var count: Int { byteRange.count / dtype.byteCount }
}
