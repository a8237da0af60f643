import Foundation

/// Reader of ONNX files for tests, from the wire format up; it knows the fields that Potstill writes, and fails at others.
struct ONNXReader {
  struct Failure: Error {
    let text: String
    init(_ text: String) { self.text = text }
  }

  struct Node {
    var operation = ""
    var name = ""
    var inputs: [String] = []
    var outputs: [String] = []
    var attributes: [String: Attribute] = [:]
  }

  struct Attribute {
    var float: Float?
    var integer: Int?
    var text: String?
    var integers: [Int] = []
    var type = 0
  }

  struct Tensor {
    var name = ""
    var type = 0
    var shape: [Int] = []
    var values: NDArray?
    /// Place of the values in another file.
    var external: [String: String] = [:]
  }

  struct Port: Equatable {
    var name = ""
    var type = 0
    var shape: [String] = []
  }

  var formatVersion = 0
  var operatorSet = 0
  var producer = ""
  var nodes: [Node] = []
  var tensors: [Tensor] = []
  var inputs: [Port] = []
  var outputs: [Port] = []

  init(_ url: URL) throws {
    let folder = url.deletingLastPathComponent()
    for field in try Self.fields(Array(Data(contentsOf: url))) {
      switch field.number {
      case 1: formatVersion = try field.integer
      case 2: producer = try field.text
      case 3: _ = try field.text
      case 7: try readGraph(field.bytes, folder)
      case 8:
        for part in try Self.fields(field.bytes) where part.number == 2 { operatorSet = try part.integer }
      default: throw Failure("ModelProto has no field \(field.number) here")
      }
    }
  }

  private mutating func readGraph(_ bytes: [UInt8], _ folder: URL) throws {
    for field in try Self.fields(bytes) {
      switch field.number {
      case 1: nodes.append(try Self.node(field.bytes))
      case 2: _ = try field.text
      case 5: tensors.append(try Self.tensor(field.bytes, folder))
      case 11: inputs.append(try Self.port(field.bytes))
      case 12: outputs.append(try Self.port(field.bytes))
      default: throw Failure("GraphProto has no field \(field.number) here")
      }
    }
  }

  private static func node(_ bytes: [UInt8]) throws -> Node {
    var node = Node()
    for field in try fields(bytes) {
      switch field.number {
      case 1: node.inputs.append(try field.text)
      case 2: node.outputs.append(try field.text)
      case 3: node.name = try field.text
      case 4: node.operation = try field.text
      case 5:
        var (name, attribute) = ("", Attribute())
        for part in try fields(field.bytes) {
          switch part.number {
          case 1: name = try part.text
          case 2: attribute.float = try part.float
          case 3: attribute.integer = try part.integer
          case 4: attribute.text = try part.text
          case 8: attribute.integers.append(try part.integer)
          case 20: attribute.type = try part.integer
          default: throw Failure("AttributeProto has no field \(part.number) here")
          }
        }
        node.attributes[name] = attribute
      default: throw Failure("NodeProto has no field \(field.number) here")
      }
    }
    return node
  }

