import Evaluation
import ModelFormats

/// Labels or numbers from a file: one a line, a column of TSV with a header, or a field of JSON lines.
struct ValueFile {
  /// The values in the order of the file.
  private(set) var values: [String] = []
  /// The index of the line of the first value; each line has one.
  private var start = 0
  private let file: LineFile
  /// The path, for messages.
  var path: String { file.path }

  /// What the column of predictions is usually called.
  static let predictionNames = ["prediction", "predictions", "pred", "label", "score"]
  /// What the column of gold values is usually called.
  static let labelNames = ["label", "labels", "gold_label", "gold", "score", "prediction"]

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: the file; its lines are JSON objects when the name ends in .jsonl.
  ///   - column: the column or field to take; nil takes the first of the usual ones that is there.
  ///   - usual: what the column is usually called.
  ///   - allowsEmpty: whether a value may be empty, as a set of no labels is.
  init(_ path: String, column: String?, usual: [String], allowsEmpty: Bool = false) throws {
    file = try LineFile(path)
    let names = column.map { [$0] } ?? usual
    if path.hasSuffix(".jsonl") {
      values = try file.lines.enumerated().map { try Self.field(of: $1, names, "\(path):\($0 + 1)") }
    } else {
      let header = file.lines.first.map(Self.cells) ?? []
      let place = names.lazy.compactMap(header.firstIndex).first
      guard place != nil || (header.count == 1 && column == nil) else {
        throw file.fault(
          0,
          "found the columns \(header.joined(separator: ", ")), expected "
            + (column.map { "one called \($0)" } ?? "one called \(usual.joined(separator: ", "))")
            + "; name it with --prediction-column or --label-column")
      }
      start = place == nil ? 0 : 1
      for (index, line) in file.lines.enumerated().dropFirst(start) {
        let cells = Self.cells(line)
        guard cells.count == header.count else {
          throw file.fault(index, "found \(cells.count) columns, expected \(header.count) as in line 1")
        }
        values.append(cells[place ?? 0])
      }
    }
    if values.isEmpty { throw CommandError("\(path): found no values, expected one a line") }
    for (index, value) in values.enumerated() where value.isEmpty && !allowsEmpty {
      throw fault(value: index, "found an empty value")
    }
  }

  /// The values as numbers.
  func numbers() throws -> [Double] {
    try values.enumerated().map { index, value in
      guard let number = Double(value), number.isFinite else {
        throw fault(value: index, "found \"\(value)\", expected a number")
      }
      return number
    }
  }

  /// An error at the line of a value.
  func fault(value index: Int, _ reason: String) -> CommandError { file.fault(start + index, reason) }

  private static func cells(_ line: Substring) -> [String] {
    line.utf8.split(separator: 0x09, omittingEmptySubsequences: false).map { String(Substring($0)) }
  }

  private static func field(of line: Substring, _ names: [String], _ place: String) throws -> String {
    let object = try JSONValue(parsing: String(line), file: place)
    guard let value = names.lazy.compactMap({ object[$0] }).first else {
      throw CommandError("\(place): found none of the fields \(names.joined(separator: ", "))")
    }
    return value.stringValue ?? value.compactText
  }
}

/// The distinct labels of two files, sorted as numbers when all are, as `scikit-learn` sorts classes.
struct LabelClasses {
  private let names: [String]
  private let places: [String: Int]

  init(_ labels: [String]) {
    let distinct = Set(labels)
    let isNumbers = distinct.allSatisfy { Double($0) != nil }
    names = distinct.sorted { a, b in
      isNumbers ? (Double(a) ?? 0, a) < (Double(b) ?? 0, b) : a < b
    }
    places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
  }

  /// The index of each label.
  func indices(_ labels: [String]) -> [Int] { labels.compactMap { places[$0] } }

  /// The counts with the positive label as class 1, for `f1`, which knows two classes.
  func binary(_ matrix: ConfusionMatrix, positive: String) throws -> ConfusionMatrix {
    // Where only the other label occurs there is nothing to find, and F1 is 0.
    guard names.count <= 2, places[positive] != nil || names.count < 2 else {
      throw CommandError(
        "f1 found the labels \(names.prefix(8).joined(separator: ", ")), expected two of which --pos-label "
          + "(now \(positive)) names one; f1_macro and f1_micro take any")
    }
    var predictions: [Int] = []
    var labels: [Int] = []
    for label in 0..<matrix.classCount {
      for prediction in 0..<matrix.classCount {
        let count = matrix[label, predicted: prediction]
        labels += [Int](repeating: names[label] == positive ? 1 : 0, count: count)
        predictions += [Int](repeating: names[prediction] == positive ? 1 : 0, count: count)
      }
    }
    return ConfusionMatrix(predictions: predictions, labels: labels, classCount: 2)
  }
}
