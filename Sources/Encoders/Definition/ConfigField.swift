import ModelFormats
import Tensors

/// A field of `config.json` that a family has: its key, how it is read, written and checked.
struct ConfigField: Sendable {
  /// The key in the file.
  let key: String
  /// Place of the value in a configuration.
  let path: any PartialKeyPath<EncoderConfig> & Sendable
  /// Reader that takes the value over from a file that has the key.
  let read: @Sendable (_ config: inout EncoderConfig, _ file: inout ConfigReading) -> Void
  /// Writes the value.
  let write: @Sendable (_ config: EncoderConfig, _ object: inout JSONObject) -> Void
  /// Fault of the value; nil when nothing is wrong.
  var fault: @Sendable (_ config: EncoderConfig) -> String? = { _ in nil }
}

extension ConfigField {
  /// A whole number from 1.
  static func size(
    _ key: String, _ path: any WritableKeyPath<EncoderConfig, Int> & Sendable
  ) -> ConfigField {
    ConfigField(key: key, path: path) { config, file in
      if let value = file.integer(key) { config[keyPath: path] = value }
    } write: { config, object in
      object[key] = .integer(config[keyPath: path])
    } fault: { config in
      sizeFault(config[keyPath: path])
    }
  }

  /// Fault of a size; nil when nothing is wrong.
  static func sizeFault(_ size: Int) -> String? {
    size > 0 && size < 1 << 31 ? nil : "found \(size), expected a whole number from 1"
  }

  /// A number; `EncoderConfig.check` knows its limits.
  static func number(
    _ key: String, _ path: any WritableKeyPath<EncoderConfig, Float> & Sendable
  ) -> ConfigField {
    ConfigField(key: key, path: path) { config, file in
      if let value = file.number(key) { config[keyPath: path] = value }
    } write: { config, object in
      object.setFloat(key, config[keyPath: path])
    }
  }

  /// Dropout before the head.
  ///
  /// - Parameter followsHiddenDropout: Whether it is that of the layers where the file leaves it out.
  static func headDropout(_ key: String, followsHiddenDropout: Bool = true) -> ConfigField {
    ConfigField(key: key, path: \.classifierDropout) { config, file in
      if let value = file.number(key) { config.classifierDropout = value }
    } write: { config, object in
      if let rate = config.classifierDropout ?? (followsHiddenDropout ? nil : config.hiddenDropout) {
        object.setFloat(key, rate)
      } else if object[key] != nil {
        object[key] = .null
      }
    }
  }

  /// The longest sequence, written with the rows of the position table that stand before it.
  static func positions(
    _ key: String, _ path: any WritableKeyPath<EncoderConfig, Int> & Sendable
  ) -> ConfigField {
    ConfigField(key: key, path: path) { config, file in
      // Wraps around for absurd numbers, which the check then finds out of range.
      config[keyPath: path] = (file.integer(key) ?? 512) &- config.positionOffset
    } write: { config, object in
      object[key] = .integer(config[keyPath: path] + config.positionOffset)
    }
  }

  /// A nonlinearity, written by the synonym that the file had for it.
  static func activation(
    _ key: String, _ path: any WritableKeyPath<EncoderConfig, Activation> & Sendable
  ) -> ConfigField {
    ConfigField(key: key, path: path) { config, file in
      guard let name = file.string(key) else { return }
      guard let activation = Activation(huggingFaceName: name) else {
        let known = Activation.allCases.map(\.rawValue).joined(separator: ", ")
        return file.faults.note(key, "unknown activation \"\(name)\", expected one of \(known)")
      }
      config[keyPath: path] = activation
    } write: { config, object in
      let activation = config[keyPath: path]
      if let name = object[key]?.stringValue, Activation(huggingFaceName: name) == activation { return }
      object[key] = .string(activation == .identity ? "linear" : activation.rawValue)
    }
  }

