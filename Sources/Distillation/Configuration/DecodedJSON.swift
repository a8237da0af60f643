import ModelFormats

/// A bridge between `Codable` and JSON trees: what a decoder of any format holds, as a `JSONValue`.
struct DecodedJSON: Codable {
  let value: JSONValue

  init(value: JSONValue) { self.value = value }

  init(from decoder: any Decoder) throws {
    if let container = try? decoder.container(keyedBy: Key.self) {
      var object = JSONObject()
      for key in container.allKeys {
        object[key.stringValue] = try container.decode(DecodedJSON.self, forKey: key).value
      }
      value = .object(object)
    } else if var container = try? decoder.unkeyedContainer() {
      var elements: [JSONValue] = []
      while !container.isAtEnd { elements.append(try container.decode(DecodedJSON.self).value) }
      value = .array(elements)
    } else {
      value = Self.scalar(try decoder.singleValueContainer())
    }
  }

  private static func scalar(_ container: any SingleValueDecodingContainer) -> JSONValue {
    if container.decodeNil() { return .null }
    if let truth = try? container.decode(Bool.self) { return .bool(truth) }
    if let number = try? container.decode(Int.self) { return .integer(number) }
    if let number = try? container.decode(Double.self) { return .double(number) }
    return (try? container.decode(String.self)).map { .string($0) } ?? .null
  }

  func encode(to encoder: any Encoder) throws {
    switch value {
    case .object(let object):
      var container = encoder.container(keyedBy: Key.self)
      for (key, member) in object {
        try container.encode(DecodedJSON(value: member), forKey: Key(stringValue: key))
      }
    case .array(let elements):
      var container = encoder.unkeyedContainer()
      for element in elements { try container.encode(DecodedJSON(value: element)) }
    default:
      var container = encoder.singleValueContainer()
      switch value {
      case .bool(let truth): try container.encode(truth)
      case .integer(let number): try container.encode(number)
      case .double(let number): try container.encode(number)
      case .string(let text), .largeInteger(let text): try container.encode(text)
      default: try container.encodeNil()
      }
    }
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }
}
