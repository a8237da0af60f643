/// A safetensors file in memory, completely checked when it is opened; values are read from the mapped pages.
public final class SafetensorsFile: Sendable {
  /// The path the file was opened under.
  public let path: String
  /// The tensors, in the order of their data.
  public let tensors: [TensorInfo]
  /// The free-form strings under `__metadata__`.
  public let metadata: [String: String]
  private let map: MappedFile
  private let index: [String: Int]

  /// Maps the file and checks its whole header.
  ///
  /// - Throws: `FormatError` naming the file and, where one is at fault, the tensor.
  public init(path: String) throws(FormatError) {
    self.path = path
    map = try MappedFile(path: path)
    let header = try SafetensorsHeader(UnsafeRawBufferPointer(map.bytes), file: path)
    tensors = header.tensors
    metadata = header.metadata
    index = Dictionary(tensors.enumerated().map { ($1.name, $0) }) { first, _ in first }
    guard index.count == tensors.count else {
      throw .safetensors(file: path, reason: "two tensor names differ only in Unicode normalisation")
    }
  }

  /// The tensor of a name, nil when there is none.
  public subscript(name: String) -> TensorInfo? { index[name].map { tensors[$0] } }

  /// A tensor's values as Float32, row-major; F16, BF16 and F64 are converted.
  ///
  /// - Throws: `FormatError.tensor` when there is no such tensor or its type is not a float type.
  public func floats(_ name: String) throws(FormatError) -> [Float] {
    let info = try find(name)
    try requireFloat(info)
    return [Float](unsafeUninitializedCapacity: info.count) { buffer, count in
      if let target = buffer.baseAddress { convert(info, into: target) }
      count = info.count
    }
  }

  /// A tensor's values as integers, row-major.
  ///
  /// - Throws: `FormatError.tensor` when there is no such tensor or its type is not I64, I32, U8 or BOOL.
  public func integers(_ name: String) throws(FormatError) -> [Int] {
    let info = try find(name)
    let bytes = bytes(of: info)
    func read<T: BinaryInteger>(_ type: T.Type) -> [Int] {
      (0..<info.count).map { Int(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: type)) }
    }
    switch info.dtype {
    case .int64: return read(Int64.self)
    case .int32: return read(Int32.self)
    case .uint8, .bool: return read(UInt8.self)
    default: throw fault(info, "its dtype is \(info.dtype.rawValue), expected I64, I32, U8 or BOOL")
    }
  }

  /// Converts a tensor's values into `target`, which has room for all of them.
  package func readFloats(_ info: TensorInfo, into target: UnsafeMutablePointer<Float>) throws(FormatError) {
    try requireFloat(info)
    convert(info, into: target)
  }

  /// The mapped values themselves when they are Float32 at a multiple of 4 bytes, nil otherwise.
  ///
  /// The pages are private: writing copies them and never reaches the file, but every reader of this object sees the
  /// new values, so only one owner may write. The pointer lives as long as this object.
  package func mappedFloats(_ info: TensorInfo) -> UnsafeMutablePointer<Float>? {
    guard info.dtype == .float32, info.count > 0, info.byteRange.lowerBound % 4 == 0 else { return nil }
    return map.bytes.baseAddress.map { ($0 + info.byteRange.lowerBound).assumingMemoryBound(to: Float.self) }
  }

  // MARK: Helpers

  private func bytes(of info: TensorInfo) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(map.bytes)[info.byteRange])
  }

  private func find(_ name: String) throws(FormatError) -> TensorInfo {
    guard let info = self[name] else {
      throw .tensor(file: path, name: name, reason: "it is not in the file")
    }
    return info
  }

  private func requireFloat(_ info: TensorInfo) throws(FormatError) {
    guard info.dtype.isReadableAsFloat else {
      throw fault(info, "its dtype is \(info.dtype.rawValue), expected F32, F16, BF16 or F64")
    }
  }

  private func fault(_ info: TensorInfo, _ reason: String) -> FormatError {
    .tensor(file: path, name: info.name, reason: reason)
  }

  private func convert(_ info: TensorInfo, into target: UnsafeMutablePointer<Float>) {
    let bytes = bytes(of: info)
    guard let base = bytes.baseAddress else { return }
    switch info.dtype {
    case .float16:
      for i in 0..<info.count {
        target[i] = FloatConversion.float(half: base.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
      }
    case .bfloat16:
      for i in 0..<info.count {
        target[i] = FloatConversion.float(bfloat: base.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
      }
    case .float64:
      for i in 0..<info.count {
        target[i] = Float(base.loadUnaligned(fromByteOffset: 8 * i, as: Double.self))
      }
    default: UnsafeMutableRawPointer(target).copyMemory(from: base, byteCount: bytes.count)
    }
  }
}
