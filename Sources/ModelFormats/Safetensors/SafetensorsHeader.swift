/// The checked header of a safetensors file: every range lies in the file, fits its shape, and together they tile the
/// data part without overlap or hole.
///
/// Format: 8 bytes little-endian header length, a JSON object, the data. See
/// https://github.com/huggingface/safetensors#format.
struct SafetensorsHeader {
  /// Larger headers are refused, as the reference implementation does.
  static let lengthLimit = 100_000_000
  /// The most axes a tensor may have, as in PyTorch.
  static let maximumRank = 64

  let tensors: [TensorInfo]  // in file order
  let metadata: [String: String]

  init(_ content: MappedFile, file: String) throws(FormatError) {
    let size = content.bytes.count
    let dataStart = try Self.dataStart(try content.slice(0..<8), size: size, file: file)
    let text = try content.slice(8..<dataStart)
    guard text[0] == UInt8(ascii: "{") else {
      throw .safetensors(file: file, reason: "the header starts with byte \(text[0]), expected '{'")
    }
    var metadata: [String: String] = [:]
    var tensors: [TensorInfo] = []
    // Each entry is checked before the next one is read, so a hostile header takes no more room than an honest one.
    try JSONParser.forEachMember(
      of: text.bindMemory(to: UInt8.self), file: file + " (header)",
      limits: JSONParser.Limits(depth: 3, elements: Self.maximumRank)
    ) { (name, entry) throws(FormatError) in
      if name == "__metadata__" {
        metadata = try Self.metadata(entry, file: file)
      } else {
        let reader = TensorEntryReader(file: file, name: name, dataStart: dataStart, dataEnd: size)
        tensors.append(try reader.read(entry))
      }
    }
    tensors.sort {
      ($0.byteRange.lowerBound, $0.byteRange.upperBound) < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
    }
    guard Set(tensors.map(\.name)).count == tensors.count else {
      throw .safetensors(file: file, reason: "two tensor names differ only in Unicode normalisation")
    }
    try Self.checkTiling(tensors, dataStart: dataStart, dataEnd: size, file: file)
    self.tensors = tensors
    self.metadata = metadata
  }

  private static func dataStart(
    _ bytes: UnsafeRawBufferPointer, size: Int, file: String
  ) throws(FormatError) -> Int {
    guard bytes.count >= 8 else {
      throw .safetensors(file: file, reason: "it has \(size) bytes, expected at least 10")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    // A download that went wrong leaves a page or a message in the place of the file.
    if bytes.prefix(8).allSatisfy({ (0x20...0x7E).contains($0) || $0 == 0x0A || $0 == 0x0D || $0 == 0x09 }) {
      let beginning = printable(String(decoding: bytes.prefix(24), as: UTF8.self))
      throw .safetensors(
        file: file,
        reason: "it begins with the text \"\(beginning)\", expected the length of a header; download it again"
      )
    }
    guard length >= 2 else {
      throw .safetensors(file: file, reason: "the header length is \(length), expected at least 2")
    }
    guard length <= UInt64(lengthLimit) else {
      throw .safetensors(
        file: file, reason: "the header length is \(length), more than the \(lengthLimit) allowed")
    }
    guard length <= UInt64(size - 8) else {
      throw .safetensors(
        file: file,
        reason:
          "the header length is \(length), but only \(size - 8) bytes follow; the file is truncated or"
          + " of another format")
    }
    return 8 + Int(length)
  }

  private static func metadata(_ entry: JSONValue, file: String) throws(FormatError) -> [String: String] {
    guard let object = entry.objectValue else {
      throw .field(
        file: file, path: "__metadata__", reason: "found \(entry.kind), expected an object of strings")
    }
    var result: [String: String] = [:]
    for (key, value) in object {
      guard let text = value.stringValue else {
        throw .field(
          file: file, path: "__metadata__.\(key)", reason: "found \(value.kind), expected a string")
      }
      result[key] = text
    }
    return result
  }

  private static func checkTiling(
    _ tensors: [TensorInfo], dataStart: Int, dataEnd: Int, file: String
  ) throws(FormatError) {
    var end = dataStart
    var previous = ""
    for tensor in tensors {
      let begin = tensor.byteRange.lowerBound
      guard begin >= end else {
        throw .tensor(
          file: file, name: tensor.name,
          reason:
            "its data begins at offset \(begin - dataStart), inside that of \"\(previous)\", which ends at"
            + " \(end - dataStart)")
      }
      guard begin == end else {
        throw .tensor(
          file: file, name: tensor.name,
          reason: "its data begins at offset \(begin - dataStart), but the data before it ends at"
            + " \(end - dataStart); holes are not allowed")
      }
      end = tensor.byteRange.upperBound
      previous = tensor.name
    }
    guard end == dataEnd else {
      throw .safetensors(
        file: file, reason: "\(dataEnd - end) bytes follow the last tensor's data; none are allowed")
    }
  }
}

/// Reader of one tensor's header entry, which it checks.
private struct TensorEntryReader {
  let file: String
  let name: String
  let dataStart: Int
  let dataEnd: Int

  func read(_ entry: JSONValue) throws(FormatError) -> TensorInfo {
    guard let object = entry.objectValue else {
      throw fault("its entry is \(entry.kind), expected an object with dtype, shape and data_offsets")
    }
    guard let dtypeName = object["dtype"]?.stringValue else {
      throw fault("its dtype is missing or not a string")
    }
    guard let dtype = DType(rawValue: dtypeName) else {
      let known = DType.allCases.map(\.rawValue).joined(separator: ", ")
      throw fault("unknown dtype \"\(dtypeName)\", expected one of \(known)")
    }
    let shape = try integers(object["shape"], "shape")
    let offsets = try integers(object["data_offsets"], "data_offsets")
    guard offsets.count == 2 else {
      throw fault("data_offsets has \(offsets.count) elements, expected [begin, end]")
    }
    let (begin, end) = (offsets[0], offsets[1])
    guard begin <= end else { throw fault("data_offsets begin \(begin) lies behind end \(end)") }
    guard end <= dataEnd - dataStart else {
      throw fault(
        "data_offsets end \(end) lies beyond the \(dataEnd - dataStart) bytes of data; the file is truncated or"
          + " the header wrong")
    }
    try check(shape, dtype, byteCount: end - begin)
    return TensorInfo(
      name: name, dtype: dtype, shape: shape, byteRange: (dataStart + begin)..<(dataStart + end))
  }

  private func check(_ shape: [Int], _ dtype: DType, byteCount: Int) throws(FormatError) {
    var size = dtype.byteCount
    for extent in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw fault("shape \(shape) is too large: its size in bytes overflows 64 bits") }
      size = product
    }
    guard size == byteCount else {
      throw fault(
        "shape \(shape) of \(dtype.rawValue) needs \(size) bytes, but data_offsets span \(byteCount)")
    }
  }

  private func integers(_ value: JSONValue?, _ field: String) throws(FormatError) -> [Int] {
    guard let elements = value?.arrayValue else { throw fault("its \(field) is missing or not an array") }
    var result: [Int] = []
    for element in elements {
      guard let integer = element.intValue, integer >= 0 else {
        throw fault("\(field) holds \(element.compactText), expected whole numbers of at least 0")
      }
      result.append(integer)
    }
    return result
  }

  private func fault(_ reason: String) -> FormatError { .tensor(file: file, name: name, reason: reason) }
}
