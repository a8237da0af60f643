import Foundation
import ModelFormats

/// The sets of labels in two files as flags, a row an example and a column a class.
struct LabelSets {
  /// The classes, sorted, or in the order they were given.
  let classes: [String]
  /// Whether each class is predicted, [N, classes].
  private(set) var predictions: [Bool] = []
  /// Whether each class is true, [N, classes].
  private(set) var references: [Bool] = []

  /// Splits the values of two files of equal length.
  ///
  /// - Parameters:
  ///   - known: all classes, joined by the separator; nil takes those that occur.
  ///   - separator: what separates the labels of a value.
  init(known: String?, separator: String, predictions: ValueFile, references: ValueFile) throws {
    let (own, other) = (Self.split(predictions, separator), Self.split(references, separator))
    let occurring = Set(own.joined()).union(other.joined())
    let classes = known.map { Self.labels(in: $0, separator) } ?? occurring.sorted()
    let places = Dictionary(classes.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    guard !classes.isEmpty else {
      throw TaskError("\(references.path): found no label at all; there is nothing to score")
    }
    func flags(_ sets: [[String]], _ file: ValueFile) throws -> [Bool] {
      var flags = [Bool](repeating: false, count: sets.count * classes.count)
      for (row, set) in sets.enumerated() {
        for label in set {
          guard let place = places[label] else {
            throw file.fault(
              value: row, "found the label \"\(label)\", expected of \(classes.joined(separator: ", "))")
          }
          flags[row * classes.count + place] = true
        }
      }
      return flags
    }
    self.classes = classes
    self.predictions = try flags(own, predictions)
    self.references = try flags(other, references)
  }

  private static func split(_ file: ValueFile, _ separator: String) -> [[String]] {
    file.values.map { value in
      // JSON lines may have a list.
      let list = value.hasPrefix("[") ? try? JSONValue(parsing: value).arrayValue : nil
      return list?.map { trimmed($0.stringValue ?? $0.compactText) } ?? labels(in: value, separator)
    }
  }

  private static func labels(in text: String, _ separator: String) -> [String] {
    text.components(separatedBy: separator).map(trimmed).filter { !$0.isEmpty }
  }

  private static func trimmed(_ text: String) -> String {
    text.trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