  private static func tensor(_ bytes: [UInt8], _ folder: URL) throws -> Tensor {
    var (tensor, raw, isExternal) = (Tensor(), [UInt8]?.none, false)
    for field in try fields(bytes) {
      switch field.number {
      case 1: tensor.shape.append(try field.integer)
      case 2: tensor.type = try field.integer
      case 8: tensor.name = try field.text
      case 9: raw = try field.bytes
      case 13:
        let parts = try fields(field.bytes).map { try $0.text }
        tensor.external[parts[0]] = parts[1]
      case 14: isExternal = try field.integer == 1
      default: throw Failure("TensorProto has no field \(field.number) here")
      }
    }
    if isExternal {
      guard let file = tensor.external["location"], let offset = tensor.external["offset"].flatMap(Int.init),
        let length = tensor.external["length"].flatMap(Int.init)
      else { throw Failure("\(tensor.name) says no place") }
      let data = try Data(contentsOf: folder.appending(path: file))
      guard offset >= 0, offset + length <= data.count else { throw Failure("\(tensor.name) lies outside") }
      raw = Array(data[offset..<(offset + length)])
    }
    guard let raw else { throw Failure("\(tensor.name) has no values") }
    let width = tensor.type == 7 ? 8 : [2, 3].contains(tensor.type) ? 1 : 4
    guard raw.count == width * tensor.shape.reduce(1, *) else { throw Failure("\(tensor.name) is cut off") }
    let words = stride(from: 0, to: raw.count, by: width).map { start in
      (0..<width).reduce(UInt64(0)) { $0 | UInt64(raw[start + $1]) << (8 * $1) }
    }
    let values: [Double]
    switch tensor.type {
    case 1: values = words.map { Double(Float(bitPattern: UInt32($0))) }
    case 2: values = raw.map(Double.init)
    case 3: values = raw.map { Double(Int8(bitPattern: $0)) }
    case 7: values = words.map { Double(Int64(bitPattern: $0)) }
    default: throw Failure("\(tensor.name) has the type \(tensor.type)")
    }
    tensor.values = NDArray(tensor.shape, values)
    return tensor
  }

  private static func port(_ bytes: [UInt8]) throws -> Port {
    var port = Port()
    for field in try fields(bytes) {
      guard field.number == 2 else {
        port.name = try field.text
        continue
      }
      for type in try fields(field.bytes) {
        for part in try fields(type.bytes) {
          guard part.number == 2 else {
            port.type = try part.integer
            continue
          }
          for extent in try fields(part.bytes) {
            for value in try fields(extent.bytes) {
              port.shape.append(value.number == 1 ? "\(try value.integer)" : try value.text)
            }
          }
        }
      }
    }
    return port
  }

  // MARK: The wire format

  struct Field {
    enum Content {
      case varint(UInt64)
      case four(UInt32)
      case bytes([UInt8])
    }
    let number: Int
    let content: Content

    var integer: Int {
      get throws {
        guard case .varint(let value) = content else { throw Failure("\(number) is no whole number") }
        return Int(Int64(bitPattern: value))
      }
    }
    var float: Float {
      get throws {
        guard case .four(let bits) = content else { throw Failure("\(number) is no float") }
        return Float(bitPattern: bits)
      }
    }
    var bytes: [UInt8] {
      get throws {
        guard case .bytes(let bytes) = content else { throw Failure("\(number) has no bytes") }
        return bytes
      }
    }
    var text: String { get throws { String(decoding: try bytes, as: UTF8.self) } }
  }

  static func fields(_ bytes: [UInt8]) throws -> [Field] {
    var (fields, place) = ([Field](), 0)
    func varint() throws -> UInt64 {
      var (value, shift) = (UInt64(0), UInt64(0))
      while place < bytes.count, shift < 64 {
        let byte = bytes[place]
        place += 1
        value |= UInt64(byte & 0x7F) << shift
        if byte & 0x80 == 0 { return value }
        shift += 7
      }
      throw Failure("a number is cut off")
    }
    while place < bytes.count {
      let tag = try varint()
      let content: Field.Content
      switch tag & 7 {
      case 0: content = .varint(try varint())
      case 2:
        let count = Int(try varint())
        guard count <= bytes.count - place else { throw Failure("field \(tag >> 3) is cut off") }
        content = .bytes(Array(bytes[place..<(place + count)]))
        place += count
      case 5:
        guard place + 4 <= bytes.count else { throw Failure("field \(tag >> 3) is cut off") }
        content = .four((0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[place + $1]) << (8 * $1) })
        place += 4
      default: throw Failure("wire type \(tag & 7)")
      }
      fields.append(Field(number: Int(tag >> 3), content: content))
    }
    return fields
  }
}
