/// Entry of one tensor in a checkpoint: name, element type, shape and place.
public struct TensorInfo: Sendable, Equatable {
  /// The name in the checkpoint.
  public let name: String
  /// The element type in the file.
  public let dtype: DType
  /// The extents, outermost first; empty for a scalar.
  public let shape: [Int]
  /// The place of the values, in bytes from the start of the file.
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

/// The element types of a checkpoint, under their names in the safetensors format.
public enum DType: String, Sendable, CaseIterable {
  /// Truth values, one byte each.
  case bool = "BOOL"
  /// Unsigned 8-bit integers.
  case uint8 = "U8"
  /// Signed 8-bit integers.
  case int8 = "I8"
  /// 8-bit floats with 5 exponent bits.
  case float8e5m2 = "F8_E5M2"
  /// 8-bit floats with 4 exponent bits.
  case float8e4m3 = "F8_E4M3"
  /// Unsigned 16-bit integers.
  case uint16 = "U16"
  /// Signed 16-bit integers.
  case int16 = "I16"
  /// IEEE half precision.
  case float16 = "F16"
  /// The upper half of a single-precision float.
  case bfloat16 = "BF16"
  /// Unsigned 32-bit integers.
  case uint32 = "U32"
  /// Signed 32-bit integers.
  case int32 = "I32"
  /// IEEE single precision, what Potstill computes in.
  case float32 = "F32"
  /// Unsigned 64-bit integers.
  case uint64 = "U64"
  /// Signed 64-bit integers.
  case int64 = "I64"
  /// IEEE double precision.
  case float64 = "F64"

  /// The bytes one element takes.
  public var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8, .float8e5m2, .float8e4m3: 1
    case .uint16, .int16, .float16, .bfloat16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    }
  }

  /// Whether reading converts this type to Float32.
  public var isReadableAsFloat: Bool {
    switch self {
    case .float16, .bfloat16, .float32, .float64: true
    case .bool, .uint8, .int8, .float8e5m2, .float8e4m3, .uint16, .int16, .uint32, .int32, .uint64, .int64:
      false
    }
  }
}

/// Widening of 16-bit floats, by bits: Swift's own Float16 does not exist on every platform.
package enum FloatConversion {
  /// The value of an IEEE half-precision number, exactly (subnormals, infinities and NaN payloads too).
  @inline(__always)
  package static func float(half: UInt16) -> Float {
    let magnitude = UInt32(half & 0x7FFF) << 13
    // Reading the bits as a Float makes the value 2^112 times too small, subnormals included.
    var bits = (Float(bitPattern: magnitude) * 0x1p112).bitPattern
    if magnitude >= 0x0F80_0000 { bits = magnitude | 0x7F80_0000 }  // infinity and NaN
    return Float(bitPattern: bits | UInt32(half & 0x8000) << 16)
  }

  /// The value of a bfloat16 number, exactly.
  @inline(__always)
  package static func float(bfloat: UInt16) -> Float { Float(bitPattern: UInt32(bfloat) << 16) }
}
