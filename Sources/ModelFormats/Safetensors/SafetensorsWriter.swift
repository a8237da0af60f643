import Foundation
package import Kernels

/// Writer of a safetensors file: collects named arrays, floats or 8-bit integers, and writes them at once.
///
/// The file is byte for byte a function of its contents: tensors sorted by name, header padded with spaces to a
/// multiple of 8, `__metadata__` `{"format":"pt"}` (transformers wants it).
public struct SafetensorsWriter {
  private struct Entry {
    let name: String
    let dtype: DType
    let shape: [Int]
    let content: Content

    /// The number of bytes in the file.
    var byteCount: Int { dtype.byteCount * shape.reduce(1, *) }
  }
  /// Values of an entry.
  private enum Content {
    /// Bytes as they are, which the owner keeps alive.
    case bytes(UnsafeRawBufferPointer, owner: AnyObject?)
    /// Floats that are rounded to a type of 16 bits while they are written.
    case rounded(Storage, to: SaveDType)
    /// Floats that are fetched while they are written, so that they need no memory before.
    case fetched(() -> Storage)
  }
  private var entries: [Entry] = []
  /// The free-form strings of the header; `format` is `pt` unless it is changed.
  public var metadata: [String: String] = ["format": "pt"]

  /// A writer without tensors.
  public init() {}

  /// Adds a copy of an array; each name may be added once.
  public mutating func add(_ name: String, shape: [Int], values: [Float]) {
    let box = Box(values)
    add(name, shape: shape, values: UnsafePointer(box.buffer), count: values.count, owner: box)
  }

  /// Adds values that `owner` keeps alive and unchanged until `write(to:)` returns.
  package mutating func add(
    _ name: String, shape: [Int], values: UnsafePointer<Float>, count: Int, owner: AnyObject?
  ) {
    add(
      name, .float32, shape: shape, count: count,
      .bytes(UnsafeRawBufferPointer(start: values, count: 4 * count), owner: owner))
  }

  private mutating func add(
    _ name: String, _ dtype: DType, shape: [Int], count: Int, _ content: Content
  ) {
    precondition(
      count == shape.reduce(1, *),
      "Tensor \(name) of shape \(shape) needs another number of values than \(count).")
    precondition(name != "__metadata__", "A tensor must not be called __metadata__.")
    entries.append(Entry(name: name, dtype: dtype, shape: shape, content: content))
  }

  /// Writes to a temporary file beside `url`, then renames it.
  ///
  /// - Throws: `FormatError.cannotWrite`; `FormatError.tensor` for values beyond the range of the type that they are rounded to.
  ///   Nothing remains on the disk then.
  public func write(to url: URL) throws(FormatError) {
    let sorted = ordered
    let file = try AtomicFile(url)
    let header = header(sorted)
    try header.withUnsafeBufferPointer { (buffer) throws(FormatError) in
      try file.write(UnsafeRawBufferPointer(buffer))
    }
    for entry in sorted {
      switch entry.content {
      case .bytes(let bytes, _): try file.write(bytes)
      case .rounded(let values, let type):
        let bits = try type.narrowed(values, named: entry.name, file: url.path)
        try bits.withUnsafeMutablePointer { (bits) throws(FormatError) in
          try file.write(UnsafeRawBufferPointer(start: bits, count: entry.byteCount))
        }
      case .fetched(let fetch):
        let values = fetch()
        precondition(
          4 * values.count == entry.byteCount, "Tensor \(entry.name) was fetched with another size.")
        try values.withUnsafeMutablePointer { (values) throws(FormatError) in
          try file.write(UnsafeRawBufferPointer(start: values, count: entry.byteCount))
        }
      }
    }
    withExtendedLifetime(entries) {}
    try file.commit()
  }

  /// The tensors in the order of the file: the widest elements first, so that all are aligned, and by name.
  private var ordered: [Entry] {
    entries.sorted {
      $0.dtype.byteCount == $1.dtype.byteCount
        ? $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) : $0.dtype.byteCount > $1.dtype.byteCount
    }
  }

  /// Length and JSON, padded.
  private func header(_ sorted: [Entry]) -> [UInt8] {
    var object = JSONObject()
    if !metadata.isEmpty {
      var strings = JSONObject()
      for (key, value) in metadata.sorted(by: { $0.key < $1.key }) { strings[key] = .string(value) }
      object["__metadata__"] = .object(strings)
    }
    var offset = 0
    for entry in sorted {
      let end = offset + entry.byteCount
      let isNew = object.insertNew(
        entry.name,
        [
          "dtype": .string(entry.dtype.rawValue), "shape": .array(entry.shape.map(JSONValue.integer)),
          "data_offsets": [.integer(offset), .integer(end)],
        ])
      precondition(isNew, "Tensor \(entry.name) was added twice.")
      offset = end
    }
    var text = JSONWriter.bytes(of: .object(object), pretty: false)
    while text.count % 8 != 0 { text.append(0x20) }
    return withUnsafeBytes(of: UInt64(text.count).littleEndian, Array.init) + text
  }

  private final class Box {
    let buffer: UnsafeMutablePointer<Float>
    init(_ values: [Float]) {
      buffer = .allocate(capacity: max(values.count, 1))
      buffer.initialize(from: values, count: values.count)
    }
    deinit { buffer.deallocate() }
  }
}

extension SafetensorsWriter {
  /// Adds values that must stay as they are until `write(to:)` returns, which rounds them to a type.
  package mutating func add(_ name: String, shape: [Int], values: Storage, as type: SaveDType = .float32) {
    guard type == .float32 else {
      return add(name, type.dtype, shape: shape, count: values.count, .rounded(values, to: type))
    }
    let pointer = values.withUnsafeMutablePointer { UnsafePointer($0) }
    add(name, shape: shape, values: pointer, count: values.count, owner: values)
  }

  /// Adds floats that are fetched while the file is written, in the order of the names.
  package mutating func add(_ name: String, shape: [Int], fetching values: @escaping () -> Storage) {
    add(name, .float32, shape: shape, count: shape.reduce(1, *), .fetched(values))
  }

  /// Adds a copy of a matrix of 8-bit integers under its name, and its scales beside it under `name_scale`.
  package mutating func add(_ name: String, quantized matrix: QuantizedMatrix) {
    let scales = matrix.scales
    add(name + "_scale", shape: [matrix.rows], values: scales)
    let box = ByteBox(matrix)
    add(
      name, .int8, shape: [matrix.rows, matrix.columns], count: box.buffer.count,
      .bytes(UnsafeRawBufferPointer(box.buffer), owner: box))
  }

  private final class ByteBox {
    let buffer: UnsafeMutableRawBufferPointer
    init(_ matrix: QuantizedMatrix) {
      buffer = .allocate(byteCount: matrix.rows * matrix.columns, alignment: 1)
      matrix.withIntegers { buffer.copyMemory(from: $0) }
    }
    deinit { buffer.deallocate() }
  }
}
