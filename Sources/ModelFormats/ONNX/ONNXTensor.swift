internal import Kernels

/// Constant of a graph (`TensorProto`), whose values are read from where they lie when it is written.
struct ONNXTensor {
  /// Place of the values.
  enum Content {
    /// The bytes themselves.
    case bytes([UInt8])
    /// Float32 values, one part behind the other.
    case floats([Storage])
    /// The transpose of a matrix of Float32 values.
    case transposed(Storage, rows: Int, columns: Int)
    /// A matrix of 8-bit integers, or its transpose.
    case integers(QuantizedMatrix, isTransposed: Bool)
  }

  let name: String
  let type: ONNXGraph.ElementType
  let shape: [Int]
  private let content: Content

  init(name: String, type: ONNXGraph.ElementType = .float, shape: [Int], content: Content) {
    (self.name, self.type, self.shape, self.content) = (name, type, shape, content)
    precondition(
      byteCount == type.width * shape.reduce(1, *),
      "The tensor \(name) of shape \(shape) needs another number of values.")
  }

  /// The bytes of the values.
  var byteCount: Int {
    switch content {
    case .bytes(let bytes): bytes.count
    case .floats(let parts): 4 * parts.reduce(0) { $0 + $1.count }
    case .transposed(let matrix, _, _): 4 * matrix.count
    case .integers(let matrix, _): matrix.rows * matrix.columns
    }
  }

  /// The message with all but the values, which come behind it.
  var inlineHead: ProtobufMessage {
    var message = head
    message.begin(9, count: byteCount)
    return message
  }

  /// The message of a tensor whose values lie in another file.
  func externalMessage(file: String, offset: Int) -> ProtobufMessage {
    var message = head
    for (key, value) in [("location", file), ("offset", "\(offset)"), ("length", "\(byteCount)")] {
      var entry = ProtobufMessage()
      entry.add(1, key)
      entry.add(2, value)
      message.add(13, entry)
    }
    message.add(14, 1)
    return message
  }

  private var head: ProtobufMessage {
    var message = ProtobufMessage()
    for extent in shape { message.add(1, extent) }
    message.add(2, type.rawValue)
    message.add(8, name)
    return message
  }

  /// Writes the values.
  func write(to file: AtomicFile) throws(FormatError) {
    switch content {
    case .bytes(let bytes): try file.write(bytes)
    case .floats(let parts):
      for part in parts {
        try part.withUnsafeMutablePointer { (values) throws(FormatError) in
          try file.write(UnsafeRawBufferPointer(start: values, count: 4 * part.count))
        }
      }
    case .transposed(let matrix, let rows, let columns):
      try matrix.withUnsafeMutablePointer { (values) throws(FormatError) in
        try Self.write(transposeOf: values, rows: rows, columns: columns, to: file)
      }
    case .integers(let matrix, false):
      try matrix.withIntegers { (bytes) throws(FormatError) in try file.write(bytes) }
    case .integers(let matrix, true):
      try matrix.withIntegers { (bytes) throws(FormatError) in
        guard let first = bytes.baseAddress else { return }
        try Self.write(
          transposeOf: first.assumingMemoryBound(to: UInt8.self), rows: matrix.rows, columns: matrix.columns,
          to: file)
      }
    }
  }

  /// Writes the columns of a matrix as rows, some at a time.
  private static func write<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    transposeOf matrix: UnsafePointer<Element>, rows: Int, columns: Int, to file: AtomicFile
  ) throws(FormatError) {
    if rows == 0 { return }
    let block = max(1, (1 << 18) / rows)
    var buffer = [Element](repeating: 0, count: min(block, columns) * rows)
    for start in stride(from: 0, to: columns, by: block) {
      let count = min(block, columns - start)
      try buffer.withUnsafeMutableBufferPointer { (buffer) throws(FormatError) in
        for row in 0..<rows {
          let source = matrix + row * columns + start
          for column in 0..<count { buffer[column * rows + row] = source[column] }
        }
        try file.write(
          UnsafeRawBufferPointer(start: buffer.baseAddress, count: MemoryLayout<Element>.size * count * rows))
      }
    }
  }
}
