import Evaluation
import ModelFormats

/// Labels or numbers from a file: one a line, a column of TSV with or without a header, or a field of JSON lines.
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
  ///   - noHeader: whether a column that is a number is a position, counted from 0, in a table without a header.
  ///   - allowsEmpty: whether a value may be empty, as a set of no labels is.
  init(
    _ path: String, column: String?, usual: [String], noHeader: Bool = false, allowsEmpty: Bool = false
  ) throws {
    file = try LineFile(path)
    if path.hasSuffix(".jsonl") {
      let names = column.map { [$0] } ?? usual
      values = try file.lines.enumerated().map { try Self.field(of: $1, names, "\(path):\($0 + 1)") }
    } else {
      let first = file.lines.first.map(Self.cells) ?? []
      let place: Int
      if let position = column.flatMap({ Int($0) }) {
        place = try Self.check(position, in: first, noHeader: noHeader, of: file)
      } else {
        (place, start) = try Self.find(column, usual: usual, in: first, of: file)
      }
      for (index, line) in file.lines.enumerated().dropFirst(start) {
        let cells = Self.cells(line)
        guard cells.count == first.count else {
          throw file.fault(index, "found \(cells.count) columns, expected \(first.count) as in line 1")
        }
        values.append(cells[place])
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

  /// The place of a column in a header, and the index of the line of its first value: 0 where a single column has none.
  private static func find(
    _ column: String?, usual: [String], in header: [String], of file: LineFile
  ) throws -> (place: Int, start: Int) {
    let names = column.map { [$0] } ?? usual
    if let place = names.lazy.compactMap(header.firstIndex).first { return (place, 1) }
    if header.count == 1, column == nil { return (0, 0) }
    throw file.fault(
      0,
      "found the columns \(header.joined(separator: ", ")), expected one called \(names.joined(separator: ", "))"
        + "; name it with --prediction-column or --label-column, or, where the file has no header, add --no-header "
        + "and give its position from 0")
  }

  /// A position in a table without a header; never the name of a column, which a row of numbers could seem to have.
  private static func check(
    _ position: Int, in cells: [String], noHeader: Bool, of file: LineFile
  ) throws -> Int {
    guard noHeader else {
      throw CommandError(
        "\(file.path): the column \(position) is a number, expected a name from the header; where the file has no "
          + "header, add --no-header, and \(position) is a position counted from 0")
    }
    guard cells.indices.contains(position) else {
      throw file.fault(
        0, "found \(cells.count) columns, expected one at position \(position), counted from 0")
    }
    return position
  }

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
///
/// Numbers are one label however they are written, so that 1.0 is 1.
struct LabelClasses {
  private let names: [String]
  private let places: [String: Int]
  private let areNumbers: Bool

  init(_ labels: [String]) {
    let written = Set(labels)
    let areNumbers = written.allSatisfy { Double($0)?.isFinite == true }
    let distinct = areNumbers ? Set(written.map(Self.number)) : written
    names = distinct.sorted { a, b in
      areNumbers ? (Double(a) ?? 0, a) < (Double(b) ?? 0, b) : a < b
    }
    places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    self.areNumbers = areNumbers
  }

  /// A number as one would write it; any other text as it is.
  private static func number(_ label: String) -> String {
    if let integer = Int(label) { return String(integer) }
    guard let number = Double(label), number.isFinite else { return label }
    return Int(exactly: number).map { String($0) } ?? "\(number)"
  }

  private func index(of label: String) -> Int? { places[areNumbers ? Self.number(label) : label] }

  /// The index of each label.
  func indices(_ labels: [String]) -> [Int] { labels.compactMap { index(of: $0) } }

  /// Checks that two files have a label in common, since otherwise every score is 0 whatever the model knows; one label
  /// throughout each file may be a model that is always wrong.
  func check(_ predictions: ValueFile, against references: ValueFile) throws {
    let (found, expected) = (Set(indices(predictions.values)), Set(indices(references.values)))
    guard found.isDisjoint(with: expected), found.count > 1 || expected.count > 1 else { return }
    func list(_ classes: Set<Int>) -> String {
      classes.sorted().prefix(5).map { names[$0] }.joined(separator: ", ") + (classes.count > 5 ? ", …" : "")
    }
    throw CommandError(
      "\(predictions.path): found the labels \(list(found)), but \(references.path) has \(list(expected)) and none "
        + "of these; write both files with the same labels, or choose other columns with --prediction-column and "
        + "--label-column")
  }

  /// The counts with the positive label as class 1, for `f1`, which knows two classes.
  func binary(_ matrix: ConfusionMatrix, positive: String) throws -> ConfusionMatrix {
    let place = index(of: positive)
    // Where only the other label occurs there is nothing to find, and F1 is 0.
    guard names.count <= 2, place != nil || names.count < 2 else {
      throw CommandError(
        "f1 found the labels \(names.prefix(8).joined(separator: ", ")), expected two of which --pos-label "
          + "(now \(positive)) names one; f1_macro and f1_micro take any")
    }
    var predictions: [Int] = []
    var labels: [Int] = []
    for label in 0..<matrix.classCount {
      for prediction in 0..<matrix.classCount {
        let count = matrix[label, predicted: prediction]
        labels += [Int](repeating: label == place ? 1 : 0, count: count)
        predictions += [Int](repeating: prediction == place ? 1 : 0, count: count)
      }
    }
    return ConfusionMatrix(predictions: predictions, labels: labels, classCount: 2)
  }
}