  /// The columns of the embedding tables in families that name them.
  static let embeddingSize = ConfigField(key: "embedding_size", path: \.embeddingSize) { config, file in
    if let value = file.integer("embedding_size") { config.embeddingSize = value }
  } write: { config, object in
    object["embedding_size"] = .integer(config.embeddingSize ?? config.hiddenSize)
  }

  /// A list of widths, each in a range.
  static func sizes(
    _ key: String, _ path: any WritableKeyPath<EncoderConfig, [Int]> & Sendable, widths: ClosedRange<Int>
  ) -> ConfigField {
    ConfigField(key: key, path: path) { config, file in
      if let values = file.integers(key) { config[keyPath: path] = values }
    } write: { config, object in
      object[key] = .array(config[keyPath: path].map { .integer($0) })
    } fault: { config in
      let values = config[keyPath: path]
      return !values.isEmpty && values.allSatisfy(widths.contains)
        ? nil : "found \(values), expected widths in \(widths.lowerBound) to \(widths.upperBound)"
    }
  }
}

extension JSONObject {
  /// Writes a Float by its shortest decimal digits, and not at all when the text already means this Float.
  mutating func setFloat(_ key: String, _ value: Float) {
    if let old = self[key]?.doubleValue, Float(old) == value { return }
    self[key] = .double(Double("\(value)") ?? Double(value))
  }
}

/// Faults of the fields of a configuration, the first of each field.
struct ConfigFaults {
  private var faults: [(field: String, problem: String)] = []

  /// Adds a fault of a field that has none yet.
  mutating func note(_ field: String, _ problem: String) {
    if !found(field) { faults.append((field, problem)) }
  }

  /// Adds a fault unless something holds, or a fault of other fields stands in the way of saying so.
  mutating func require(
    _ holds: @autoclosure () -> Bool, _ field: String, _ problem: @autoclosure () -> String,
    given prerequisites: String...
  ) {
    if !found(field), !prerequisites.contains(where: found), !holds() { note(field, problem()) }
  }

  /// Whether a field has a fault.
  func found(_ field: String) -> Bool { faults.contains { $0.field == field } }

  /// Throws all faults as one error.
  ///
  /// - Throws: `ModelError.configuration` for one fault, `ModelError.faults` for several.
  func check(file: String) throws(ModelError) {
    let errors = faults.map { ModelError.configuration(file: file, field: $0.field, problem: $0.problem) }
    guard let first = errors.first else { return }
    throw errors.count == 1 ? first : .faults(errors)
  }
}

/// The fields of a `config.json` while it is read; each gives nil where it is absent, null or faulty.
struct ConfigReading {
  let object: JSONObject
  var faults = ConfigFaults()

  init(_ object: JSONObject) { self.object = object }

  private func value(_ field: String) -> JSONValue? {
    guard let value = object[field], !value.isNull else { return nil }
    return value
  }

  mutating func integer(_ field: String) -> Int? {
    guard let value = value(field) else { return nil }
    if value.intValue == nil { faults.note(field, "found \(value.compactText), expected a whole number") }
    return value.intValue
  }

  mutating func integers(_ field: String) -> [Int]? {
    guard let value = value(field) else { return nil }
    guard let values = value.arrayValue, values.allSatisfy({ $0.intValue != nil }) else {
      faults.note(field, "found \(value.compactText), expected a list of whole numbers")
      return nil
    }
    return values.compactMap(\.intValue)
  }

  mutating func number(_ field: String) -> Float? {
    guard let value = value(field) else { return nil }
    guard let number = value.doubleValue, Float(number).isFinite else {
      faults.note(field, "found \(value.compactText), expected a number")
      return nil
    }
    return Float(number)
  }

  mutating func string(_ field: String) -> String? {
    guard let value = value(field) else { return nil }
    if value.stringValue == nil { faults.note(field, "found \(value.kind), expected a string") }
    return value.stringValue
  }
}
