import ArgumentParser
import ModelFormats

/// Error for a recipe's value that its option does not take.
package struct RecipeValueError: Error {
  /// The value as text.
  package let text: String
}

extension ParsableArguments {
  /// These parsed options with a recipe's values for those that the command line did not give.
  ///
  /// - Parameter entries: The recipe's values, by the keys of the options.
  /// - Throws: `RecipeValueError` for a value that its option does not take, and the errors of the options' `validate`.
  package func filled(with entries: [String: RecipeFile.Entry]) throws -> Self {
    let children = Mirror(reflecting: self).children.map { (RecipeKey.of($0.label ?? ""), $0.value) }
    let wrappers = Dictionary(children) { first, _ in first }
    var filled = try Self(from: FillingDecoder(wrappers: wrappers, entries: entries))
    try filled.validate()
    return filled
  }

  /// The options that were given, by the keys of a recipe.
  ///
  /// - Throws: `FormatError.json` for a structure that is no JSON.
  package func given() throws -> JSONObject {
    var object = JSONObject()
    for child in Mirror(reflecting: self).children {
      try (child.value as? any RecipeOption)?.record(RecipeKey.of(child.label ?? ""), in: &object)
    }
    return object
  }

  /// The keys of the options in the order of the help text, those of groups included.
  package var recipeKeys: [String] {
    Mirror(reflecting: self).children.flatMap { child in
      (child.value as? any RecipeOption)?.keys(RecipeKey.of(child.label ?? "")) ?? []
    }
  }
}

/// The key of a property: `learning_rate` of `_learningRate`.
package enum RecipeKey {
  package static func of(_ property: String) -> String {
    property.drop { $0 == "_" }.map { $0.isUppercase ? "_" + $0.lowercased() : String($0) }.joined()
  }
}

/// A property of parsed options that a recipe can fill.
private protocol RecipeOption {
  func filled(_ key: String, with entries: [String: RecipeFile.Entry]) throws -> Self
  func record(_ key: String, in object: inout JSONObject) throws
  func keys(_ key: String) -> [String]
}

extension Option: RecipeOption {
  fileprivate func filled(_ key: String, with entries: [String: RecipeFile.Entry]) throws -> Self {
    guard let entry = entries[key], let own = wrappedValue as? any OptionValue, !own.isGiven else {
      return self
    }
    // Nothing would pass for the value nil.
    guard let made = type(of: own).init(recipe: entry), let value = made as? Value else {
      throw RecipeValueError(text: entry.text)
    }
    var filled = self
    filled.wrappedValue = value
    return filled
  }

  fileprivate func record(_ key: String, in object: inout JSONObject) throws {
    object[key] = try (wrappedValue as? any OptionValue)?.recipeValue(of: key)
  }

  fileprivate func keys(_ key: String) -> [String] { [key] }
}

extension Flag: RecipeOption {
  fileprivate func filled(_ key: String, with entries: [String: RecipeFile.Entry]) throws -> Self {
    guard let entry = entries[key] else { return self }
    let isOn = entry.values == ["true"]
    var filled = self
    if Value.self == Bool.self {
      if isOn, let value = true as? Value { filled.wrappedValue = value }
    } else if let own = wrappedValue as? Bool?, own == nil, let value = Optional(isOn) as? Value {
      filled.wrappedValue = value
    }
    return filled
  }

  fileprivate func record(_ key: String, in object: inout JSONObject) {
    if let truth = wrappedValue as? Bool {
      // What a flag without an inversion does not say is its default.
      object[key] = truth || Value.self != Bool.self ? .bool(truth) : nil
    }
  }

  fileprivate func keys(_ key: String) -> [String] { [key] }
}

extension OptionGroup: RecipeOption {
  fileprivate func filled(_ key: String, with entries: [String: RecipeFile.Entry]) throws -> Self {
    var filled = self
    filled.wrappedValue = try wrappedValue.filled(with: entries)
    return filled
  }

  fileprivate func record(_ key: String, in object: inout JSONObject) throws {
    for (key, value) in try wrappedValue.given() { object[key] = value }
  }

  fileprivate func keys(_ key: String) -> [String] { wrappedValue.recipeKeys }
}

// MARK: - Decoding

/// A decoder of options whose properties are there already, those that a recipe fills replaced.
private struct FillingDecoder: Decoder {
  package let wrappers: [String: Any]
  package let entries: [String: RecipeFile.Entry]
  package let codingPath: [any CodingKey] = []
  package let userInfo: [CodingUserInfoKey: Any] = [:]

  package func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
    KeyedDecodingContainer(Container(decoder: self))
  }

  package func unkeyedContainer() throws -> any UnkeyedDecodingContainer { throw notThere }
  package func singleValueContainer() throws -> any SingleValueDecodingContainer { throw notThere }

  private var notThere: DecodingError {
    .dataCorrupted(.init(codingPath: [], debugDescription: "options have nothing but properties"))
  }

  private struct Container<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let decoder: FillingDecoder
    let codingPath: [any CodingKey] = []
    let allKeys: [Key] = []

    func contains(_ key: Key) -> Bool { true }
    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<Wrapper: Decodable>(_ type: Wrapper.Type, forKey key: Key) throws -> Wrapper {
      let name = RecipeKey.of(key.stringValue)
      let wrapper = decoder.wrappers[name]
      let filled = try (wrapper as? any RecipeOption)?.filled(name, with: decoder.entries) ?? wrapper
      guard let filled = filled as? Wrapper else { throw decoder.notThere }
      return filled
    }

    func nestedContainer<Other: CodingKey>(
      keyedBy type: Other.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Other> { throw decoder.notThere }
    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
      throw decoder.notThere
    }
    func superDecoder() throws -> any Decoder { throw decoder.notThere }
    func superDecoder(forKey key: Key) throws -> any Decoder { throw decoder.notThere }
  }
}
