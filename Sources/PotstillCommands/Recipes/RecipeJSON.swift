import ModelFormats
import Yams

/// Values of a recipe, structures such as lists of matches included, as JSON.
enum RecipeJSON {
  static func value(of node: Node) -> JSONValue {
    switch node {
    case .scalar(let scalar):
      if scalar.style == .doubleQuoted || scalar.style == .singleQuoted { return .string(scalar.string) }
      if node.null != nil { return .null }
      if let bool = node.bool { return .bool(bool) }
      if let int = node.int { return .integer(int) }
      if let double = node.float, double.isFinite { return .double(double) }
      return .string(scalar.string)
    case .sequence(let sequence):
      return .array(sequence.map(value))
    case .mapping(let mapping):
      var object = JSONObject()
      for (key, member) in mapping { object[key.scalar?.string ?? ""] = value(of: member) }
      return .object(object)
    case .alias:
      return .null
    }
  }
}
