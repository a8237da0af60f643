/// A column of a data file: by its name in the header (or key in JSON lines), or by its position counted from 0.
public enum ColumnReference: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The column with this header or key.
  case name(String)
  /// The column at this position, counted from 0.
  case index(Int)

  /// Decodes an integer as a position and any other scalar as a name.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let index = try? container.decode(Int.self) {
      self = .index(index)
    } else {
      self = .name(try container.decode(String.self))
    }
  }

  /// Encodes a position as an integer and a name as a string.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .name(let name): try container.encode(name)
    case .index(let index): try container.encode(index)
    }
  }

  /// The column as an error message names it.
  public var description: String {
    switch self {
    case .name(let name): "\"\(name)\""
    case .index(let index): "number \(index) (counted from 0)"
    }
  }
}
