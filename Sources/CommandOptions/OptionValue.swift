import ArgumentParser
import ModelFormats

/// Type of an option's value that recipes can fill and hold.
package protocol OptionValue {
  /// Whether the command line gave it; a value that was not given is nil or an empty list.
  var isGiven: Bool { get }
  /// The value of a recipe's entry; nil for a text that the type does not take.
  init?(recipe entry: RecipeFile.Entry)
  /// The value as a recipe holds it; nil leaves the key out.
  ///
  /// - Throws: `FormatError.json` for a structure that is no JSON.
  func recipeValue(of key: String) throws -> JSONValue?
}

extension Optional: OptionValue where Wrapped: ExpressibleByArgument {
  package var isGiven: Bool { self != nil }

  package init?(recipe entry: RecipeFile.Entry) {
    if let structure = JSONArgument(recipe: entry) as? Wrapped {
      self = structure
    } else if let value = Wrapped(argument: entry.text) {
      self = value
    } else {
      return nil
    }
  }

  package func recipeValue(of key: String) throws -> JSONValue? { try flatMap { try jsonValue(of: $0, key) } }
}

extension Array: OptionValue where Element: ExpressibleByArgument {
  package var isGiven: Bool { !isEmpty }

  package init?(recipe entry: RecipeFile.Entry) {
    if entry.isStructure, let structure = JSONArgument(entry.json) as? Element {
      self = [structure]
      return
    }
    self = entry.values.compactMap { Element(argument: $0) }
    if count < entry.values.count { return nil }
  }

  package func recipeValue(of key: String) throws -> JSONValue? {
    if isEmpty { return nil }
    if let structures = self as? [JSONArgument] { return try .array(structures.values(of: key)) }
    let values = try compactMap { try jsonValue(of: $0, key) }
    return values.count == 1 ? values[0] : .array(values)
  }
}

/// An option's value as JSON.
private func jsonValue(of value: some ExpressibleByArgument, _ key: String) throws -> JSONValue? {
  switch value {
  case let argument as JSONArgument: try argument.value(of: key)
  case let text as String: .string(text)
  case let number as Int: .integer(number)
  case let number as Double: .double(number)
  case let number as UInt64: Int(exactly: number).map { .integer($0) } ?? .largeInteger("\(number)")
  case let name as any RawRepresentable: (name.rawValue as? String).map { .string($0) }
  default: nil
  }
}

/// An option's value that is a name or a structure: text on the command line, JSON in a recipe.
package struct JSONArgument: ExpressibleByArgument, Sendable, Equatable {
  private enum Content: Equatable {
    case text(String)
    case json(JSONValue)
  }
  private let content: Content

  /// A value of the command line: JSON where it begins as an object or a list, else a name.
  package init(argument: String) {
    let isStructure = argument.hasPrefix("{") || argument.hasPrefix("[")
    content = isStructure ? .text(argument) : .json(.string(argument))
  }

  /// A value of JSON.
  package init(_ value: JSONValue) { content = .json(value) }

  /// A structure of a recipe; nil for a plain text, which means the same as on the command line.
  package init?(recipe entry: RecipeFile.Entry) {
    guard entry.isStructure || entry.values.count != 1 else { return nil }
    self.init(entry.json)
  }

  /// The value.
  ///
  /// - Parameter key: The key of its option, for messages.
  /// - Throws: `FormatError.json` for text that is no JSON.
  package func value(of key: String) throws -> JSONValue {
    switch content {
    case .json(let value): value
    case .text(let text): try JSONValue(parsing: text, file: "--" + key.replacing("_", with: "-"))
    }
  }

  /// The text as it was given; nil for a structure of a recipe.
  package var text: String? {
    switch content {
    case .json(let value): value.stringValue
    case .text(let text): text
    }
  }
}

extension [JSONArgument] {
  /// The values of an option that may be given several times, lists taken apart.
  ///
  /// - Parameter key: The key of the option, for messages.
  /// - Throws: `FormatError.json` for text that is no JSON.
  package func values(of key: String) throws -> [JSONValue] {
    try flatMap { argument in
      let value = try argument.value(of: key)
      return value.arrayValue ?? [value]
    }
  }
}
