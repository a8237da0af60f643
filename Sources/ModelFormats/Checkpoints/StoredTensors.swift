package import Kernels

/// The named arrays of a file, whatever its format, which stays mapped into memory.
package final class StoredTensors: Sendable {
  /// The path the file was opened under.
  package let path: String
  /// The tensors, in the order the format gives them.
  package let tensors: [TensorInfo]
  private let content: MappedFile
  private let isBigEndian: Bool
  private let index: [String: Int]
  /// Tensors that share bytes with another one.
  private let overlapping: Set<String>

  /// - Parameter tensors: Checked: they lie in the file, and their names differ.
  init(_ content: MappedFile, path: String, tensors: [TensorInfo], isBigEndian: Bool = false) {
    self.content = content
    self.path = path
    self.tensors = tensors
    self.isBigEndian = isBigEndian
    index = Dictionary(tensors.enumerated().map { ($1.name, $0) }) { first, _ in first }
    overlapping = Self.overlapping(tensors)
  }

  /// Opens a safetensors file or one of `torch.save`, told apart by their first bytes.
  package convenience init(path: String) throws(FormatError) {
    let content = try MappedFile(path: path)
    switch WeightFormat(try content.slice(0..<512)) {
    case .pytorch:
      let file = try PyTorchCheckpoint(content, file: path)
      self.init(content, path: path, tensors: file.tensors, isBigEndian: file.isBigEndian)
    case .foreign(let advice): throw .cannotRead(file: path, reason: advice)
    case .safetensors:
      let header: SafetensorsHeader
      do { header = try SafetensorsHeader(content, file: path) } catch {
        guard case .safetensors(_, let reason) = error, !path.hasSuffix(".safetensors") else { throw error }
        throw .pytorch(
          file: path,
          reason: "found no archive of torch.save and no safetensors (\(reason)); download it again")
      }
      self.init(content, path: path, tensors: header.tensors)
    }
  }

  /// The tensor of a name, nil when there is none.
  package subscript(name: String) -> TensorInfo? { index[name].map { tensors[$0] } }

  /// A tensor's values as Float32, row-major; F16, BF16 and F64 are converted.
  ///
  /// - Throws: `FormatError.tensor` when there is no such tensor or its type is not a float type.
  package func floats(_ name: String) throws(FormatError) -> [Float] {
    let info = try find(name)
    try requireFloat(info)
    try content.check(info.byteRange)
    return [Float](unsafeUninitializedCapacity: info.count) { buffer, count in
      if let target = buffer.baseAddress { convert(info, into: target) }
      count = info.count
    }
  }

  /// A tensor's values as integers, row-major.
  ///
  /// - Throws: `FormatError.tensor` when there is no such tensor or its type is not I64, I32, U8 or BOOL.
  package func integers(_ name: String) throws(FormatError) -> [Int] {
    let info = try find(name)
    try content.check(info.byteRange)
    func read<T: BinaryInteger>(_ type: T.Type) -> [Int] {
      withBytes(of: info) { bytes in
        (0..<info.count).map {
          Int(bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.size, as: type))
        }
      }
    }
    switch info.dtype {
    case .int64: return read(Int64.self)
    case .int32: return read(Int32.self)
    case .uint8, .bool: return read(UInt8.self)
    case .int8, .float8e5m2, .float8e4m3, .uint16, .int16, .float16, .bfloat16, .uint32, .float32, .uint64,
      .float64:
      throw fault(info, "its dtype is \(info.dtype.rawValue), expected I64, I32, U8 or BOOL")
    }
  }

  /// Converts a tensor's values into `target`, which has room for all of them.
  package func readFloats(_ info: TensorInfo, into target: UnsafeMutablePointer<Float>) throws(FormatError) {
    try requireFloat(info)
    try content.check(info.byteRange)
    convert(info, into: target)
  }

  /// The values where they are mapped when they are Float32 as this machine has them, row by row at a multiple of 4 bytes
  /// and shared with no other tensor; nil otherwise.
  ///
  /// Writing never reaches the file, but every reader of this object sees the new values, so only one owner may write.
  /// The pointer lives as long as this object.
  package func floatsInPlace(_ info: TensorInfo) throws(FormatError) -> UnsafeMutablePointer<Float>? {
    guard info.dtype == .float32, info.count > 0, info.byteRange.lowerBound % 4 == 0, info.strides == nil,
      !isBigEndian, !overlapping.contains(info.name)
    else { return nil }
    try content.check(info.byteRange)
    return content.bytes.baseAddress.map {
      ($0 + info.byteRange.lowerBound).assumingMemoryBound(to: Float.self)
    }
  }

  /// A matrix of 8-bit integers, with the scales of its rows, [rows], in another tensor of the file.
  ///
  /// - Throws: `FormatError.tensor` when the integers are no matrix of I8, or the scales are not one float a row.
  package func quantized(_ info: TensorInfo, scales name: String) throws(FormatError) -> QuantizedMatrix {
    guard info.dtype == .int8, info.shape.count == 2 else {
      throw fault(info, "it is \(info.dtype.rawValue) of shape \(info.shape), expected a matrix of I8")
    }
    guard let scales = self[name] else {
      throw fault(info, "its scales, \(name), are not in the file; save the model again")
    }
    guard scales.shape == [info.shape[0]] else {
      throw fault(scales, "its shape is \(scales.shape), expected [\(info.shape[0])], one scale a row")
    }
    try content.check(info.byteRange)
    let values = try storage(of: scales)
    return withBytes(of: info) {
      QuantizedMatrix(integers: $0, scales: values, rows: info.shape[0], columns: info.shape[1])
    }
  }

  /// The number of a tensor's values that are NaN or infinite as Float32, read without being kept.
  ///
  /// - Parameter elements: Which of its values, by their places in the file; all of them when they do not lie row by row.
  /// - Throws: `FormatError`, as `floats`.
  package func nonFiniteCount(_ info: TensorInfo, in elements: Range<Int>) throws(FormatError) -> Int {
    try requireFloat(info)
    guard liesRowByRow(info) else {
      return try floats(info.name).withUnsafeBufferPointer(CheckpointReader.nonFiniteCount)
    }
    let (start, size) = (info.byteRange.lowerBound, info.dtype.byteCount)
    let range = start + elements.lowerBound * size..<start + elements.upperBound * size
    var total = 0
    func count(_ bytes: UnsafeRawBufferPointer) {
      switch info.dtype {
      case .float16: total += Self.nonFiniteCount(bytes, exponent: 0x7C00 as UInt16)
      case .bfloat16: total += Self.nonFiniteCount(bytes, exponent: 0x7F80 as UInt16)
      case .float64: bytes.withMemoryRebound(to: Double.self) { total += $0.count { !Float($0).isFinite } }
      case .float32: total += Self.nonFiniteCount(bytes, exponent: 0x7F80_0000 as UInt32)
      case .bool, .uint8, .int8, .float8e5m2, .float8e4m3, .uint16, .int16, .uint32, .int32, .uint64, .int64:
        preconditionFailure("A tensor of \(info.dtype.rawValue) has no floats to count.")
      }
    }
    try content.forEachPiece(of: range, count)
    return total
  }

  /// Whether a tensor's values lie one after the other, their least significant byte first.
  package func liesRowByRow(_ info: TensorInfo) -> Bool { info.strides == nil && !isBigEndian }

  /// The number of values whose exponent is all ones; the first lies at a multiple of its size.
  static func nonFiniteCount<Bits: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, exponent: Bits
  ) -> Int {
    // One added to an exponent of ones goes over into the sign's place; without a branch, for vector registers.
    let lowest = exponent & (~exponent &+ 1)
    return bytes.withMemoryRebound(to: Bits.self) { values in
      var total = 0
      // A block's counter is as wide as the values and cannot overflow.
      for start in stride(from: 0, to: values.count, by: 1 << 15) {
        let block = UnsafeBufferPointer(rebasing: values[start..<min(values.count, start + 1 << 15)])
        var found: Bits = 0
        for value in block { found &+= ((value & exponent) &+ lowest) >> Bits(Bits.bitWidth - 1) }
        total += Int(found)
      }
      return total
    }
  }

  // MARK: Helpers

  private static func overlapping(_ tensors: [TensorInfo]) -> Set<String> {
    var result: Set<String> = []
    var previous: TensorInfo?  // the one that reaches furthest so far
    for tensor in tensors.sorted(by: { $0.byteRange.lowerBound < $1.byteRange.lowerBound })
    where !tensor.byteRange.isEmpty {
      if let other = previous, tensor.byteRange.lowerBound < other.byteRange.upperBound {
        result.formUnion([other.name, tensor.name])
        if tensor.byteRange.upperBound <= other.byteRange.upperBound { continue }
      }
      previous = tensor
    }
    return result
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
    withBytes(of: info) { bytes in
      guard let base = bytes.baseAddress else { return }
      switch info.dtype {
      case .float16:
        for i in 0..<info.count {
          target[i] = FloatConversion.float(half: base.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
        }
      case .bfloat16:
        for i in 0..<info.count {
          target[i] = FloatConversion.float(
            bfloat: base.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self))
        }
      case .float64:
        for i in 0..<info.count {
          target[i] = Float(base.loadUnaligned(fromByteOffset: 8 * i, as: Double.self))
        }
      case .float32: UnsafeMutableRawPointer(target).copyMemory(from: base, byteCount: bytes.count)
      case .bool, .uint8, .int8, .float8e5m2, .float8e4m3, .uint16, .int16, .uint32, .int32, .uint64, .int64:
        preconditionFailure("A tensor of \(info.dtype.rawValue) cannot become floats.")
      }
    }
  }

  /// The values row by row with their least significant byte first: those in place, or a copy where those are not so.
  private func withBytes<R>(of info: TensorInfo, _ body: (UnsafeRawBufferPointer) -> R) -> R {
    let stored = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(content.bytes)[info.byteRange])
    guard !liesRowByRow(info) else { return body(stored) }
    return rowMajorCopy(of: stored, info).withUnsafeBytes(body)
  }

  /// A tensor's elements one after the other, out of bytes in which they lie otherwise.
  private func rowMajorCopy(of source: UnsafeRawBufferPointer, _ info: TensorInfo) -> [UInt8] {
    let (size, shape) = (info.dtype.byteCount, info.shape)
    let strides = info.strides ?? shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
    return [UInt8](unsafeUninitializedCapacity: info.count * size) { target, count in
      count = info.count * size
      var index = [Int](repeating: 0, count: shape.count)
      var element = 0
      for start in stride(from: 0, to: count, by: size) {
        for byte in 0..<size {
          target[start + byte] = source[element * size + (isBigEndian ? size - 1 - byte : byte)]
        }
        // Counts up like an odometer, the last axis fastest.
        for axis in shape.indices.reversed() {
          index[axis] += 1
          element += strides[axis]
          guard index[axis] == shape[axis] else { break }
          element -= index[axis] * strides[axis]
          index[axis] = 0
        }
      }
    }
  }
}

extension StoredTensors {
  /// The values of a float tensor: where they are mapped if they can stay there (see `floatsInPlace`), else converted.
  ///
  /// - Throws: `FormatError` when the tensor cannot be read.
  package func storage(of info: TensorInfo) throws(FormatError) -> Storage {
    if let values = try floatsInPlace(info) {
      return Storage(borrowing: values, count: info.count, owner: self)
    }
    let storage = Storage(uninitialized: info.count)
    try storage.withUnsafeMutablePointer { (target) throws(FormatError) in try readFloats(info, into: target)
    }
    return storage
  }
}
