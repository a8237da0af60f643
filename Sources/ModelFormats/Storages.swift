package import Kernels

// Values as the engine holds them, to files and back.

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

extension SafetensorsFile {
  /// Converts a tensor's values into a storage of as many.
  ///
  /// - Throws: `FormatError` when the tensor cannot be read.
  package func readFloats(_ info: TensorInfo, into storage: Storage) throws(FormatError) {
    precondition(
      storage.count == info.count, "A storage of \(storage.count) values cannot take \(info.count).")
    try storage.withUnsafeMutablePointer { (target) throws(FormatError) in try readFloats(info, into: target)
    }
  }
}

extension SafetensorsWriter {
  /// Adds values that must stay as they are until `write(to:)` returns.
  package mutating func add(_ name: String, shape: [Int], values: Storage) {
    let pointer = values.withUnsafeMutablePointer { UnsafePointer($0) }
    add(name, shape: shape, values: pointer, count: values.count, owner: values)
  }
}

extension Fingerprint {
  /// Adds the number of the values' bytes and the bytes.
  package mutating func add(_ values: Storage) {
    values.withUnsafeMutablePointer { add(UnsafeRawBufferPointer(start: $0, count: 4 * values.count)) }
  }
}

extension CheckpointReader {
  /// The number of values that are NaN or infinite.
  package static func nonFiniteCount(_ values: Storage) -> Int {
    values.withUnsafeMutablePointer { nonFiniteCount(UnsafeBufferPointer(start: $0, count: values.count)) }
  }
}
