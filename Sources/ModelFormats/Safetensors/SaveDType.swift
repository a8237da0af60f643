package import Kernels

/// Type of the floats in a saved model, under its name in PyTorch; models compute in `float32` whatever they are saved in.
public enum SaveDType: String, Sendable, CaseIterable {
  /// IEEE single precision: the values as they are.
  case float32
  /// IEEE half precision, at most 65504 in size, rounded to the nearest value, ties to even.
  case float16
  /// The upper half of a single-precision float, rounded likewise.
  case bfloat16

  /// The type of an option's text: a name, or the short form `fp32`, `fp16` or `bf16`; nil for any other.
  public init?(named text: String) {
    switch text {
    case "fp32": self = .float32
    case "fp16": self = .float16
    case "bf16": self = .bfloat16
    default:
      guard let type = SaveDType(rawValue: text) else { return nil }
      self = type
    }
  }

  /// The element type in files.
  public var dtype: DType {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    }
  }

  /// The type in which most values of some tensors lie; `float32` where no other holds more.
  package init(ofMost tensors: [TensorInfo]) {
    func count(_ type: SaveDType) -> Int {
      tensors.reduce(0) { $0 + ($1.dtype == type.dtype ? $1.count : 0) }
    }
    let whole = tensors.reduce(0) { $0 + ($1.dtype.isReadableAsFloat ? $1.count : 0) }
    self = [.float16, .bfloat16].first { 2 * count($0) > whole } ?? .float32
  }

  /// The values rounded to this type, as a saved model is read again.
  ///
  /// - Throws: `FormatError.tensor` for values beyond its range.
  package func rounded(_ values: Storage, named name: String, file: String) throws(FormatError) -> Storage {
    guard self != .float32 else { return values }
    let bits = try narrowed(values, named: name, file: file)
    let result = Storage(uninitialized: values.count)
    result.withUnsafeMutablePointer { target in
      Self.withBits(bits, count: values.count) { bits in
        switch self {
        case .float32, .bfloat16: HalfPrecision.widenBrain(bits, into: target, count: values.count)
        case .float16: HalfPrecision.widen(bits, into: target, count: values.count)
        }
      }
    }
    return result
  }

  /// The nearest 16-bit numbers of this type, two in the place of a float.
  ///
  /// - Throws: `FormatError.tensor` for values beyond its range, which would become infinite, and for NaN.
  func narrowed(_ values: Storage, named name: String, file: String) throws(FormatError) -> Storage {
    precondition(self != .float32, "Values of float32 are written as they are, not narrowed.")
    let bits = Storage(uninitialized: (values.count + 1) / 2)
    let misfits = values.withUnsafeMutablePointer { source in
      Self.withBits(bits, count: values.count) { bits in
        self == .float16
          ? HalfPrecision.narrow(source, into: bits, count: values.count)
          : HalfPrecision.narrowToBrain(source, into: bits, count: values.count)
      }
    }
    guard misfits > 0 else { return bits }
    let largest = values.values.reduce(0) { max($0, abs($1)) }
    throw .tensor(
      file: file, name: name,
      reason:
        "it holds values beyond the range of \(rawValue), up to \(largest) (\(misfits) in all); save the model as "
        + (self == .float16 ? "bfloat16 or float32" : "float32"))
  }

  private static func withBits<Result>(
    _ bits: Storage, count: Int, _ body: (UnsafeMutablePointer<UInt16>) -> Result
  ) -> Result {
    bits.withUnsafeMutablePointer { floats in
      floats.withMemoryRebound(to: UInt16.self, capacity: 2 * bits.count) { body($0) }
    }
  }
}

extension SaveDType: SettingValue {}
