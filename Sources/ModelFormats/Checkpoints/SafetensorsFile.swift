package import Kernels

/// A safetensors file whose header is completely checked when it is opened; values are read when they are asked for.
public final class SafetensorsFile: Sendable {
  /// The free-form strings under `__metadata__`.
  public let metadata: [String: String]
  private let content: StoredTensors

  /// Opens the file and checks its whole header.
  ///
  /// - Throws: `FormatError` naming the file and, where one is at fault, the tensor.
  public init(path: String) throws(FormatError) {
    let file = try MappedFile(path: path)
    let header = try SafetensorsHeader(file, file: path)
    metadata = header.metadata
    content = StoredTensors(file, path: path, tensors: header.tensors)
  }

  /// The path the file was opened under.
  public var path: String { content.path }

  /// The tensors, in the order of their data.
  public var tensors: [TensorInfo] { content.tensors }

  /// The tensor of a name, nil when there is none.
  public subscript(name: String) -> TensorInfo? { content[name] }

  /// A tensor's values as Float32, row-major; F16, BF16 and F64 are converted.
  ///
  /// - Throws: `FormatError.tensor` when there is no such tensor or its type is not a float type.
  public func floats(_ name: String) throws(FormatError) -> [Float] { try content.floats(name) }

  /// A tensor's values as integers, row-major.
  ///
  /// - Throws: `FormatError.tensor` when there is no such tensor or its type is not I64, I32, U8 or BOOL.
  public func integers(_ name: String) throws(FormatError) -> [Int] { try content.integers(name) }

  /// Converts a tensor's values into `target`, which has room for all of them.
  package func readFloats(_ info: TensorInfo, into target: UnsafeMutablePointer<Float>) throws(FormatError) {
    try content.readFloats(info, into: target)
  }

  /// The values where they are mapped if they are Float32 (see `StoredTensors`).
  package func floatsInPlace(_ info: TensorInfo) throws(FormatError) -> UnsafeMutablePointer<Float>? {
    try content.floatsInPlace(info)
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
