import Foundation
import ModelFormats
import Tasks
import Yams

/// Recipe of a run: the options of a command as YAML or JSON, in sections if the author likes.
///
///     task: sst2
///     training:
///       learning_rate: 5e-5
///       num_train_epochs: 3
///     distillation:
///       temperature: 8
///
/// Each key is the name of an option with underscores. Flags on the command line win over the file.
package struct RecipeFile {
  /// One option of the file.
  package struct Entry {
    /// The key as it is written.
    package let key: String
    /// The value as strings: scalars are one, lists several, structures JSON.
    package let values: [String]
    /// The whole value as JSON.
    package let json: JSONValue
    /// The line of the key, from 1.
    package let line: Int

    /// An entry of the parts that the parser has read.
    package init(key: String, values: [String], json: JSONValue, line: Int) {
      (self.key, self.values, self.json, self.line) = (key, values, json, line)
    }
  }

  /// Headings under which options may be gathered; they carry no meaning.
  package static let sections = [
    "models", "data", "masking", "training", "distillation", "evaluation", "run",
  ]

  /// The most entries: more than any command has options.
  private static let mostEntries = 1000

  /// The file as the user named it.
  package let path: String
  /// The options in order.
  package let entries: [Entry]
  /// The name of the file without its extension.
  package var name: String { URL(filePath: path).deletingPathExtension().lastPathComponent }

  /// A recipe of entries.
  package init(path: String, entries: [Entry]) {
    self.path = path
    self.entries = entries
  }

  /// Reads a recipe.
  package init(path: String) throws {
    let text: String
    do { text = try YAMLFile.text(path, expected: "a recipe in YAML or JSON") } catch {
      throw RecipeError([error.description])
    }
    try self.init(path: path, text: text)
  }

  /// Reads the text of a recipe; `path` is used in messages.
  package init(path: String, text: String) throws {
    self.path = path
    let document: Node?
    do { document = try YAMLFile.document(text, path: path) } catch {
      throw RecipeError([error.description])
    }
    guard let root = document else {
      entries = []
      return
    }
    guard case .mapping(let mapping) = root else {
      throw RecipeError(["\(path):1: found no options; expected lines such as 'learning_rate: 5e-5'"])
    }
    var entries: [Entry] = []
    var faults: [String] = []
    Self.collect(mapping, path: path, isSection: false, into: &entries, faults: &faults)
    guard entries.count + faults.count <= Self.mostEntries else {
      throw RecipeError([
        "\(path): found \(entries.count + faults.count) keys, expected at most \(Self.mostEntries); no command has so many "
          + "options"
      ])
    }
    var seen: [String: Int] = [:]
    for entry in entries {
      let name = OptionSpelling.canonical(entry.key)
      if let line = seen[name] {
        faults.append(
          "\(path):\(entry.line): \(entry.key) is given again (first in line \(line)); keep one of the two")
      }
      seen[name] = seen[name] ?? entry.line
    }
    if !faults.isEmpty { throw RecipeError(faults) }
    self.entries = entries
  }

  private static func collect(
    _ mapping: Node.Mapping, path: String, isSection: Bool, into entries: inout [Entry],
    faults: inout [String]
  ) {
    for (keyNode, value) in mapping {
      let line = keyNode.mark?.line ?? 1
      guard let key = keyNode.scalar?.string else {
        faults.append("\(path):\(line): a key must be a name; expected lines such as 'learning_rate: 5e-5'")
        continue
      }
      if !isSection, case .mapping(let section) = value, sections.contains(key) {
        collect(section, path: path, isSection: true, into: &entries, faults: &faults)
      } else if let values = values(of: value) {
        entries.append(Entry(key: key, values: values, json: JSONValue(value), line: line))
      }
    }
  }

  /// The strings that a value gives to its option; nil for an empty value, which sets nothing.
  private static func values(of node: Node) -> [String]? {
    switch node {
    case .scalar(let scalar):
      isQuoted(scalar) || node.null == nil ? [scalar.string] : nil
    case .sequence(let sequence) where sequence.allSatisfy { $0.scalar != nil }:
      sequence.compactMap { $0.scalar?.string }
    default:
      [JSONValue(node).compactText]
    }
  }

  private static func isQuoted(_ scalar: Node.Scalar) -> Bool {
    scalar.style == .doubleQuoted || scalar.style == .singleQuoted
  }
}

extension RecipeFile.Entry {
  /// Whether the value holds more than a scalar or a list of scalars.
  package var isStructure: Bool {
    json.objectValue != nil
      || json.arrayValue?.contains { $0.arrayValue != nil || $0.objectValue != nil } == true
  }

  /// The value as one text: a scalar as it is written, a list as JSON.
  package var text: String { values.count == 1 ? values[0] : json.compactText }

  /// An entry of a value that stands in no file.
  package init(_ key: String, _ json: JSONValue) {
    self.init(key: key, values: [json.stringValue ?? json.compactText], json: json, line: 0)
  }
}
