/// A table of the settings of a configuration, one line each: key, place, kind of value, check and help.
///
/// Reading and writing JSON, faults, differences between two runs and help texts all come from it, so a new setting is its
/// property and its line.
public struct Settings<Root: Sendable>: Sendable {
  /// The lines in order.
  public let lines: [Setting<Root>]

  /// A table of its lines.
  package init(_ lines: [Setting<Root>]) { self.lines = lines }

  /// The keys in order, without other spellings.
  public var keys: [String] { lines.map(\.key) }

  /// The keys of settings that change when a run reports, saves or ends, but no number of the steps it shares with another.
  public var harmlessKeys: Set<String> { Set(lines.filter(\.isHarmless).map(\.key)) }

  /// Lays an object's members over a configuration; what it leaves out stays.
  ///
  /// - Parameters:
  ///   - object: The members.
  ///   - root: The configuration.
  ///   - path: What precedes every key in the field of a fault.
  ///   - rejectsUnknown: Whether a key without a line is a fault.
  ///   - acceptsNonFinite: Whether infinite values and NaN are numbers, which the checks then find.
  /// - Returns: Everything that could not be read.
  public func lay(
    _ object: JSONObject, over root: inout Root, path: String = "", rejectsUnknown: Bool = false,
    acceptsNonFinite: Bool = false
  ) -> [Fault] {
    var reader = FieldReader(object, path: path, acceptsNonFinite: acceptsNonFinite)
    for line in lines { line.read(&reader, &root) }
    if rejectsUnknown { reader.rejectUnknown() }
    return reader.faults
  }

  /// The configuration as an object, keys in the order of the lines.
  public func json(of root: Root) -> JSONObject {
    var object = JSONObject()
    for line in lines { object[line.key] = line.write(root) }
    return object
  }

  /// Faults and doubts of a configuration, in the order of the lines.
  public func faults(of root: Root) -> [Fault] { lines.flatMap { $0.check(root) } }

  /// Differences between two configurations as JSON that change a number of a run's steps, such as `learning_rate: 0.05
  /// before, 0.01 now`.
  public func differences(from old: JSONValue, to new: JSONValue) -> [String] {
    new.differences(from: old, ignoring: harmlessKeys)
  }

  /// The help of the setting at a path, with what a tool takes where it is not given.
  ///
  /// - Parameters:
  ///   - path: The setting.
  ///   - usual: The default in words.
  public func help(_ path: PartialKeyPath<Root>, default usual: String? = nil) -> String {
    guard let line = lines.first(where: { $0.path == path }) else {
      preconditionFailure("There is no line of the table for \(path).")
    }
    guard let usual else { return line.help }
    let sentence = line.help.hasSuffix(".") ? String(line.help.dropLast()) : line.help
    return sentence + " (default: \(usual))."
  }
}

/// A line of a table of settings.
public struct Setting<Root: Sendable>: Sendable {
  /// The name in files.
  public let key: String
  /// The effect, in a sentence.
  public let help: String
  /// Whether it changes when a run reports, saves or ends, but no number of the steps it shares with another.
  public let isHarmless: Bool
  let path: any PartialKeyPath<Root> & Sendable
  let read: @Sendable (inout FieldReader, inout Root) -> Void
  let write: @Sendable (Root) -> JSONValue?
  let check: @Sendable (Root) -> [Fault]

  /// A setting whose value is read, written and checked by itself.
  ///
  /// - Parameters:
  ///   - key: The name in files.
  ///   - path: Where the value is.
  ///   - aliases: Other names that files may use; the first key wins.
  ///   - help: What it does, in a sentence.
  ///   - isHarmless: Whether it changes no number of a run's steps.
  ///   - isWritten: Whether a value is written; nil writes all.
  ///   - check: What is wrong with a value, in words; the configuration is for what depends on other settings.
  ///   - doubt: What is doubtful about it.
  package init<Value: SettingValue>(
    _ key: String, _ path: any WritableKeyPath<Root, Value> & Sendable, also aliases: [String] = [],
    help: String,
    isHarmless: Bool = false, isWritten: (@Sendable (Value) -> Bool)? = nil,
    check: @escaping @Sendable (Value, Root) -> [String] = { _, _ in [] },
    doubt: @escaping @Sendable (Value, Root) -> String? = { _, _ in nil }
  ) {
    self.init(
      key, at: path, help: help, isHarmless: isHarmless,
      read: { reader, root in
        for name in aliases.reversed() + [key] {
          if let value = Value.read(name, &reader) { root[keyPath: path] = value }
        }
      },
      write: { root in
        let value = root[keyPath: path]
        return isWritten?(value) ?? true ? value.json : nil
      },
      check: { root in
        let value = root[keyPath: path]
        return check(value, root).map { Fault(key, $0) }
          + (doubt(value, root).map { [Fault(key, $0, severity: .warning)] } ?? [])
      })
  }

  /// A setting with a reading, writing and check of its own.
  ///
  /// - Parameters:
  ///   - key: The name in files.
  ///   - path: Where the value is.
  ///   - help: What it does, in a sentence.
  ///   - isHarmless: Whether it changes no number of a run's steps.
  ///   - read: Takes it from an object, and adds what is wrong.
  ///   - write: The value as JSON; nil leaves it out.
  ///   - check: What is wrong or doubtful.
  package init(
    _ key: String, at path: any PartialKeyPath<Root> & Sendable, help: String, isHarmless: Bool = false,
    read: @escaping @Sendable (inout FieldReader, inout Root) -> Void,
    write: @escaping @Sendable (Root) -> JSONValue?,
    check: @escaping @Sendable (Root) -> [Fault] = { _ in [] }
  ) {
    self.key = key
    self.path = path
    self.help = help
    self.isHarmless = isHarmless
    self.read = read
    self.write = write
    self.check = check
  }
}

extension JSONValue {
  /// Differences from an older value, member by member, such as `learning_rate: 0.05 before, 0.01 now`.
  ///
  /// - Parameters:
  ///   - old: The older value.
  ///   - ignored: Keys that do not matter.
  ///   - path: What precedes every key.
  package func differences(
    from old: JSONValue, ignoring ignored: Set<String> = [], path: String = ""
  ) -> [String] {
    guard let before = old.objectValue, let now = objectValue else {
      return old.compactText == compactText ? [] : ["\(path): \(old.setting) before, \(setting) now"]
    }
    let keys = before.keys + now.keys.filter { before[$0] == nil }
    return keys.filter { !ignored.contains($0) }.flatMap { key in
      (now[key] ?? .null).differences(
        from: before[key] ?? .null, ignoring: ignored, path: path.isEmpty ? key : path + "." + key)
    }
  }

  /// The value of a setting in a few words.
  private var setting: String {
    let text = isNull ? "not set" : stringValue ?? compactText
    return text.count > 80 ? text.prefix(77) + "…" : text
  }
}
