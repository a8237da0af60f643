import ArgumentParser
import ModelFormats

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

  /// A value that was read elsewhere.
  init(_ value: JSONValue) { content = .json(value) }

  /// A structure of a recipe; nil for a plain text, which means the same as on the command line.
  init?(recipe entry: RecipeFile.Entry) {
    guard entry.isStructure || entry.values.count != 1 else { return nil }
    self.init(entry.json)
  }

  /// The value.
  ///
  /// - Parameter key: The key of its option, for messages.
  /// - Throws: `FormatError.json` for text that is no JSON.
  func value(of key: String) throws -> JSONValue {
    switch content {
    case .json(let value): value
    case .text(let text): try JSONValue(parsing: text, file: "--" + key.replacing("_", with: "-"))
    }
  }

  /// The text as it was given; nil for a structure of a recipe.
  var text: String? {
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
  func values(of key: String) throws -> [JSONValue] {
    try flatMap { argument in
      let value = try argument.value(of: key)
      return value.arrayValue ?? [value]
    }
  }
}
